"""Smooth nonlinearities, element by element; those of straight pieces are in `activation_pieces`."""

from __future__ import annotations

from typing import Any

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.activation_operation import (
    ELU,
    GELU,
    GELUTanh,
    LogSigmoid,
    Mish,
    Sigmoid,
    SiLU,
    Softplus,
    Softsign,
    Tanh,
    Tanhshrink,
    run,
)
from scratchnet.nn.functional.arguments import refuse_bools, require_float
from scratchnet.ops.elementwise import as_float, check_tensor


def _worth_a_kernel(input: Any) -> bool:
    """Whether the work is more than the microseconds that a kernel's checks take."""
    return isinstance(input, Tensor) and input.array.dtype.kind == "f" and input.array.size > 4096


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(−x))"""
    return Sigmoid()(input) if _worth_a_kernel(input) else ops.sigmoid(input)


def tanh(input: Tensor) -> Tensor:
    """(exp(x) − exp(−x)) / (exp(x) + exp(−x))"""
    return Tanh()(input) if _worth_a_kernel(input) else ops.tanh(input)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else alpha · (exp(x) − 1).

    Clevert, Unterthiner and Hochreiter, "Fast and Accurate Deep Network Learning by Exponential Linear Units
    (ELUs)", 2015.
    """
    return run(require_float(input, "elu"), ELU(alpha, 1.0, 1.0), inplace)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """In-place form of `elu`."""
    return elu(input, alpha, inplace=True)


# for which activations of mean 0 and variance 1 stay so from layer to layer
_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """λ · x where x > 0, else λα · (exp(x) − 1), with λ ≈ 1.0507 and α ≈ 1.6733.

    Klambauer, Unterthiner, Mayr and Hochreiter, "Self-Normalizing Neural Networks", 2017.
    """
    return run(require_float(input, "selu"), ELU(_SELU_ALPHA, _SELU_SCALE, 1.0), inplace)


def selu_(input: Tensor) -> Tensor:
    """In-place form of `selu`."""
    return selu(input, inplace=True)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else alpha · (exp(x / alpha) − 1): the slope is continuous for every alpha.

    Barron, "Continuously Differentiable Exponential Linear Units", 2017.

    Raises
    ------
    RuntimeError
        If alpha is 0.
    """
    require_float(input, "celu")
    if alpha == 0:
        raise RuntimeError("celu: alpha cannot be 0: the formula divides by it")
    return run(input, ELU(alpha, 1.0, 1.0 / alpha), inplace)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """In-place form of `celu`."""
    return celu(input, alpha, inplace=True)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x · sigmoid(x), also called swish.

    Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016; Ramachandran, Zoph and Le, "Searching for Activation
    Functions", 2017.
    """
    return run(require_float(input, "silu"), SiLU(), inplace)


def swish(input: Tensor, beta: Any = 1.0) -> Tensor:
    """x · sigmoid(beta · x); beta may be a Tensor that is learned.

    Ramachandran, Zoph and Le, "Searching for Activation Functions", 2017.
    """
    return require_float(input, "swish") * sigmoid(input * beta)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x · tanh(log(1 + exp(x))).

    Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", 2019.
    """
    return run(require_float(input, "mish"), Mish(), inplace)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x · Φ(x), Φ the distribution function of the standard normal; with "tanh", an approximation of it.

    "tanh":  x · (1 + tanh(√(2/π) · (x + 0.044715 x³))) / 2.

    Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016.

    Raises
    ------
    RuntimeError
        If `approximate` is neither "none" nor "tanh".
    """
    require_float(input, "gelu")
    if approximate not in ("none", "tanh"):
        raise RuntimeError(f"gelu: approximate argument must be either none or tanh, got {approximate!r}")
    return (GELU if approximate == "none" else GELUTanh)()(input)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(beta · x)) / beta, a smooth ReLU; where beta · x > threshold, x itself: the same in floats.

    Dugas et al., "Incorporating Second-Order Functional Knowledge for Better Option Pricing", 2001.
    """
    return Softplus(beta, threshold)(require_float(input, "softplus"))


def logsigmoid(input: Tensor) -> Tensor:
    """log(1 / (1 + exp(−x)))"""
    return LogSigmoid()(require_float(input, "logsigmoid"))


def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|).

    Turian, Bergstra and Bengio, "Quadratic Features and Deep Architectures for Chunking", 2009.
    """
    return Softsign()(as_float(refuse_bools(input, "softsign"), "softsign"))


def tanhshrink(input: Tensor) -> Tensor:
    """x − tanh(x)"""
    if check_tensor(input, "tanhshrink").array.dtype.kind == "b":
        raise RuntimeError("tanhshrink: subtraction from bools is not supported; convert them, e.g. with .float()")
    return Tanhshrink()(as_float(input, "tanhshrink"))


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a · sigmoid(b), a and b the halves of the input along `dim`.

    Dauphin, Fan, Auli and Grangier, "Language Modeling with Gated Convolutional Networks", 2017.

    Raises
    ------
    RuntimeError
        If the size of that dimension is odd, or the input is a single number.
    IndexError
        If there is no such dimension.
    """
    x = require_float(input, "glu")
    if x.array.ndim == 0:
        raise RuntimeError("glu does not support 0-dimensional tensors: there is no dimension to halve")
    if not -x.array.ndim <= dim < x.array.ndim:
        raise IndexError(f"glu: dimension out of range (expected one of a {x.array.ndim}-dimensional tensor, got {dim})")
    size = x.array.shape[dim]
    if size % 2:
        raise RuntimeError(f"glu: Halving dimension must be even, but dimension {dim} is size {size}")
    return x.narrow(dim, 0, size // 2) * sigmoid(x.narrow(dim, size // 2, size // 2))


def maxout(input: Tensor, pieces: int, dim: int = 1) -> Tensor:
    """The largest of each group of `pieces` neighbours along `dim`: a convex function made of learned lines.

    Goodfellow, Warde-Farley, Mirza, Courville and Bengio, "Maxout Networks", 2013.

    Parameters
    ----------
    input : [..., C, ...], C at `dim` a multiple of `pieces`

    Returns
    -------
    [..., C / pieces, ...]

    Raises
    ------
    RuntimeError
        If C is no multiple of `pieces`.
    IndexError
        If there is no such dimension.
    """
    shape = check_tensor(input, "maxout").array.shape
    if not -len(shape) <= dim < len(shape):
        raise IndexError(f"maxout: dimension out of range (expected one of a {len(shape)}-dimensional tensor, got {dim})")
    dim %= len(shape)
    if pieces < 1 or shape[dim] % pieces:
        raise RuntimeError(f"maxout: {shape[dim]} channels cannot be split into groups of {pieces}")
    return input.reshape(*shape[:dim], shape[dim] // pieces, pieces, *shape[dim + 1 :]).amax(dim + 1)

