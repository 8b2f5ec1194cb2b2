"""Scalar functions for compiled loops, written so that a loop that calls them becomes vector instructions.

``math.exp`` in a compiled loop is a call for every element; these functions are plain arithmetic without branches,
tables or calls, and the compiler treats 4 to 16 elements at a time::

    from scratchnet.kernels.vector_math import exp, like

    @jit
    def loop(start, stop, x, y):
        x, y = x[start:stop], y[start:stop]
        for i in range(len(x)):
            y[i] = exp(x[i]) + like(1, x[i])

Import them by name: a loop is linked with what the names in its module refer to.  Arguments are float32 or float64
and so are results, within 2 units in the last place (3 for float64) everywhere: at ±0, subnormal numbers,
infinities and NaN too.  `instructions` has what they are made of, and what to write others with.

The recipe is the same everywhere: bring the argument to a small interval by exact steps, evaluate a polynomial
there, undo the steps.  The polynomials are minimax ones (E. Remez, 1934), one for each precision, lowest power first.
J.-M. Muller, *Elementary Functions: Algorithms and Implementation* (2016), explains the craft.
"""

from __future__ import annotations

import numpy as np

from scratchnet.kernels.instructions import bits, from_bits, inlined, like, polynomial

# ln 2 in two parts, the first with so few bits that k·ln2_high is exact for every exponent k
_LN2_HIGH = (np.float32(0.693359375), np.float64(0.693147180369123816490))
_LN2_LOW = (np.float32(-2.12194440e-4), np.float64(1.90821492927058770002e-10))
_LOG2_E = (np.float32(1.44269504), np.float64(1.4426950408889634))
# Adding 1.5·2^m to a small number, m the bits of the mantissa, rounds it to an integer and leaves that in the last
# bits, which are moved to the exponent by a shift of m.
_ROUND = (np.float32(1.5 * 2**23), np.float64(1.5 * 2**52))
_MANTISSA = (np.int32(23), np.int64(52))
_BIAS = (np.int32(127), np.int64(1023))

# exp(r) = 1 + r + r²·P(r) for |r| <= ln2 / 2, to 2^-27 and 2^-56
_EXP = (tuple(map(np.float32, (0.5, 0.16666576266288757, 0.04166637361049652, 0.008363235741853714,
                               0.0013941216748207808))),
        (0.5000000000000001, 0.16666666666666674, 0.04166666666662381, 0.008333333333322127, 0.0013888888917370848,
         0.00019841269886836392, 2.4801521052860206e-05, 2.7557242059340425e-06, 2.762020367160025e-07,
         2.5110154340462048e-08))


@inlined
def _power_of_two(rounded, x):
    """2^k for the integer k in the last bits of `rounded`, see _ROUND."""
    return from_bits((bits(rounded) + like(_BIAS, x)) << like(_MANTISSA, x), x)


@inlined
def _reduce(x):
    """k, an integer, and exp(r) - 1 as a larger and a smaller part, where x = k·ln 2 + r and |r| <= ln2 / 2."""
    shift = like(_ROUND, x)
    k = (x * like(_LOG2_E, x) + shift) - shift
    high, low = x - k * like(_LN2_HIGH, x), k * like(_LN2_LOW, x)       # r = high - low, and high is exact
    r = high - low
    return k, high, r * r * polynomial(r, like(_EXP, x)) - low


# Where exp overflows and where it is 0, and a little beyond
_EXP_MOST = (np.float32(89), np.float64(710))
_EXP_LEAST = (np.float32(-104), np.float64(-746))


@inlined
def _exp_of_rest(x):
    """k, and exp(r), where x = k·ln 2 + r."""
    k, high, low = _reduce(x)
    one = like(1, x)
    total = one + high
    lost = high - (total - one)             # what rounding took from the total
    return k, total + (low + lost)


@inlined
def exp(x):
    """e^x = 2^k · exp(r), where k = round(x / ln 2) and r = x - k·ln 2.

    2^k alone may be no number though the result is one, so it is multiplied by 2^a and 2^b, a + b = k.
    """
    most, least, shift = like(_EXP_MOST, x), like(_EXP_LEAST, x), like(_ROUND, x)
    x = most if x > most else x             # NaN compares false and stays
    x = least if x < least else x
    k, y = _exp_of_rest(x)
    half = k * like(0.5, x) + shift
    rest = (k - (half - shift)) + shift
    return y * _power_of_two(half, x) * _power_of_two(rest, x)


