"""Padding: gradients to second order, torch in all modes, refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet.nn.functional as F
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds, shapes


@given(shapes(1, 4, 1, 4), seeds(), st.data())
def test_constant(shape, seed, data):
    dims = data.draw(st.integers(1, len(shape)))
    widths = [data.draw(st.integers(-1, 3)) for _ in range(2 * dims)]
    x = values(shape, seed)
    check_against_torch("nn.functional.pad", x, tuple(widths), value=1.5)
    if all(n + a + b > 0 for n, a, b in zip(shape[::-1], widths[::2], widths[1::2])):
        check_gradient(lambda x: F.pad(x, widths), x)


@given(st.sampled_from(["reflect", "replicate", "circular"]), st.integers(1, 2), seeds(), st.data())
def test_other_modes(mode, dims, seed, data):
    shape = (2, 2, *(data.draw(st.integers(2, 5)) for _ in range(dims)))
    widths = [data.draw(st.integers(0, n - 1)) for n in shape[: 1 if dims == 1 else -3 : -1] for _ in range(2)]
    x = values(shape, seed)
    check_against_torch("nn.functional.pad", x, tuple(widths), mode=mode)
    check_gradient(lambda x: F.pad(x, widths, mode=mode), x)


X = np.arange(12.0).reshape(3, 4)


@pytest.mark.parametrize(
    "args, kwargs",
    [
        ((X, (1,)), {}),
        ((X, (1, 1, 1, 1, 1, 1)), {}),
        ((X, (-3, -2)), {}),
        ((X, (-3, -1)), {}),
        ((X, (4, 1)), dict(mode="reflect")),
        ((X, (5, 1)), dict(mode="circular")),
        ((X, (1, 1)), dict(mode="mirror")),
        ((X, (1, 1)), dict(mode="reflect", value=2.0)),
        ((X[None, None], (1, 1)), dict(mode="circular")),
        ((X, (1, -1)), dict(mode="reflect")),
        ((X, (-1, 1)), dict(mode="circular")),
        ((X, (-2, 3)), dict(mode="reflect")),
        ((X, (-3, 2)), dict(mode="replicate")),
        ((X.astype(np.int64), (1, 1)), dict(value=1)),
        ((X > 3, (1, 1)), dict(value=True)),
        ((X.astype(np.float32), (1, 1)), dict(value=1.5)),
    ],
)
def test_refusals_and_dtypes_are_those_of_torch(args, kwargs):
    check_against_torch("nn.functional.pad", *args, **kwargs)
