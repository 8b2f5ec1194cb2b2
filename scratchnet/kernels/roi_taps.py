"""Which rows and columns of an image the bins of a region average, and with which weights.

All averaging RoI operations are separable: bin (p, q) of region k is Σ_h Σ_w R[k,p,h] · x[h, w] · C[k,q,w], with
few entries in each row of R and C.  A `Taps` holds one of them for all regions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Taps(NamedTuple):
    """Bin p of region k has taps begin[k·bins + p] … begin[k·bins + p + 1] of position and weight."""

    begin: np.ndarray           # int64 [K·bins + 1]
    position: np.ndarray        # int64
    weight: np.ndarray


def check_regions(name, x_shape, dtype, regions, output_size):
    """The image of each region, int64 [K]; an error for what does not fit."""
    if len(x_shape) != 4:
        raise RuntimeError(f"{name}: expected input of shape [N, C, H, W], got {tuple(x_shape)}")
    if regions.ndim != 2 or regions.shape[1] != 5:
        raise RuntimeError(f"{name}: expected boxes of shape [K, 5], got {regions.shape}")
    if regions.dtype != dtype:
        raise RuntimeError(f"{name}: expected input and boxes of one dtype, got {dtype} and {regions.dtype}")
    if min(output_size) < 1:
        raise RuntimeError(f"{name}: expected a positive output_size, got {tuple(output_size)}")
    finite = np.isfinite(regions).all(1)
    if not finite.all():
        raise RuntimeError(f"{name}: expected finite boxes, got {regions[~finite][0]} at {finite.argmin()}")
    image = regions[:, 0].astype(np.int64)
    if image.size and not 0 <= image.min() <= image.max() < x_shape[0]:
        raise RuntimeError(f"{name}: boxes[:, 0] names the image of each box, and must be at least 0 and less than "
                           f"{x_shape[0]}; got {image.min()} to {image.max()}")
    if x_shape[2] * x_shape[3] == 0 and len(regions):
        raise RuntimeError(f"{name}: expected images with pixels, got input of shape {tuple(x_shape)}")
    return image


def _collect(valid, position, weight):
    """Taps from arrays [K·bins, T], of which the valid ones count."""
    begin = np.concatenate([[0], np.cumsum(valid.sum(1))])
    return Taps(begin.astype(np.int64), position[valid].astype(np.int64), weight[valid])


def _bilinear(coordinate, size):
    """The two pixels a coordinate lies between, their weights, and whether it lies on the image at all."""
    valid = (coordinate >= -1) & (coordinate <= size)
    coordinate = np.where(valid & (coordinate > 0), coordinate, 0).astype(coordinate.dtype)
    low = np.minimum(coordinate.astype(np.int64), size - 1)
    upper = np.where(low == size - 1, 0, coordinate - low).astype(coordinate.dtype)
    return (low, np.minimum(low + 1, size - 1)), (1 - upper, upper), valid


def sampled_taps(start, end, bins, sampling_ratio, size, smallest):
    """Bins that average samples between pixels (RoI Align).

    Parameters
    ----------
    start, end : [K], in pixels
    sampling_ratio : samples for a bin; 0 or less for as many as a bin has pixels
    smallest : regions are made at least so long, or not if None
    """
    dtype, length = start.dtype, end - start
    if smallest is not None:
        length = np.maximum(length, dtype.type(smallest))
    samples = np.full(len(start), sampling_ratio) if sampling_ratio > 0 else \
        np.maximum(np.ceil(length / dtype.type(bins)), 0).astype(np.int64)
    step = length / dtype.type(bins)
    # region and bin of every sample; regions have different numbers of samples
    per_bin = np.repeat(samples, bins)
    owner = np.repeat(np.arange(len(per_bin)), per_bin)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(per_bin) - per_bin, per_bin)
    region, which = owner // bins, (owner % bins).astype(dtype)
    coordinate = start[region] + which * step[region] + \
        (number.astype(dtype) + dtype.type(0.5)) * step[region] / samples[region].astype(dtype)
    positions, weights, valid = _bilinear(coordinate, size)
    owner, share = owner[valid], samples[region][valid].astype(dtype)
    begin = np.concatenate([[0], np.cumsum(2 * np.bincount(owner, minlength=len(per_bin)))])
    pairs = [np.stack(two, 1)[valid] for two in (positions, weights)]
    return Taps(begin.astype(np.int64), pairs[0].reshape(-1), (pairs[1] / share[:, None]).reshape(-1))


def pixel_bins(start, end, bins, extra, last):
    """First and last (exclusive) pixel of bins whose borders are rounded outwards (RoI Pool), [K, bins] each.

    Parameters
    ----------
    start, end : [K], in pixels; rounded
    extra : 1 if the pixel at the end belongs to the region
    last : no border is beyond this one
    """
    dtype = start.dtype
    start, end = _round(start), _round(end)
    step = (np.maximum(end - start + extra, 1).astype(dtype) / dtype.type(bins))[:, None]
    p = np.arange(bins + 1).astype(dtype)
    first, stop = np.floor(p[:-1] * step), np.ceil(p[1:] * step)
    return tuple(np.clip(v.astype(np.int64) + start[:, None], 0, last) for v in (first, stop))


def averaged_taps(start, end, bins, last):
    """Bins that average whole pixels (position-sensitive RoI Pool); arguments as for `pixel_bins`."""
    first, stop = (v.reshape(-1) for v in pixel_bins(start, end, bins, 0, last))
    count = np.maximum(stop - first, 0)
    offsets = np.arange(max(count.max(initial=0), 1))
    weight = np.broadcast_to((1 / np.maximum(count, 1))[:, None], (len(count), len(offsets)))
    return _collect(offsets < count[:, None], first[:, None] + offsets, weight.astype(start.dtype))


def _round(x):
    """To the nearest integer, halves away from zero."""
    whole = np.trunc(x)
    return (whole + np.sign(x) * (np.abs(x - whole) >= 0.5)).astype(np.int64)
