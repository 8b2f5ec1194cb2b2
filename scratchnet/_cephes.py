"""Single-precision log, sin and cos, rounded operation by operation as torch's vector code rounds them.

``torch.randn`` in float32 runs the Cephes polynomials (S. Moshier, *Cephes Mathematical Library*, 1989) on
vectors with fused multiply-add.  Other accurate functions would differ from them in the last bit of every
seventh number, and equal seeds would not give equal networks; these give the same bits.
"""

from __future__ import annotations

import numpy as np

_F = np.float32
_SQRT_HALF = _F(0.707106781186547524)
_LOG = [_F(c) for c in (
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
    -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)]
_LN2_HIGH, _LN2_LOW = _F(0.693359375), _F(-2.12194440e-4)
_QUARTER_PI_PARTS = [_F(c) for c in (0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8)]
_SIN = [_F(c) for c in (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)]
_COS = [_F(c) for c in (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)]


def fma(a, b, c):
    """a·b + c with one rounding to float32: the product of two float32 numbers is exact in float64."""
    wide = np.multiply(a, b, dtype=np.float64)
    wide += c
    return wide.astype(_F)


def _polynomial(coefficients, x):
    y = np.full_like(x, coefficients[0])
    for c in coefficients[1:]:
        y = fma(y, x, c)
    return y


def log(x):
    """log x = e·ln 2 + log m of positive normal float32 numbers x = m·2^e, √½ ≤ m < √2."""
    mantissa, exponent = np.frexp(x)
    low = mantissa < _SQRT_HALF
    e = exponent.astype(_F) - low
    x = (mantissa - _F(1)) + mantissa * low
    z = x * x
    y = _polynomial(_LOG, x) * x
    y = fma(y, z, e * _LN2_LOW)
    y = fma(z, _F(-0.5), y)
    return fma(e, _LN2_HIGH, x + y)


def sin_cos(x):
    """Sine and cosine of float32 numbers ≥ 0: the octant j is found, and j·π/4 subtracted in three parts."""
    octant = ((x * _F(4 / np.pi)).astype(np.int32) + 1) & ~1
    y = octant.astype(_F)
    for part in _QUARTER_PI_PARTS:
        x = fma(y, -part, x)
    z = x * x
    cos = fma(_polynomial(_COS, z) * z, z, z * _F(-0.5)) + _F(1)
    sin = fma(_polynomial(_SIN, z) * z, x, x)
    swap = (octant & 2) != 0
    s, c = np.where(swap, cos, sin), np.where(swap, sin, cos)
    np.negative(s, out=s, where=(octant & 4) != 0)
    np.negative(c, out=c, where=((octant - 2) & 4) == 0)
    return s, c
