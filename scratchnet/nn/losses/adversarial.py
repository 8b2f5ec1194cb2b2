"""Losses of the game between a generator and a discriminator, and penalties for the discriminator's slope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scratchnet import ops
from scratchnet.autograd import grad
from scratchnet.autograd.mode import enable_grad
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.functional.arguments import require_float
from scratchnet.nn.functional.reduction import check_reduction, reduce_loss
from scratchnet.nn.modules.loss import _Loss

__all__ = [
    "DiscriminatorLoss", "GeneratorLoss", "discriminator_loss", "generator_loss", "gradient_penalty", "r1_penalty",
]  # fmt: skip


def _minus_log_sigmoid(x: Tensor) -> Tensor:
    return -F.logsigmoid(x)


# kind: what the discriminator pays for D(real), what it pays for D(fake), what the generator pays for D(fake)
_GAMES: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "minimax": (_minus_log_sigmoid, lambda y: _minus_log_sigmoid(-y), lambda y: F.logsigmoid(-y)),
    "non_saturating": (_minus_log_sigmoid, lambda y: _minus_log_sigmoid(-y), _minus_log_sigmoid),
    "least_squares": (lambda y: (y - 1) ** 2 / 2, lambda y: y**2 / 2, lambda y: (y - 1) ** 2 / 2),
    "wasserstein": (lambda y: -y, lambda y: y, lambda y: -y),
    "hinge": (lambda y: F.relu(1 - y), lambda y: F.relu(1 + y), lambda y: -y),
}


def _game(name: str, kind: str) -> tuple:
    if kind not in _GAMES:
        raise ValueError(f"{name}: expected kind to be one of {', '.join(_GAMES)}, got {kind!r}")
    return _GAMES[kind]


def discriminator_loss(real: Tensor, fake: Tensor, kind: str = "non_saturating", reduction: str = "mean") -> Tensor:
    """What the discriminator D minimises, given what it says of real and of generated examples.

        kind                      of a real one         of a generated one
        minimax, non_saturating   −log σ(D(x))          −log (1 − σ(D(x̃)))
        least_squares             (D(x) − 1)² / 2       D(x̃)² / 2
        wasserstein               −D(x)                 D(x̃)
        hinge                     max(0, 1 − D(x))      max(0, 1 + D(x̃))

    Goodfellow et al., "Generative Adversarial Nets", 2014. Mao et al., "Least Squares Generative Adversarial Networks",
    2016. Arjovsky, Chintala and Bottou, "Wasserstein GAN", 2017; it needs a bound on D's slope, see `gradient_penalty`.
    Lim and Ye, "Geometric GAN", 2017.

    Parameters
    ----------
    real, fake : D(x) and D(x̃), logits before any σ; hand over D of generated examples that are detached
    kind : str
    reduction : "mean", "sum" or "none"
        Of either by itself, before the two are added; for "none" they have the same shape.

    Raises
    ------
    ValueError
        If the kind or the reduction is unknown.
    """
    check_reduction(reduction)
    of_real, of_fake, _ = _game("discriminator_loss", kind)
    real, fake = require_float(real, "discriminator_loss", "real"), require_float(fake, "discriminator_loss", "fake")
    return reduce_loss(of_real(real), reduction) + reduce_loss(of_fake(fake), reduction)


def generator_loss(fake: Tensor, kind: str = "non_saturating", reduction: str = "mean") -> Tensor:
    """What the generator minimises, given what the discriminator says of its examples.

        minimax             log (1 − σ(D(x̃)))
        non_saturating      −log σ(D(x̃))
        least_squares       (D(x̃) − 1)² / 2
        wasserstein, hinge  −D(x̃)

    The gradient of minimax is nearly 0 where the discriminator is sure, so where the generator is bad; that of
    non_saturating, which has the same goal, is not. Papers: see `discriminator_loss`.

    Parameters
    ----------
    fake : D(x̃), logits of any shape
    kind : str
    reduction : "mean", "sum" or "none"

    Raises
    ------
    ValueError
        If the kind or the reduction is unknown.
    """
    check_reduction(reduction)
    *_, of_fake = _game("generator_loss", kind)
    return reduce_loss(of_fake(require_float(fake, "generator_loss", "fake")), reduction)


def gradient_penalty(
    critic: Callable[[Tensor], Tensor],
    real: Tensor,
    fake: Tensor,
    center: float = 1.0,
    epsilon: Tensor | None = None,
    generator: Any = None,
) -> Tensor:
    """Mean of (‖∇D(x̂)‖ − c)² at points between real and generated examples, x̂ = ε · x + (1 − ε) · x̃ with ε ~ U(0, 1).

    To be added to Wasserstein's loss, with a factor of 10: the critic is to have slope 1 where the gradient is used. It
    can be differentiated by the critic's parameters; real and fake get no gradient.

    Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville, "Improved Training of Wasserstein GANs", 2017.

    Parameters
    ----------
    critic : D, [N, ...] to one number for each example, which is to depend on no other example (no batch norm)
    real, fake : x and x̃, [N, ...]
    center : c
    epsilon : [N], optional
        Instead of random numbers.
    generator : scratchnet.Generator, optional

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    shape = require_float(real, "gradient_penalty", "real").array.shape
    if require_float(fake, "gradient_penalty", "fake").array.shape != shape or not shape:
        raise ValueError(
            f"gradient_penalty: expected real and fake of one shape [N, ...], got {shape} and {fake.array.shape}"
        )
    if epsilon is None:
        epsilon = ops.rand(shape[0], generator=generator, dtype=real.dtype)
    elif epsilon.array.shape != shape[:1]:
        raise ValueError(f"gradient_penalty: expected epsilon of shape {shape[:1]}, got {epsilon.array.shape}")
    mix = epsilon.detach().reshape(-1, *(1,) * (len(shape) - 1))
    slope = _slope(critic, mix * real.detach() + (1 - mix) * fake.detach())
    return ((ops.norm(slope, 2, -1) - center) ** 2).mean()


def r1_penalty(discriminator: Callable[[Tensor], Tensor], real: Tensor, gamma: float = 10.0) -> Tensor:
    """γ/2 · mean of ‖∇D(x)‖² over real examples: at the end of the game, D is to be flat there.

    Mescheder, Geiger and Nowozin, "Which Training Methods for GANs do actually Converge?", 2018.

    Parameters
    ----------
    discriminator : D, [N, ...] to one number for each example, which is to depend on no other example
    real : x, [N, ...], which gets no gradient
    gamma : γ

    Raises
    ------
    NotImplementedError
        If `real` is not of a floating-point type.
    """
    slope = _slope(discriminator, require_float(real, "r1_penalty", "real").detach())
    return gamma / 2 * (slope**2).sum(1).mean()


def _slope(critic: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """∇D at each of x [N, ...], as [N, D], with a graph that leads to the parameters of D."""
    with enable_grad():
        x = x.requires_grad_()
        (slope,) = grad(critic(x).sum(), x, create_graph=True)
        return slope.unsqueeze(-1).flatten(1)


class DiscriminatorLoss(_Loss):
    """What the discriminator minimises, see `discriminator_loss`."""

    function, settings = staticmethod(discriminator_loss), ("kind",)

    def __init__(self, kind: str = "non_saturating", reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        _game("DiscriminatorLoss", kind)
        self.kind = kind


class GeneratorLoss(_Loss):
    """What the generator minimises, see `generator_loss`."""

    function, settings = staticmethod(generator_loss), ("kind",)

    def __init__(self, kind: str = "non_saturating", reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        _game("GeneratorLoss", kind)
        self.kind = kind
