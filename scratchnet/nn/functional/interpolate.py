"""Resizing of images, signals and volumes."""

from __future__ import annotations

import warnings
from typing import Any

from scratchnet import kernels
from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.kernels.interpolate_tables import table
from scratchnet.ops.dtypes import as_dtype
from scratchnet.ops.elementwise import check_tensor


class Resample(Function):
    """y = M x along each of the last dimensions, M sparse (see the kernel).  dL/dx = the same with Mᵀ."""

    reads = NOTHING

    def __init__(self, tables: tuple) -> None:
        self.tables = tables

    def forward(self, x: Any) -> Any:
        return kernels.resample(x, self.tables)

    def backward(self, g: Tensor) -> Tensor:
        return Resample(tuple(t.adjoint for t in self.tables))(g)


# mode: the numbers of spatial dimensions it is for, and what it does along each of them
_MODES = {
    "nearest": ((1, 2, 3), "nearest"),
    "nearest-exact": ((1, 2, 3), "nearest-exact"),
    "area": ((1, 2, 3), "area"),
    "linear": ((1,), "linear"),
    "bilinear": ((2,), "linear"),
    "trilinear": ((3,), "linear"),
    "bicubic": ((2,), "cubic"),
    "lanczos": ((2,), "lanczos"),
}
_WITHOUT_CORNERS = ("nearest", "nearest-exact", "area")


