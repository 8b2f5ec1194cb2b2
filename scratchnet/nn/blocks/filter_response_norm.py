"""Filter response normalisation, and the activation with a learned threshold that belongs to it."""

from __future__ import annotations

from typing import Any, ClassVar

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import init
from scratchnet.nn.functional.arguments import require_channels
from scratchnet.nn.module import Module
from scratchnet.nn.modules.factory import positive, unset


class _FilterResponseNorm(Module):
    """The layer over `dims` dimensions; `FilterResponseNorm2d` has the documentation."""

    dims: ClassVar[int]

    def __init__(
        self, num_features: int, eps: float = 1e-6, learnable_eps: bool = False, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.num_features = positive(num_features, type(self).__name__, "num_features")
        self.eps, self.learnable_eps = eps, learnable_eps
        shape = (1, num_features, *(1,) * self.dims)
        self.gamma, self.beta, self.tau = (unset(shape, device, dtype) for _ in range(3))
        self.register_parameter("eps_l", unset((), device, dtype) if learnable_eps else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set γ to 1, β and τ to 0, and a learned ε to 10⁻⁴ as in the paper."""
        init.ones_(self.gamma)
        init.zeros_(self.beta)
        init.zeros_(self.tau)
        if self.eps_l is not None:
            init.constant_(self.eps_l, 1e-4)

    def forward(self, input: Tensor) -> Tensor:
        require_channels(input, self.dims + 2, self.num_features, type(self).__name__)
        mean_square = (input * input).mean(tuple(range(2, input.ndim)), keepdim=True)
        mean_square = mean_square + self.eps if self.eps_l is None else mean_square + self.eps + self.eps_l.abs()
        return ops.maximum(self.gamma * input * ops.rsqrt(mean_square) + self.beta, self.tau)

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, learnable_eps={self.learnable_eps}"


class FilterResponseNorm1d(_FilterResponseNorm):
    """Filter response normalisation of [N, C, L]; see `FilterResponseNorm2d`."""

    dims = 1


class FilterResponseNorm2d(_FilterResponseNorm):
    """Divides each channel of each image by its root mean square; then a ReLU with a learned threshold.

        y = max(γ · x / √(ν² + ε + |ε_l|) + β, τ),   ν² = mean of x² over the pixels

    Nothing is subtracted, so the values may lie far from 0, where a ReLU's threshold of 0 would be arbitrary. A map of
    one pixel would be left with its sign: there ε is to be learned.

    Singh and Krishnan, "Filter Response Normalization Layer: Eliminating Batch Dependence in the Training of Deep Neural
    Networks", 2020.

    Parameters
    ----------
    num_features : int
        C.
    eps : float
        ε.
    learnable_eps : bool
        Whether there is an ε_l, which starts as 10⁻⁴.

    Attributes
    ----------
    gamma, beta, tau : [1, C, 1, 1]
    eps_l : []

    Raises
    ------
    ValueError
        If the input has another number of dimensions.
    RuntimeError
        If it has another number of channels.

    Shapes: [N, C, H, W] to the same
    """

    dims = 2


class FilterResponseNorm3d(_FilterResponseNorm):
    """Filter response normalisation of [N, C, D, H, W]; see `FilterResponseNorm2d`."""

    dims = 3
