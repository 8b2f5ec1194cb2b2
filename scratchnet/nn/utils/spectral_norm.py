"""Spectral normalisation as a hook: a weight is divided by its greatest singular value.

`nn.utils.parametrizations.spectral_norm` is the same as a parametrization.
"""

from __future__ import annotations

from typing import Any, TypeVar

from scratchnet.autograd.mode import no_grad
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.lazy import is_lazy
from scratchnet.nn.module import Module
from scratchnet.nn.modules.conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from scratchnet.nn.parameter import Parameter
from scratchnet.nn.utils.weight_norm import WeightHook, as_matrix, find_hook, remove_hook

M = TypeVar("M", bound=Module)


def output_dim(module: Module) -> int:
    """Which dimension of a layer's weight counts its outputs."""
    return int(isinstance(module, ConvTranspose1d | ConvTranspose2d | ConvTranspose3d))


def check_iterations(n: int) -> int:
    if n <= 0:
        raise ValueError(f"Expected n_power_iterations to be positive, but got n_power_iterations={n}")
    return n


def random_direction(like: Tensor, size: int, eps: float) -> Tensor:
    """A vector of length 1, uniform over directions."""
    with no_grad():
        return F.normalize(like.new_empty(size).normal_(), dim=0, eps=eps)


def step(matrix: Tensor, x: Tensor, out: Tensor, eps: float) -> None:
    """out = A x / ‖A x‖, in place: half an iteration of the power method."""
    with no_grad():
        out.copy_(F.normalize(matrix.mv(x), dim=0, eps=eps))


def divided(weight: Tensor, matrix: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """W / σ, σ = uᵀ W v. The vectors are copied: a second call changes them before the first one's backward pass."""
    return weight / u.clone().dot(matrix.mv(v.clone()))


class SpectralNorm(WeightHook):
    """The hook that computes W / σ(W) before every call of the module.

    In training every call improves u ≈ the left and v ≈ the right singular vector by n iterations of the power
    method: v = Wᵀu / ‖Wᵀu‖, u = Wv / ‖Wv‖.
    """

    def __init__(self, name: str = "weight", n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        self.name, self.dim, self.eps = name, dim, eps
        self.n_power_iterations = check_iterations(n_power_iterations)

    def compute_weight(self, module: Module, do_power_iteration: bool) -> Tensor:
        weight, u, v = (getattr(module, self.name + suffix) for suffix in ("_orig", "_u", "_v"))
        matrix = as_matrix(weight, self.dim)
        for _ in range(self.n_power_iterations if do_power_iteration else 0):
            step(matrix.T, u, v, self.eps)
            step(matrix, v, u, self.eps)
        return divided(weight, matrix, u, v)

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, module.training))

    def apply(self, module: Module) -> None:
        """Put the weight's original, u and v in its place."""
        if find_hook(module, SpectralNorm, self.name) is not None:
            raise RuntimeError(f"Cannot register two spectral_norm hooks on the same parameter {self.name}")
        weight = module._parameters[self.name]
        if weight is None:
            raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{self.name}` is None")
        if is_lazy(weight):
            raise ValueError(
                "The module passed to `SpectralNorm` can't have uninitialized parameters. Make sure to run the dummy "
                "forward before applying spectral normalization"
            )
        u, v = (random_direction(weight, n, self.eps) for n in as_matrix(weight, self.dim).shape)
        delattr(module, self.name)
        module.register_parameter(self.name + "_orig", weight)
        setattr(module, self.name, weight.data)  # no parameter, but what looks for the weight finds it
        module.register_buffer(self.name + "_u", u)
        module.register_buffer(self.name + "_v", v)
        module.register_forward_pre_hook(self)

    def remove(self, module: Module) -> None:
        """Put the weight back, divided."""
        with no_grad():
            weight = self.compute_weight(module, do_power_iteration=False)
        for suffix in ("", "_u", "_v", "_orig"):
            delattr(module, self.name + suffix)
        module.register_parameter(self.name, Parameter(weight.detach()))


def spectral_norm(
    module: M, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> M:
    """Divide a weight by its greatest singular value before every call, so that the layer stretches nothing.

    Miyato, Kataoka, Koyama and Yoshida, "Spectral Normalization for Generative Adversarial Networks", 2018.

    The parameter `name` becomes `name_orig`; the buffers `name_u` and `name_v` hold the singular vectors, found by
    the power method. A weight of more than two dimensions is taken as a matrix, with one row for each output.

    Parameters
    ----------
    n_power_iterations : int
        Iterations at every call in training mode.
    eps : float
        Least length that is divided by.
    dim : int, optional
        The dimension of the outputs: 0, but 1 for transposed convolutions.

    Raises
    ------
    ValueError, RuntimeError
        If there is no such parameter or it has this hook already; if n_power_iterations is not positive.
    """
    SpectralNorm(name, n_power_iterations, output_dim(module) if dim is None else dim, eps).apply(module)
    return module


def remove_spectral_norm(module: M, name: str = "weight") -> M:
    """Undo `spectral_norm`: the weight is an ordinary parameter again, with the value that it has now.

    Raises
    ------
    ValueError
        If there is no spectral norm on this parameter.
    """
    return remove_hook(module, SpectralNorm, name, "spectral_norm")
