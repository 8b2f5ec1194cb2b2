"""Where a point on an image lies between its pixels: the taps along one axis, and their derivatives.

At coordinate u an axis has 1 tap (nearest), 2 (linear) or 4 (cubic), whose weights are piecewise polynomials in u.  So
derivatives of any order are taps of the same kind: `order` tells which.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from scratchnet.kernels.jit import jit
from scratchnet.kernels.vector_math import like

MODES = ("nearest", "bilinear", "bicubic")
PADDINGS = ("zeros", "border", "reflection")
TAPS = (1, 2, 4)
NEAREST, LINEAR, CUBIC = range(3)
ZEROS, BORDER, REFLECTION = range(3)
OUTSIDE = -1


def _padded(u, size, padding, align):
    """The coordinate that is read instead of u, and its derivative."""
    slope = np.ones_like(u)
    if padding == ZEROS:
        return u, slope
    if padding == REFLECTION:           # at the centres of the outer pixels, or at their edges
        low, span = (0, size - 1) if align else (-0.5, size)
        if span == 0:
            return np.zeros_like(u), np.zeros_like(u)
        distance = np.abs(u - u.dtype.type(low))
        odd = np.floor(distance / u.dtype.type(span)) % 2 == 1
        rest = np.fmod(distance, u.dtype.type(span))
        slope = np.where(odd, -1, 1) * np.where(u < low, -1, 1)
        u = np.where(odd, span - rest, rest).astype(u.dtype) + u.dtype.type(low)
    within = (u > 0) & (u < size - 1)
    return np.where(within, u, np.where(u >= size - 1, size - 1, 0)).astype(u.dtype), slope * within


# The weight of each tap as a polynomial of t, the distance from the first pixel of those around u (for cubic the
# second), constant term first; cubic is the cubic convolution kernel with a = -0.75: R. Keys, *Cubic Convolution
# Interpolation for Digital Image Processing* (1981).
_WEIGHTS = (
    [[1]],
    [[1, -1], [0, 1]],
    [[0, -0.75, 1.5, -0.75], [1, 0, -2.25, 1.25], [0, 0.75, 1.5, -1.25], [0, 0, -0.75, 0.75]],
)


@lru_cache(256)              # a network samples images of the same shapes again and again
def polynomials(mode, size, align, order, dtype):
    """[taps, 4]: the coefficients of a derivative of the weights with respect to a coordinate from -1 to 1.

    Nothing may write to them.
    """
    scale = (size - 1) / 2 if align else size / 2
    result = np.zeros((TAPS[mode], 4), dtype)
    for row, weight in zip(result, _WEIGHTS[mode]):
        derivative = np.polynomial.Polynomial(weight).deriv(order) if order else np.polynomial.Polynomial(weight)
        row[:len(derivative.coef)] = derivative.coef * scale**order
    return result


def axis_taps(coordinate, size, mode, padding, align, order=0):
    """Positions, -1 outside of the image, and weights along an axis: arrays [taps, ...].

    Parameters
    ----------
    coordinate : [...], -1 and 1 are the edges of the image, or with align the centres of its outer pixels
    size : pixels along the axis
    order : of the derivative with respect to the coordinate
    """
    u = (coordinate + 1) / 2 * (size - 1) if align else ((coordinate + 1) * size - 1) / 2
    slope = np.ones_like(u)
    if mode != CUBIC:
        u, slope = _padded(u, size, padding, align)
    first = np.rint(u) if mode == NEAREST else np.floor(u)
    t, table = u - first, polynomials(mode, size, align, order, u.dtype)
    weights = np.stack([((d * t + c) * t + b) * t + a for a, b, c, d in table]) * (slope if order else 1)
    positions = [first + u.dtype.type(k - (mode == CUBIC)) for k in range(len(table))]
    if mode == CUBIC:
        positions = [_padded(p, size, padding, align)[0] for p in positions]
    positions = np.stack(positions)
    valid = (positions >= 0) & (positions < size)
    return np.where(valid, positions, OUTSIDE).astype(np.int64), weights.astype(u.dtype)


# The same for a block of points, compiled: loops without branches, which become vector instructions.

@jit
def _pad_block(u, slope, size, padding, align):
    zero, one, half, last = like(0, u[0]), like(1, u[0]), like(0.5, u[0]), like(size - 1, u[0])
    if padding == REFLECTION:
        low, span = (zero, last) if align else (-half, last + one)
        if span == zero:
            span = one                          # one pixel: the next loop gives it
        for i in range(len(u)):
            distance = abs(u[i] - low)
            flips = np.floor(distance / span)
            rest, odd = distance - flips * span, half * flips != np.floor(half * flips)
            slope[i] = -one if (u[i] < low) != odd else one
            u[i] = (span - rest if odd else rest) + low
    if padding != ZEROS:
        for i in range(len(u)):
            within, beyond = (u[i] > zero) & (u[i] < last), u[i] >= last
            slope[i] = slope[i] if within else zero
            u[i] = u[i] if within else (last if beyond else zero)


@jit
def tap_block(points, axis, size, mode, padding, align, derived, coefficients, u, slope, first, positions, weights):
    """`axis_taps` of one axis of points [B, 2 or 3], into positions and weights [4, B].

    derived : whether the coefficients are those of a derivative
    u, slope, first : [B], overwritten
    """
    count, one, half = len(points), like(1, u[0]), like(0.5, u[0])
    pixels = like(size, u[0])
    u, slope, first = u[:count], slope[:count], first[:count]
    for i in range(count):
        c = points[i, axis] + one
        u[i] = half * c * (pixels - one) if align else half * (c * pixels - one)
        slope[i] = one
    if mode != CUBIC:
        _pad_block(u, slope, size, padding, align)
    for i in range(count):
        first[i] = np.rint(u[i]) if mode == NEAREST else np.floor(u[i])
    for k in range(len(coefficients)):
        out, (a, b, c, d) = weights[k], coefficients[k]
        for i in range(count):
            t = u[i] - first[i]
            out[i] = ((d * t + c) * t + b) * t + a
        if derived:
            for i in range(count):
                out[i] *= slope[i]
    for k in range(len(coefficients)):
        offset, out = like(k - 1 if mode == CUBIC else k, one), positions[k]
        for i in range(count):
            u[i] = first[i] + offset
        if mode == CUBIC:
            _pad_block(u, slope, size, padding, align)
        for i in range(count):
            inside = (u[i] >= like(0, one)) & (u[i] < pixels)
            out[i] = np.int32(u[i] if inside else -one)
