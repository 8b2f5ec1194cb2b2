"""The loss of variational autoencoders: minus the evidence lower bound."""

from __future__ import annotations

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.functional.arguments import require_float
from scratchnet.nn.functional.reduction import check_reduction, reduce_loss
from scratchnet.nn.modules.loss import _Loss
from scratchnet.ops.elementwise import check_tensor

__all__ = ["ELBOLoss", "elbo_loss", "kl_to_standard_normal"]


def kl_to_standard_normal(mean: Tensor, log_var: Tensor, reduction: str = "mean") -> Tensor:
    """KL(N(μ, diag σ²) ‖ N(0, I)) = ½ Σ_j (μ_j² + σ_j² − 1 − log σ_j²).

    Kingma and Welling, "Auto-Encoding Variational Bayes", 2013, appendix B.

    Parameters
    ----------
    mean, log_var : μ and log σ², [N, ...]; the sum is over all dimensions but the first
    reduction : "mean", "sum" or "none"

    Returns
    -------
    a number, or [N]

    Raises
    ------
    ValueError
        If the shapes differ or the reduction is unknown.
    """
    check_reduction(reduction)
    shapes = [
        require_float(x, "kl_to_standard_normal", name).array.shape
        for name, x in (("mean", mean), ("log_var", log_var))
    ]
    if shapes[0] != shapes[1] or len(shapes[0]) < 2:
        raise ValueError(f"kl_to_standard_normal: expected mean and log_var of one shape [N, ...], got {shapes}")
    terms = mean**2 + ops.expm1(log_var) - log_var  # σ² − 1 without loss of digits near σ = 1
    return reduce_loss(terms.flatten(1).sum(1) / 2, reduction)


def elbo_loss(
    input: Tensor,
    target: Tensor,
    mean: Tensor,
    log_var: Tensor,
    beta: float = 1.0,
    likelihood: str = "bernoulli",
    variance: float = 1.0,
    reduction: str = "mean",
) -> Tensor:
    """−log p(x | z) + β · KL(q(z | x) ‖ N(0, I)): for β = 1 on average, over z ~ q, an upper bound of −log p(x).

    bernoulli  −log p(x | z) = Σ −(x · log σ(y) + (1 − x) · log (1 − σ(y))), pixels that are on or off, for logits y
    gaussian   −log p(x | z) = Σ ½ ((x − y)² / v + log 2πv)

    Kingma and Welling, "Auto-Encoding Variational Bayes", 2013. β ≠ 1: Higgins et al., "beta-VAE: Learning Basic Visual
    Concepts with a Constrained Variational Framework", 2017.

    Parameters
    ----------
    input : y, [N, ...], what the decoder makes of z
    target : x, the same shape
    mean, log_var : [N, ...], of q(z | x), see `kl_to_standard_normal`
    beta : β
    likelihood : "bernoulli" or "gaussian"
    variance : v of the gaussian
    reduction : "mean", "sum" or "none"
        Of the losses of the N examples, which are sums over pixels and latent dimensions: a mean over pixels would
        weigh the two terms otherwise.

    Raises
    ------
    ValueError
        If the shapes do not fit, v is not positive, or likelihood or reduction are unknown.
    """
    check_reduction(reduction)
    y, x = require_float(input, "elbo_loss"), check_tensor(target, "elbo_loss", "target")
    if y.array.shape != x.array.shape or y.array.shape[:1] != check_tensor(mean, "elbo_loss", "mean").array.shape[:1]:
        raise ValueError(
            f"elbo_loss: expected input and target of one shape [N, ...] and mean [N, ...], got {y.array.shape}, "
            f"{x.array.shape} and {mean.array.shape}"
        )
    if likelihood not in ("bernoulli", "gaussian") or variance <= 0:
        raise ValueError(
            "elbo_loss: likelihood must be 'bernoulli' or 'gaussian' and variance positive, "
            f"got {likelihood!r} and {variance}"
        )
    divergence = kl_to_standard_normal(mean, log_var, "none")
    if likelihood == "bernoulli":
        pixels = F.binary_cross_entropy_with_logits(y, x, reduction="none")
    else:
        pixels = F.gaussian_nll_loss(y, x, float(variance), full=True, eps=0.0, reduction="none")
    return reduce_loss(pixels.unsqueeze(-1).flatten(1).sum(1) + beta * divergence, reduction)


class ELBOLoss(_Loss):
    """Minus the evidence lower bound, see `elbo_loss`."""

    function, settings = staticmethod(elbo_loss), ("beta", "likelihood", "variance")

    def __init__(
        self, beta: float = 1.0, likelihood: str = "bernoulli", variance: float = 1.0, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction=reduction)
        self.beta, self.likelihood, self.variance = beta, likelihood, variance
