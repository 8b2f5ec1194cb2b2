"""Fractional max pooling: windows at pseudo-random distances, so that an image shrinks by any factor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor
from scratchnet.kernels import Windows, fractional_windows
from scratchnet.nn.functional.arguments import ints, require_float
from scratchnet.nn.functional.pooling_operations import MaxPool, apply_pooling, spatial_size
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.sampling import rand


def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """The largest value of each window; the windows of each plane start at places that are drawn at random.

    With a = (H − kernel) / (OH − 1) and u uniform in [0, 1), window i of the rows starts at ⌊(i + u) · a⌋ − ⌊u · a⌋,
    the last at H − kernel; the columns likewise with a number of their own.

    Graham, "Fractional Max-Pooling", 2014.

    Parameters
    ----------
    input : [N, C, H, W] or [C, H, W]
    kernel_size : int or (int, int)
    output_size : int or (OH, OW), optional
    output_ratio : float or pair of floats, optional
        OH / H and OW / W, instead of `output_size`.
    return_indices : bool
        Return also the places of the maxima, as indices into the H·W pixels of their plane.
    _random_samples : [N, C, 2], optional
        The numbers u, of the columns first, of input's dtype; by default drawn by `rand`. Those of a larger batch
        will do: the first N count.

    Returns
    -------
    [N, C, OH, OW], or a pair of them

    Raises
    ------
    ValueError
        If neither `output_size` nor `output_ratio` is given.
    RuntimeError
        If the windows do not fit.
    """
    return _fractional_max_pool(2, input, kernel_size, output_size, output_ratio, return_indices, _random_samples)


def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """`fractional_max_pool2d` of [N, C, D, H, W] or [C, D, H, W]; the random numbers [N, C, 3] are in this order."""
    return _fractional_max_pool(3, input, kernel_size, output_size, output_ratio, return_indices, _random_samples)


def fractional_max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """`fractional_max_pool2d` with its indices, whatever `return_indices` says."""
    return _fractional_max_pool(2, input, kernel_size, output_size, output_ratio, True, _random_samples)


def fractional_max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """`fractional_max_pool3d` with its indices, whatever `return_indices` says."""
    return _fractional_max_pool(3, input, kernel_size, output_size, output_ratio, True, _random_samples)


def _fractional_max_pool(
    dims: int,
    input: Tensor,
    kernel_size: Any,
    output_size: Any,
    output_ratio: Any,
    return_indices: bool,
    samples: Tensor | None,
) -> Any:
    name = f"fractional_max_pool{dims}d"
    size = spatial_size(input, dims, name)
    require_float(input, name)
    kernel = ints(kernel_size, dims, name, "kernel_size")
    if output_size is None:
        output_size = _scaled(name, size, output_ratio)
    output = ints(output_size, dims, name, "output_size")
    for n, k, m in zip(size, kernel, output):
        if k < 1 or m < 0 or m + k - 1 > n - (dims == 3):  # in 3-D torch wants one place to spare
            raise RuntimeError(
                f"{name}: {m} windows of {k} pixels do not fit into {n} pixels: kernel_size={kernel}, output_size={output}"
            )
    planes = (input.array.shape[0] if input.array.ndim == dims + 2 else 1, input.array.shape[-dims - 1])
    if samples is None:
        samples = rand(*planes, dims, dtype=input.dtype)
    u = check_tensor(samples, name, "_random_samples").array
    if u.ndim != 3 or u.shape[0] < planes[0] or u.shape[1:] != (planes[1], dims) or u.dtype != input.array.dtype:
        raise RuntimeError(
            f"{name}: expected _random_samples of shape {(*planes, dims)} (or more of the first) and dtype "
            f"{input.array.dtype}, got {u.shape} and {u.dtype}"
        )
    windows = _windows(size, kernel, output, u[: planes[0]].reshape(-1, dims))
    return apply_pooling(MaxPool(windows, return_indices), input, dims)


def _scaled(function: str, size: tuple[int, ...], ratio: Any) -> tuple[int, ...]:
    if ratio is None:
        raise ValueError(f"{function} requires specifying either an output_size or an output_ratio")
    ratios = tuple(ratio) if isinstance(ratio, Sequence) else (ratio,) * len(size)
    if len(ratios) != len(size):
        raise ValueError(f"{function}: output_ratio must be a number or {len(size)} of them, got {ratio}")
    return tuple(int(n * r) for n, r in zip(size, ratios))


def _windows(size: tuple, kernel: tuple, output: tuple, samples: np.ndarray) -> Windows:
    """The windows of planes with `samples` [planes, dims]."""
    if len(size) == 2:
        samples = samples[:, ::-1]  # torch's order: columns before rows, but depth, rows, columns
    starts = []
    for n, k, m, u in zip(size, kernel, output, samples.T):
        step = u.dtype.type((n - k) / (m - 1)) if m > 1 else u.dtype.type(0)
        u = u[:, None]
        start = ((np.arange(m, dtype=u.dtype) + u) * step).astype(np.int64) - (u * step).astype(np.int64)
        start[:, -1:] = n - k
        starts.append(start)
    return fractional_windows(size, kernel, starts)
