"""A network that turns, moves and scales its input as another network tells it."""

from __future__ import annotations

from typing import Any

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.module import Module


class SpatialTransformer(Module):
    """Reads the input at points that an affine map, made from the input itself, gives.

        y[p] = x[θ (p; 1)],   θ = localisation(x),   p over the output's pixels, from −1 to 1

    The last layer of the localisation network usually starts with weight 0 and the identity as its bias,
    [1, 0, 0, 0, 1, 0], so that the image is at first left as it is.

    Jaderberg, Simonyan, Zisserman and Kavukcuoglu, "Spatial Transformer Networks", 2015.

    Parameters
    ----------
    localisation : Module
        Gives for [N, C, H, W] a θ of shape [N, 6] or [N, 2, 3]; or attention, [N, 3]: a scale s and the point
        (t_x, t_y) at which to look, θ = [[s, 0, t_x], [0, s, t_y]].
    size : (int, int), optional
        Height and width of the output; those of the input if not given.
    mode, padding_mode, align_corners
        As of `functional.grid_sample`.

    Raises
    ------
    RuntimeError
        If θ has another shape.

    Shapes: [N, C, H, W] to [N, C, *size]

    Examples
    --------
    >>> import scratchnet
    >>> from scratchnet import nn
    >>> mirror = nn.Sequential(nn.Flatten(), nn.Linear(3, 6))
    >>> _ = nn.init.zeros_(mirror[1].weight), mirror[1].bias.data.copy_(scratchnet.tensor([-1.0, 0, 0, 0, 1, 0]))
    >>> SpatialTransformer(mirror)(scratchnet.tensor([[[[1.0, 2.0, 3.0]]]]))
    tensor([[[[3., 2., 1.]]]], grad_fn=<GridSample>)
    """

    def __init__(
        self,
        localisation: Module,
        size: tuple[int, int] | None = None,
        mode: str = "bilinear",
        padding_mode: str = "zeros",
        align_corners: bool = False,
    ) -> None:
        super().__init__()
        self.localisation, self.size = localisation, size
        self.mode, self.padding_mode, self.align_corners = mode, padding_mode, align_corners

    def forward(self, input: Tensor) -> Tensor:
        size = (*input.shape[:2], *(self.size or input.shape[2:]))
        grid = F.affine_grid(self._theta(input), size, self.align_corners)
        return F.grid_sample(input, grid, self.mode, self.padding_mode, self.align_corners)

    def _theta(self, input: Tensor) -> Tensor:
        theta: Any = self.localisation(input)
        n = input.shape[0]
        if theta.array.shape in ((n, 6), (n, 2, 3)):
            return theta.reshape(n, 2, 3)
        if theta.array.shape != (n, 3):
            raise RuntimeError(
                f"SpatialTransformer: expected the localisation network to give [{n}, 6], [{n}, 2, 3] or [{n}, 3], got "
                f"shape {theta.array.shape}"
            )
        scale, x, y = theta.unbind(1)
        zero = ops.zeros_like(scale)
        return ops.stack([scale, zero, x, zero, scale, y], 1).reshape(n, 2, 3)

    def extra_repr(self) -> str:
        return (
            f"size={self.size}, mode={self.mode!r}, padding_mode={self.padding_mode!r}, "
            f"align_corners={self.align_corners}"
        )
