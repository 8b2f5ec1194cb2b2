"""Dropout layers; the formulas are in `functional.dropout` and `functional.dropout_structured`."""

from __future__ import annotations

from collections.abc import Callable

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.functional.dropout import check_probability
from scratchnet.nn.module import Module


class _Dropout(Module):
    function: Callable[..., Tensor]

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        check_probability(p)
        self.p, self.inplace = p, inplace

    def forward(self, input: Tensor) -> Tensor:
        return type(self).function(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """While training, zeroes every element with probability `p` and divides the others by 1 − p.

    Input of any shape, a result of the same.
    Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014.
    """

    function = staticmethod(F.dropout)


class Dropout1d(_Dropout):
    """`Dropout` of whole channels of [N, C, L]."""

    function = staticmethod(F.dropout1d)


class Dropout2d(_Dropout):
    """`Dropout` of whole channels of [N, C, H, W]."""

    function = staticmethod(F.dropout2d)


class Dropout3d(_Dropout):
    """`Dropout` of whole channels of [N, C, D, H, W]."""

    function = staticmethod(F.dropout3d)


class AlphaDropout(_Dropout):
    """`Dropout` for networks of SELUs: keeps mean 0 and variance 1. As in torch, `inplace` changes nothing.

    Input of any shape, a result of the same.
    Klambauer et al., "Self-Normalizing Neural Networks", 2017.
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.alpha_dropout(input, self.p, self.training)


class FeatureAlphaDropout(_Dropout):
    """`AlphaDropout` of whole channels of [N, C, ...]."""

    def forward(self, input: Tensor) -> Tensor:
        return F.feature_alpha_dropout(input, self.p, self.training)


class DropPath(_Dropout):
    """While training, skips the branch of a residual network for whole samples, with probability `p`."""

    function = staticmethod(F.drop_path)

    def __init__(self, p: float = 0.1, inplace: bool = False) -> None:
        super().__init__(p, inplace)


class StochasticDepth(Module):
    """`DropPath` under torchvision's name; with `mode` "batch" instead of "row" the branch is skipped for all samples.

    Input [N, ...], a result of the same shape. A ValueError for another mode, or p not from 0 to 1, when it is called.
    Huang, Sun, Liu, Sedra and Weinberger, "Deep Networks with Stochastic Depth", 2016.
    """

    def __init__(self, p: float, mode: str) -> None:
        super().__init__()
        self.p, self.mode = p, mode

    def forward(self, input: Tensor) -> Tensor:
        return F.stochastic_depth(input, self.p, self.mode, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}, mode={self.mode}"


class TraditionalDropout(_Dropout):
    """While training, zeroes every element with probability `p`; otherwise multiplies all by 1 − p. For study."""

    function = staticmethod(F.traditional_dropout)


class _DropBlock(_Dropout):
    """While training, drops blocks so that each pixel is dropped with probability about `p`."""

    def __init__(self, p: float = 0.1, block_size: int = 7, inplace: bool = False, eps: float = 1e-6) -> None:
        super().__init__(p, inplace)
        self.block_size, self.eps = block_size, eps

    def forward(self, input: Tensor) -> Tensor:
        return type(self).function(input, self.p, self.block_size, self.inplace, self.eps, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}, block_size={self.block_size}, inplace={self.inplace}"


class DropBlock2d(_DropBlock):
    """While training, drops squares of `block_size` pixels so that each pixel is dropped with probability about `p`."""

    function = staticmethod(F.drop_block2d)


class DropBlock3d(_DropBlock):
    """`DropBlock2d` with cubes of voxels of [N, C, D, H, W]."""

    function = staticmethod(F.drop_block3d)