_LIFT = (np.float32(24), np.float64(54))                        # so that the smallest number has a normal power of 2
_LOWER = (np.float32(2.0**-24), np.float64(2.0**-54))


@inlined
def exp_of_negative(x):
    """e^x for x <= 0, quicker: 2^k = 2^(k+24) · 2^-24, the last one a number known beforehand."""
    least = like(_EXP_LEAST, x)
    k, y = _exp_of_rest(least if x < least else x)
    return y * _power_of_two(k + (like(_ROUND, x) + like(_LIFT, x)), x) * like(_LOWER, x)


# From where expm1(x) is -1, and up to where expm1(x) and log1p(x) are x
_EXPM1_LEAST = (np.float32(-20), np.float64(-40))
_TINY = (np.float32(2**-25), np.float64(2**-54))


@inlined
def expm1(x):
    """e^x - 1 = 2^k·(exp(r) - 1) + (2^k - 1), with k and r as for exp: nothing cancels where x is small.

    Computed as twice 2^(k-1)·(exp(r) - 1) + (2^(k-1) - 1/2), since 2^k may overflow before the result does.
    """
    most, least, shift, half = like(_EXP_MOST, x), like(_EXPM1_LEAST, x), like(_ROUND, x), like(0.5, x)
    clamped = most if x > most else x
    clamped = least if x < least else clamped
    k, high, low = _reduce(clamped)
    scale = _power_of_two(k + (shift - like(1, x)), x)
    y = scale * (high + low) + (scale - half)
    return x if abs(x) < like(_TINY, x) else y + y


_LEAST_NORMAL = (np.finfo(np.float32).tiny, np.finfo(np.float64).tiny)
_SQRT_HALF_BITS = (np.float32(0.5**0.5).view(np.int32), np.float64(0.5**0.5).view(np.int64))
_SUBNORMAL_SCALE = (np.float32(2**24), np.float64(2**53))

# ln(1 + f) = 2 artanh(s) = 2s + s·z·P(z), s = f / (2 + f), z = s²; to 2^-29 and 2^-51
_LOG = (tuple(map(np.float32, (0.6666666865348816, 0.4000012278556824, 0.28550657629966736, 0.23334571719169617))),
        (0.666666666666667, 0.3999999999989727, 0.2857142862693292, 0.2222221098587616, 0.18182899540813363,
         0.15331387289618503, 0.14620458691868995))


@inlined
def _split(x):
    """x = 2^k · m with m between √½ and √2; k as a float."""
    least = like(_LEAST_NORMAL, x)
    mantissa = like(_MANTISSA, x)
    small = x < least
    x = x * like(_SUBNORMAL_SCALE, x) if small else x
    k = (bits(x) - like(_SQRT_HALF_BITS, x)) >> mantissa
    m = from_bits(bits(x) - (k << mantissa), x)
    return like(k, x) - (like(mantissa, x) + like(1, x) if small else like(0, x)), m


@inlined
def _log_of(k, f, correction):
    """k·ln 2 + ln(1 + f) + correction, the parts added from the smallest to the largest.

    With s = f / (2 + f) and h = f²/2:  2s = f - s·f  and  s·f = h - s·h, so that
    ln(1 + f) = f - (h - s·(h + z·P(z))): the largest terms, f and h, have no rounding error of a division.
    """
    s = f / (f + like(2, f))
    z = s * s
    h = like(0.5, f) * f * f
    tail = s * (h + z * polynomial(z, like(_LOG, f))) + (k * like(_LN2_LOW, f) + correction)
    return k * like(_LN2_HIGH, f) - ((h - tail) - f)


@inlined
def log(x):
    """ln x = k·ln 2 + ln(1 + f), where x = 2^k·(1 + f) and 1 + f is between √½ and √2."""
    k, m = _split(x)
    y = _log_of(k, m - like(1, x), like(0, x))
    y = y if x > like(0, x) else like(-np.inf, x) if x == like(0, x) else like(np.nan, x)
    return y if x < like(np.inf, x) else x if x > like(0, x) else like(np.nan, x)


@inlined
def log1p(x):
    """ln(1 + x) = ln u + (x - (u - 1)) / u, where u is 1 + x rounded and the fraction makes good for that."""
    one = like(1, x)
    u = one + x
    lost = x - (u - one) if x < one else one - (u - x)
    k, m = _split(u)
    y = _log_of(k, m - one, lost / u)
    y = x if abs(x) < like(_TINY, x) else y
    y = y if x > -one else like(-np.inf, x) if x == -one else like(np.nan, x)
    return y if x < like(np.inf, x) else x if x > -one else like(np.nan, x)


