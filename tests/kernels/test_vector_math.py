"""Functions for compiled loops, against wider arithmetic: units in the last place, special values, vectorisation."""

import re

import numpy as np
import pytest
import scipy.special

from scratchnet.kernels import jit
from scratchnet.kernels.vector_math import erf, exp, expm1, log, log1p, sigmoid, softplus, tanh


@jit.jit
def _loop(x, y):
    for i in range(len(x)):
        y[i] = function(x[i])  # noqa: F821, of each its own


def _wide_sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def _wide_erf(x):
    """The Taylor series in 80-bit numbers, and beyond 3, where it cancels, SciPy's."""
    total, term = np.zeros_like(x), x.copy()
    for n in range(120):
        total += term / (2 * n + 1)
        term *= -x * x / (n + 1)
    series = np.copysign(total * 2 / np.sqrt(4 * np.arctan(np.longdouble(1))), x)
    return np.where(np.abs(x) < 3, series, scipy.special.erf(x.astype(np.float64)))


FUNCTIONS = {
    "exp": (exp, np.exp),
    "expm1": (expm1, np.expm1),
    "log": (log, np.log),
    "log1p": (log1p, np.log1p),
    "tanh": (tanh, np.tanh),
    "sigmoid": (sigmoid, _wide_sigmoid),
    "softplus": (softplus, lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))),
    "erf": (erf, _wide_erf),
}
every_function = pytest.mark.parametrize("name", FUNCTIONS)
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def loop_of(name):
    return _loop.specialised(function=FUNCTIONS[name][0])


def compiled(name, x):
    y = np.empty_like(x)
    loop_of(name)(x, y)
    return y


def anew(loop):
    """Compiled here and now: what comes from the cache cannot be looked into."""
    fresh = jit.Loop(loop.python, loop._reassociate, loop._constants)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jit, "_cache_on_disk", lambda *args: None)
        fresh.compiled()
    return fresh


def exact(name, x):
    """The value in 80 bits where the machine has them, and rounded to the dtype."""
    with np.errstate(all="ignore"):
        wide = FUNCTIONS[name][1](x.astype(np.longdouble))
        return wide, wide.astype(x.dtype)


def arguments(name, dtype):
    """Small and large, around the steps of the algorithms, and of every magnitude that the dtype has."""
    rng = np.random.default_rng(0)
    count = 40_000 if jit.ENABLED else 300
    limits = np.finfo(dtype)
    exponents = rng.uniform(limits.minexp - limits.nmant, limits.maxexp - 1, count)
    x = np.concatenate([
        rng.uniform(-4, 4, count), 0.5 * rng.standard_normal(count), rng.uniform(-110, 95, count),
        rng.uniform(-750, 715, count), 1 + 1e-3 * rng.standard_normal(count),
        rng.choice([-1, 1], count) * np.exp2(exponents.astype(np.longdouble)),
        [0.55, -0.55, 1, -1, 4, 6, 88.72, -87.33, -103.9, 709.7, -708.3, -745.1, limits.max, limits.tiny,
         limits.smallest_subnormal, 3 * limits.smallest_subnormal]])
    x = np.abs(x) if name == "log" else np.maximum(x, -1 + np.exp2(-rng.uniform(0, 20, x.size))) if name == "log1p" else x
    return x.astype(dtype)


@every_function
@both_dtypes
def test_the_last_place(name, dtype):
    x = arguments(name, dtype)
    y, (wide, expected) = compiled(name, x), exact(name, x)
    finite = np.abs(expected) < np.finfo(dtype).max
    assert np.array_equal(y[~finite], expected[~finite])
    error = np.abs(y[finite] - wide[finite]) / np.spacing(np.abs(expected[finite]))
    worst = np.argmax(error)
    assert error[worst] <= (2 if dtype == np.float32 else 3), f"at {x[finite][worst]!r}"


@every_function
@both_dtypes
def test_special_values(name, dtype):
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -1, -2, 1e4, -1e4], dtype)
    y, (_, expected) = compiled(name, x), exact(name, x)
    assert np.array_equal(y[[2, 3, 4, 7]], expected[[2, 3, 4, 7]], equal_nan=True)
    assert np.array_equal(np.isnan(y), np.isnan(expected)) and np.array_equal(np.isinf(y), np.isinf(expected))
    assert np.array_equal(np.signbit(y[:2]), np.signbit(expected[:2]))


@both_dtypes
def test_by_hand(dtype):
    x = np.array([0, 1, -1], dtype)
    assert compiled("exp", x).tolist() == [1, dtype(2.718281828459045), dtype(0.36787944117144233)]
    assert compiled("sigmoid", x)[0] == 0.5
    assert compiled("softplus", x)[0] == dtype(0.6931471805599453)
    assert compiled("log", x[:2]).tolist() == [-np.inf, 0]


@every_function
@both_dtypes
def test_dtypes_stay(name, dtype):
    function = FUNCTIONS[name][0]
    if jit.ENABLED:
        function = anew(function)
        function(dtype(0.5))
        (signature,) = function.compiled().nopython_signatures
        assert str(signature.args[0]) == str(signature.return_type) == np.dtype(dtype).name
    else:
        assert type(function(dtype(0.5))) is dtype


if jit.ENABLED:
    @every_function
    def test_loops_become_vector_instructions(name):
        loop = anew(loop_of(name))
        loop(np.ones(16, np.float32), np.ones(16, np.float32))
        (code,) = loop.compiled().inspect_llvm().values()
        assert re.search(r"fmul contract <\d+ x float>", code)
        assert not re.search(r"call (float|double)", code)
