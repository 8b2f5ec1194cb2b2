"""Nonlinear layers; the formulas are in `functional.activation` and `functional.activation_pieces`."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn import init
from scratchnet.nn.module import Module
from scratchnet.nn.modules.factory import full, positive
from scratchnet.nn.parameter import Parameter


class _Activation(Module):
    """Calls `function(input, *settings)`, with `inplace` for those that have it."""

    function: Callable[..., Tensor]
    settings: tuple[str, ...] = ()  # names of the attributes that the function takes
    shown: tuple[str, ...] = ()  # those of them that repr shows by name
    inplace: bool | None = None

    def forward(self, input: Tensor) -> Tensor:
        options = {} if self.inplace is None else {"inplace": self.inplace}
        return type(self).function(input, *(getattr(self, name) for name in self.settings), **options)

    def extra_repr(self) -> str:
        texts = [f"{name}={getattr(self, name)!r}" for name in self.shown]
        return ", ".join(texts + ["inplace=True"] * bool(self.inplace))


class _WithoutSettings(_Activation):
    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class ReLU(_WithoutSettings):
    """max(x, 0); at each element of [...]"""

    function = staticmethod(F.relu)


class SELU(_WithoutSettings):
    """s · `ELU`(x), with the constants s and alpha that keep mean 0 and variance 1; at each element of [...]"""

    function = staticmethod(F.selu)


class SiLU(_WithoutSettings):
    """x · sigmoid(x); at each element of [...]"""

    function = staticmethod(F.silu)


class Mish(_WithoutSettings):
    """x · tanh(log(1 + exp(x))); at each element of [...]"""

    function = staticmethod(F.mish)


class Hardswish(_WithoutSettings):
    """x · min(max(x + 3, 0), 6) / 6; at each element of [...]"""

    function = staticmethod(F.hardswish)

    def extra_repr(self) -> str:
        return ""


class Hardsigmoid(_WithoutSettings):
    """min(max(x + 3, 0), 6) / 6; at each element of [...]"""

    function = staticmethod(F.hardsigmoid)

    def extra_repr(self) -> str:
        return ""


class Tanh(_Activation):
    """(exp(x) − exp(−x)) / (exp(x) + exp(−x)); at each element of [...]"""

    function = staticmethod(F.tanh)


class Sigmoid(_Activation):
    """1 / (1 + exp(−x)); at each element of [...]"""

    function = staticmethod(F.sigmoid)


class LogSigmoid(_Activation):
    """log(1 / (1 + exp(−x))); at each element of [...]"""

    function = staticmethod(F.logsigmoid)


class Softsign(_Activation):
    """x / (1 + |x|); at each element of [...]"""

    function = staticmethod(F.softsign)


class Tanhshrink(_Activation):
    """x − tanh(x); at each element of [...]"""

    function = staticmethod(F.tanhshrink)


class Threshold(_Activation):
    """x where x > threshold, else value; at each element of [...]"""

    function, settings = staticmethod(F.threshold), ("threshold", "value")
    shown = settings

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold, self.value, self.inplace = threshold, value, inplace


class Hardtanh(_Activation):
    """min(max(x, min_val), max_val); at each element of [...]"""

    function, settings = staticmethod(F.hardtanh), ("min_val", "max_val")
    shown: tuple[str, ...] = settings

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
    ) -> None:
        super().__init__()
        for name, value in (("min", min_value), ("max", max_value)):
            if value is not None:
                warnings.warn(
                    f"keyword argument `{name}_value` is deprecated and rename to `{name}_val`",
                    FutureWarning,
                    stacklevel=2,
                )
        self.min_val = min_val if min_value is None else min_value
        self.max_val = max_val if max_value is None else max_value
        self.inplace = inplace
        if not self.max_val > self.min_val:
            raise AssertionError(f"Hardtanh: max_val must be greater than min_val, got {self.max_val} and {self.min_val}")


class ReLU6(Hardtanh):
    """min(max(x, 0), 6); at each element of [...]"""

    shown = ()

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)


class LeakyReLU(_Activation):
    """x where x > 0, else negative_slope · x; at each element of [...]"""

    function, settings = staticmethod(F.leaky_relu), ("negative_slope",)
    shown = settings

    def __init__(self, negative_slope: float = 1e-2, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope, self.inplace = negative_slope, inplace


class RReLU(_Activation):
    """x where x > 0, else r · x; at each element of [...], with a slope r of its own

    The slopes are drawn from [lower, upper) in training; in evaluation all are the mean of the two.
    """

    function, settings = staticmethod(F.rrelu), ("lower", "upper", "training")
    shown = ("lower", "upper")

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False) -> None:
        super().__init__()
        self.lower, self.upper, self.inplace = lower, upper, inplace


class ELU(_Activation):
    """x where x > 0, else alpha · (exp(x) − 1); at each element of [...]"""

    function, settings = staticmethod(F.elu), ("alpha",)
    shown = settings

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace


class CELU(_Activation):
    """x where x > 0, else alpha · (exp(x / alpha) − 1); at each element of [...]"""

    function, settings = staticmethod(F.celu), ("alpha",)
    shown = settings

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace


class GELU(_Activation):
    """x · Φ(x), Φ the distribution function of the standard normal; at each element of [...]"""

    function, settings = staticmethod(F.gelu), ("approximate",)
    shown = settings

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate


class Softplus(_Activation):
    """log(1 + exp(beta · x)) / beta; at each element of [...]"""

    function, settings = staticmethod(F.softplus), ("beta", "threshold")
    shown = settings

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold


class GLU(_Activation):
    """a · sigmoid(b), a and b the halves of the input along `dim`: [..., 2·n, ...] gives [..., n, ...]"""

    function, settings = staticmethod(F.glu), ("dim",)
    shown = settings

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim


class Hardshrink(_Activation):
    """0 where −lambd ≤ x ≤ lambd, else x; at each element of [...]"""

    function, settings = staticmethod(F.hardshrink), ("lambd",)

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def extra_repr(self) -> str:
        return str(self.lambd)


class Softshrink(Hardshrink):
    """x − lambd where x > lambd, x + lambd where x < −lambd, else 0; at each element of [...]"""

    function = staticmethod(F.softshrink)


class PReLU(_Activation):
    """x where x > 0, else w · x with learned slopes w: one for all, or one a channel.

    Attributes
    ----------
    weight : [num_parameters], at first `init`
    """

    function, settings = staticmethod(F.prelu), ("weight",)
    shown = ("num_parameters",)

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters, self.init = positive(num_parameters, "PReLU", "num_parameters"), init
        self.weight = Parameter(full(self.num_parameters, init, device, dtype))

    def reset_parameters(self) -> None:
        """Set every slope to its first value."""
        init.constant_(self.weight, self.init)


class Swish(_Activation):
    """x · sigmoid(β · x) with a learned β, at first `beta`"""

    function, settings = staticmethod(F.swish), ("beta",)

    def __init__(self, beta: float = 1.0, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.beta = Parameter(full((), beta, device, dtype))


class Maxout(_Activation):
    """The largest of each group of `pieces` neighbours along `dim`"""

    function, settings = staticmethod(F.maxout), ("pieces", "dim")
    shown = settings

    def __init__(self, pieces: int, dim: int = 1) -> None:
        super().__init__()
        self.pieces, self.dim = pieces, dim