# tanh(x) = x·(1 + x²·P(x²)) for |x| <= 0.55, to 2^-27 and 2^-58
_TANH = (tuple(map(np.float32, (-0.3333333134651184, 0.13333113491535187, -0.053909122943878174, 0.021306363865733147,
                                -0.006602929439395666))),
         (-0.3333333333333333, 0.13333333333332686, -0.05396825396739637, 0.021869488491834725, -0.008863234353358632,
          0.003592109767978444, -0.0014556567806897369, 0.0005889104524307378, -0.00023455691498810348,
          8.498299596866287e-05, -2.0510789321091434e-05))


@inlined
def tanh(x):
    """(e^x - e^-x) / (e^x + e^-x) = 1 - 2·e^-2x / (1 + e^-2x) for x > 0, and a polynomial where that would cancel."""
    one, two, a, z = like(1, x), like(2, x), abs(x), x * x
    near = x * (one + z * polynomial(z, like(_TANH, x)))            # not x + x·z·P: -0 stays -0
    e = exp_of_negative(-(a + a))
    far = one - two * e / (one + e)
    far = -far if x < like(0, x) else far
    return near if a < like(0.55, x) else far


@inlined
def sigmoid(x):
    """1 / (1 + e^-x) where x >= 0 and e^x / (1 + e^x) where not: with e = e^-|x|, which never overflows.

    y·lost·(1/s) makes good for what rounding took from the denominator s; 1/s is y or 1 - y.
    """
    one, e, negative = like(1, x), exp_of_negative(-abs(x)), x < like(0, x)
    s = one + e
    lost = e - (s - one)
    y = (e if negative else one) / s
    return y - y * lost * (one - y if negative else y)


@inlined
def softplus(x):
    """ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|)."""
    zero = like(0, x)
    return (zero if x < zero else x) + log1p(exp_of_negative(-abs(x)))


# erf(x) = x + x·P(x²) for |x| <= 1, to 2^-29 and 2^-56
_ERF = (tuple(map(np.float32, (0.1283791657270887, -0.3761262595653534, 0.1128358542919159, -0.026853810995817184,
                               0.00518832728266716, -0.0008010189048945904, 7.853843999328092e-05))),
        (0.1283791670955126, -0.3761263890318352, 0.11283791670944185, -0.026866170643111375, 0.00522397760611762,
         -0.0008548325929271576, 0.00012055293575585293, -1.492471227639966e-05, 1.644713125315939e-06,
         -1.6206311317613116e-07, 1.3710969859773255e-08, -7.77944891324782e-10))
# -ln(1 - erf(x)) for 1 <= x <= 4 and 1 <= x <= 6, so that erf is right to 2^-30 and 2^-55
_ERF_TAIL = (tuple(map(np.float32, (0.0003537176817189902, 1.1270400285720825, 0.6382256746292114,
                                    0.10303735733032227, -0.021805310621857643, 0.0029396044556051493,
                                    -0.00018557360453996807))),
             (1.0817774453260814e-06, 1.128368549042573, 0.6366682555030989, 0.10263592774079394, -0.018862375662923817,
              -0.0005878908031458148, 0.0021024407377050053, -0.0009226407572996214, 0.00023218882139499055,
              -2.8683246029530105e-05, -3.3747656615647297e-06, 2.6105695869214355e-06, -6.75351970546236e-07,
              1.0643000516467669e-07, -1.0725972408726271e-08, 6.410510728756871e-10, -1.7402697170292625e-11))
_ERF_MOST = (np.float32(4), np.float64(6))


@inlined
def erf(x):
    """2/√π · ∫ e^-t² dt from 0 to x:  x + x·P(x²) where |x| < 1, and ± (1 - e^-Q(|x|)) beyond, where Q = -ln(1 - erf)."""
    a, one, most = abs(x), like(1, x), like(_ERF_MOST, x)
    near = x + x * polynomial(x * x, like(_ERF, x))
    clamped = most if a > most else a
    far = one - exp_of_negative(-polynomial(clamped, like(_ERF_TAIL, x)))
    far = -far if x < like(0, x) else far
    return near if a < one else far
