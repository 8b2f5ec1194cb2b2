"""Reading images at arbitrary points: grid_sample, and affine_grid that makes such points."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from scratchnet import kernels
from scratchnet.autograd.function import INPUTS, Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.kernels.grid_sample import next_order
from scratchnet.kernels.grid_sample_taps import MODES, PADDINGS
from scratchnet.nn.functional.arguments import require_float, require_same_dtype
from scratchnet.ops.elementwise import check_tensor

# The three operations are closed under differentiation. With w(u) the weights of the pixels x around a point u, and D
# the order of a derivative of w:
#   read    y = D w(u) · x            its gradients: spread(g, u) and slope(g, x, u)
#   spread  y = g · D w(u), onto x                   read(h, u)   and slope(g, h, u)
#   slope   y = g · (∂ D w(u)/∂u) · x                read, spread and slope, all of one order more


class _Sampling(Function):
    reads = INPUTS

    def __init__(self, settings: tuple, orders: tuple) -> None:
        self.settings, self.orders = settings, orders  # mode, padding mode, align_corners; orders of derivatives


class GridSample(_Sampling):
    """y[n, c, p] = Σ over the pixels q around grid[n, p] of w_q(grid[n, p]) · x[n, c, q]"""

    def forward(self, x: Any, grid: Any) -> Any:
        self.x_shape = x.shape
        return kernels.grid_sample(x, grid, *self.settings, self.orders)

    def backward(self, g: Tensor) -> tuple:
        x, grid = self.inputs
        need_x, need_grid = self.needs_input_grad
        return (
            GridSpread(self.settings, self.orders, self.x_shape)(g, grid) if need_x else None,
            GridSlope(self.settings, self.orders)(g, x, grid) if need_grid else None,
        )


class GridSpread(_Sampling):
    """The adjoint of `GridSample`: g is added onto the pixels around each point, times their weights."""

    def __init__(self, settings: tuple, orders: tuple, shape: tuple) -> None:
        super().__init__(settings, orders)
        self.target = shape

    def forward(self, g: Any, grid: Any) -> Any:
        return kernels.grid_sample_adjoint(g, grid, self.target, *self.settings, self.orders)

    def backward(self, h: Tensor) -> tuple:
        g, grid = self.inputs
        need_g, need_grid = self.needs_input_grad
        return (
            GridSample(self.settings, self.orders)(h, grid) if need_g else None,
            GridSlope(self.settings, self.orders)(g, h, grid) if need_grid else None,
        )


class GridSlope(_Sampling):
    """y[n, p, a] = Σ_c g[n, c, p] · ∂(GridSample of x)[n, c, p] / ∂grid[n, p, a]"""

    def forward(self, g: Any, x: Any, grid: Any) -> Any:
        return kernels.grid_sample_slope(g, x, grid, *self.settings, self.orders)

    def backward(self, h: Tensor) -> tuple:
        g, x, grid = self.inputs
        terms = []
        for a in range(len(self.orders)):
            settings = self.settings, next_order(self.orders, a)
            along = h[..., a].unsqueeze(1)
            terms.append(
                (
                    along * GridSample(*settings)(x, grid) if self.needs_input_grad[0] else None,
                    GridSpread(*settings, tuple(x.shape))(g * along, grid) if self.needs_input_grad[1] else None,
                    GridSlope(*settings)(g * along, x, grid) if self.needs_input_grad[2] else None,
                )
            )
        return tuple(
            None if parts[0] is None else sum(parts[1:], parts[0])  # of each axis of the grid
            for parts in zip(*terms)
        )


_CORNERS = (
    "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify "
    "align_corners=True if the old behavior is desired. See the documentation of grid_sample for details."
)


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """Read an image at given points.

    Jaderberg, Simonyan, Zisserman and Kavukcuoglu, "Spatial Transformer Networks", 2015. The gradient goes to the
    image and to the points, and can be differentiated again.

    Parameters
    ----------
    input : [N, C, H, W] or [N, C, D, H, W]
    grid : [N, OH, OW, 2] or [N, OD, OH, OW, 3]
        Points (column, row) or (column, row, slice), from −1 to 1 over the image.
    mode : {"bilinear", "nearest", "bicubic"}
        "bilinear" is trilinear for volumes, for which there is no "bicubic".
    padding_mode : {"zeros", "border", "reflection"}
        What lies outside of the image: zeros, its nearest pixel, or its mirror image.
    align_corners : bool, optional
        −1 and 1 are the centres of the outer pixels, instead of their edges; False by default.

    Returns
    -------
    [N, C, OH, OW] or [N, C, OD, OH, OW]

    Raises
    ------
    ValueError
        For an unknown mode.
    RuntimeError
        If shapes or dtypes do not fit.
    NotImplementedError
        If input is not of a floating-point type.
    """
    if mode not in MODES:
        raise ValueError(f"grid_sample: expected mode to be 'bilinear', 'nearest' or 'bicubic', got {mode!r}")
    if padding_mode not in PADDINGS:
        raise ValueError(
            f"grid_sample: expected padding_mode to be 'zeros', 'border' or 'reflection', got {padding_mode!r}"
        )
    if align_corners is None:
        warnings.warn(_CORNERS, stacklevel=2)
    x, points = check_tensor(input, "grid_sample"), check_tensor(grid, "grid_sample", "grid")
    dims = x.array.ndim - 2
    if dims not in (2, 3) or points.array.ndim != x.array.ndim or points.array.shape[-1] != dims:
        raise RuntimeError(
            f"grid_sample: expected input [N, C, H, W] and grid [N, OH, OW, 2], or input [N, C, D, H, W] and grid "
            f"[N, OD, OH, OW, 3], got shapes {x.array.shape} and {points.array.shape}"
        )
    if x.array.shape[0] != points.array.shape[0]:
        raise RuntimeError(
            f"grid_sample: expected input and grid of the same batch size, got shapes {x.array.shape} and "
            f"{points.array.shape}"
        )
    if 0 in x.array.shape[2:]:
        raise RuntimeError(f"grid_sample: expected input with pixels, got shape {x.array.shape}")
    if mode == "bicubic" and dims == 3:
        raise RuntimeError(
            f"grid_sample: mode 'bicubic' is for input of 4 dimensions, got shape {x.array.shape}; use 'bilinear'"
        )
    require_float(x, "grid_sample")
    require_same_dtype("grid_sample", input=x, grid=points)
    return GridSample((mode, padding_mode, bool(align_corners)), (0,) * dims)(x, points)


def affine_grid(theta: Tensor, size: Any, align_corners: bool | None = None) -> Tensor:
    """The points at which `grid_sample` reads an affine picture of an image: theta · (column, row, 1).

    Parameters
    ----------
    theta : [N, 2, 3] or [N, 3, 4]
        From the output's coordinates to those of the image, both from −1 to 1.
    size : (N, C, H, W) or (N, C, D, H, W)
        Of the output.
    align_corners : bool, optional
        −1 and 1 are the centres of the outer pixels, instead of their edges; False by default.

    Returns
    -------
    [N, H, W, 2] or [N, D, H, W, 3]

    Raises
    ------
    ValueError
        If theta is not of that shape or of integers, or a size is not positive.
    NotImplementedError
        For another number of sizes.
    RuntimeError
        If theta and size are not for one number of images.
    """
    shape = check_tensor(theta, "affine_grid", "theta").array.shape
    if align_corners is None:
        warnings.warn(_CORNERS, stacklevel=2)
    if theta.array.dtype.kind != "f":
        raise ValueError(f"affine_grid: expected theta of a floating-point type, got {theta.dtype}")
    if len(size) not in (4, 5):
        raise NotImplementedError(f"affine_grid: expected a size (N, C, H, W) or (N, C, D, H, W), got {size}")
    dims = len(size) - 2
    if len(shape) != 3 or shape[1:] != (dims, dims + 1):
        raise ValueError(f"affine_grid: expected theta of shape [N, {dims}, {dims + 1}] for size {size}, got {shape}")
    if align_corners and min(size[2:]) == 1:
        warnings.warn(
            "affine_grid: with align_corners=True, the one pixel of an axis of size 1 lies in the middle", stacklevel=2
        )
    elif min(size) <= 0:
        raise ValueError(f"affine_grid: expected a positive output size, got {size}")
    if any(isinstance(n, bool) or not hasattr(n, "__index__") for n in size):
        raise TypeError(f"affine_grid(): argument 'size' must be tuple of ints, not {size}")
    if size[0] != shape[0]:
        raise RuntimeError(f"affine_grid: expected theta for {size[0]} images, got shape {shape}")
    real = theta.array.dtype
    axes = [_points(n, bool(align_corners)).astype(real) for n in size[2:]]
    mesh = np.stack([*np.meshgrid(*axes, indexing="ij")[::-1], np.ones(tuple(size[2:]), real)], -1)
    base = Tensor(mesh.reshape(-1, dims + 1))
    return (base @ theta.transpose(1, 2)).reshape(size[0], *size[2:], dims)


def _points(n: int, align_corners: bool) -> np.ndarray:
    """The centres of n pixels, from −1 to 1."""
    if n == 1:
        return np.zeros(1)
    return np.linspace(-1, 1, n) * (1 if align_corners else (n - 1) / n)