def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Resize a signal, an image or a volume.

    Output pixel i lies on the input at s·(i + ½) − ½, or at s·i with `align_corners`, where s is input size / output
    size, or (input size − 1) / (output size − 1).

    Parameters
    ----------
    input : [N, C, L], [N, C, H, W] or [N, C, D, H, W]
    size : int or sequence of ints, optional
        Of the output, for all spatial dimensions or for each.
    scale_factor : float or sequence of floats, optional
        Multiplies the size, rounded down. Either this or `size`.
    mode : str
        "nearest": pixel ⌊s·i⌋; "nearest-exact": pixel ⌊s·(i + ½)⌋; "linear", "bilinear", "trilinear": between the
        pixels on either side (for 1, 2 and 3 dimensions); "bicubic": four pixels along each dimension (Keys, "Cubic
        Convolution Interpolation for Digital Image Processing", 1981, with a = −0.75); "area": the mean of the pixels
        covered; "lanczos": six pixels, only with `antialias`.
    align_corners : bool, optional
        The centres of the corner pixels fall together, instead of their outer corners; False by default.
    recompute_scale_factor : bool, optional
        Take s from the rounded output size, instead of from `scale_factor`.
    antialias : bool
        Where the image shrinks, average over what an output pixel stands for ("bilinear", "bicubic" with a = −0.5,
        "lanczos").

    Returns
    -------
    [N, C, *size]

    Raises
    ------
    ValueError
        For arguments that contradict each other.
    NotImplementedError
        If the mode is not for so many dimensions, or for the dtype.
    RuntimeError
        If a size is not positive.
    """
    x = check_tensor(input, "interpolate")
    dims = x.array.ndim - 2
    if align_corners is not None and mode in _WITHOUT_CORNERS:
        raise ValueError(
            f"interpolate: align_corners is for the modes linear, bilinear, bicubic and trilinear, not for {mode!r}"
        )
    sizes, factors = _sizes(x.array.shape[2:], size, scale_factor, recompute_scale_factor, mode)
    if antialias and not (mode in ("bilinear", "bicubic", "lanczos") and dims == 2):
        raise ValueError(
            "interpolate: antialias is for bilinear, bicubic and lanczos modes and a 4-D input, "
            f"got mode={mode!r} and input of shape {x.array.shape}"
        )
    if dims not in _MODES.get(mode, ((), ""))[0]:
        raise NotImplementedError(
            f"interpolate: expected an input of 3, 4 or 5 dimensions, and a mode for so many of {', '.join(_MODES)}; "
            f"got input of shape {x.array.shape} and mode={mode!r}"
        )
    if mode == "lanczos" and (align_corners or not antialias):
        raise ValueError(
            f"interpolate: mode 'lanczos' needs antialias=True, and has no align_corners; got antialias={antialias} and "
            f"align_corners={align_corners}"
        )
    _check_input(x, sizes, mode, antialias)
    if 0 in x.array.shape[:2] and mode == "area":
        return x.new_zeros((*x.array.shape[:2], *sizes)) + (x * 0).sum()
    return _resample(x, sizes, factors, _MODES[mode][1], bool(align_corners), antialias)


def _resample(x: Tensor, sizes: tuple, factors: tuple, along: str, align_corners: bool, antialias: bool) -> Tensor:
    dtype = x.array.dtype
    if dtype.kind == "f" and dtype.itemsize < 4:  # half precision is computed in single
        return _resample(x.float(), sizes, factors, along, align_corners, antialias).to(dtype)
    if dtype.kind != "f" and not along.startswith("nearest"):
        return _resample_bytes(x, sizes, factors, along, align_corners, antialias)
    real = dtype if dtype.kind == "f" else as_dtype(float)
    n = x.array.shape[2:]
    if along == "nearest" and len(n) == 2:  # as torch: pixels are copied, or doubled, whatever the factor was exactly
        factors = tuple(None if m in (k, 2 * k) else f for k, m, f in zip(n, sizes, factors))
    tables = [table(along, *axis, real, align_corners, f, antialias) for *axis, f in zip(n, sizes, factors)]
    return Resample(tuple(tables))(x)


def _resample_bytes(
    x: Tensor, sizes: tuple, factors: tuple, along: str, align_corners: bool, antialias: bool
) -> Tensor:
    """Columns first, then rows, each rounded to bytes as in torch, whose weights have 16 bits: bicubic it may be two off."""
    height, (rows, columns) = x.array.shape[2], sizes
    wide = _resample(x.float(), (height, columns), (None, factors[1]), along, align_corners, antialias)
    wide = (wide + 0.5).floor().clamp(0, 255)
    y = _resample(wide, (rows, columns), (factors[0], None), along, align_corners, antialias)
    return (y + 0.5).floor().clamp(0, 255).to(x.dtype)


def _sizes(shape: tuple, size: Any, scale_factor: Any, recompute: bool | None, mode: str) -> tuple[tuple, tuple]:
    """The output size, and for each dimension the scale factor that steps are computed from, or None."""
    if (size is None) == (scale_factor is None):
        raise ValueError("interpolate: exactly one of size and scale_factor should be defined")
    name, given = ("size", size) if scale_factor is None else ("scale_factor", scale_factor)
    values = tuple(given) if isinstance(given, tuple | list) else (given,) * len(shape)
    if len(values) != len(shape):
        raise ValueError(
            f"interpolate: input and {name} must have the same number of spatial dimensions, but got input with "
            f"spatial dimensions {list(shape)} and {name}={given}"
        )
    if scale_factor is None:
        if recompute:
            raise ValueError("interpolate: recompute_scale_factor is not meaningful with an explicit size")
        if any(isinstance(v, bool) or not hasattr(v, "__index__") for v in values):
            raise TypeError(f"interpolate: expected size to be an int or a tuple of ints, got {size!r}")
        return tuple(int(v) for v in values), (None,) * len(shape)
    if any(isinstance(v, str) or not hasattr(v, "__float__") for v in values):
        raise TypeError(
            f"interpolate: expected scale_factor to be a number or a tuple of numbers, got {scale_factor!r}"
        )
    sizes = tuple(int(n * float(v)) for n, v in zip(shape, values))
    fixed = recompute or mode == "area"
    return sizes, tuple(None if fixed else float(v) for v in values)


def _check_input(x: Tensor, sizes: tuple, mode: str, antialias: bool) -> None:
    shape, dtype = x.array.shape, x.array.dtype
    if min(sizes) < 1 or min(shape[2:]) < 1:
        raise RuntimeError(
            f"interpolate: Input and output sizes should be greater than 0, but got input of shape {shape} and "
            f"output size {sizes}"
        )
    if shape[1] == 0 and mode != "area":
        raise RuntimeError(f"interpolate: expected an input with channels, got shape {shape}")
    bytes_too = dtype.kind == "u" and mode not in ("area", "linear", "trilinear")
    if (dtype.kind != "f" and not bytes_too) or (dtype.itemsize == 2 and antialias):
        raise NotImplementedError(f"interpolate: mode {mode!r} is not implemented for input of dtype {dtype}")


def upsample(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Tensor:
    """torch's old name of `interpolate`."""
    warnings.warn("`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2)
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """torch's old name of `interpolate` in mode "nearest"."""
    warnings.warn(
        "`nn.functional.upsample_nearest` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2
    )
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """torch's old name of `interpolate` in mode "bilinear" with aligned corners."""
    warnings.warn(
        "`nn.functional.upsample_bilinear` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2
    )
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)
