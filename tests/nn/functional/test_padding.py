"""Padding: gradients to second order, torch in all modes, by hand, refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet.nn.functional as F
from scratchnet import Tensor
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds, shapes

MODES = ["reflect", "replicate", "circular"]


@given(shapes(1, 5, 1, 4), seeds(), st.data())
def test_constant(shape, seed, data):
    dims = data.draw(st.integers(1, len(shape)))
    widths = [data.draw(st.integers(-1, 3)) for _ in range(2 * dims)]
    x = values(shape, seed)
    check_against_torch("nn.functional.pad", x, tuple(widths), value=1.5)
    if all(n + a + b > 0 for n, a, b in zip(shape[::-1], widths[::2], widths[1::2])):
        check_gradient(lambda x: F.pad(x, widths), x)


@given(st.sampled_from(MODES), st.integers(1, 3), st.booleans(), seeds(), st.data())
def test_other_modes(mode, dims, batched, seed, data):
    shape = (*((2, 2) if batched else (2,)), *(data.draw(st.integers(2, 5 if dims < 3 else 3)) for _ in range(dims)))
    widths = [data.draw(st.integers(0, n - 1)) for n in shape[: -dims - 1 : -1] for _ in range(2)]
    x = values(shape, seed)
    check_against_torch("nn.functional.pad", x, tuple(widths), mode=mode)
    check_gradient(lambda x: F.pad(x, widths, mode=mode), x)


@given(st.sampled_from(MODES), seeds(), st.lists(st.sampled_from([(-1, 2), (1, -1), (-1, -1), (0, 2)]), min_size=1, max_size=2))
def test_cutting_off(mode, seed, pairs):
    x, widths = values((2, 2, 4, 5)[3 - len(pairs):], seed), [width for pair in pairs for width in pair]
    check_against_torch("nn.functional.pad", x, tuple(widths), mode=mode)
    check_gradient(lambda x: F.pad(x, widths, mode=mode), x)


def test_by_hand():
    x = Tensor(np.array([[[1.0, 2, 3, 4]]]), True)
    expected = {"constant": [0, 0, 0, 1, 2, 3, 4, 0], "reflect": [4, 3, 2, 1, 2, 3, 4, 3],
                "replicate": [1, 1, 1, 1, 2, 3, 4, 4], "circular": [2, 3, 4, 1, 2, 3, 4, 1]}  # fmt: skip
    counts = {"constant": [1, 1, 1, 1], "reflect": [1, 2, 3, 2], "replicate": [4, 1, 1, 2], "circular": [2, 2, 2, 2]}
    for mode, numbers in expected.items():
        y = F.pad(x, (3, 1), mode=mode)
        assert y.tolist() == [[numbers]]
        x.grad = None
        y.sum().backward()
        assert x.grad.tolist() == [[counts[mode]]]


def test_nothing_to_add_is_a_copy():
    x = Tensor(np.ones((2, 3)))
    for mode in ("constant", *MODES):
        y = F.pad(x, (0, 0), mode=mode)
        assert y.tolist() == x.tolist() and not np.shares_memory(x.array, y.array)


X = np.arange(12.0).reshape(3, 4)


@pytest.mark.parametrize(
    "args, kwargs",
    [
        ((X, (1,)), {}),
        ((X, (1.5, 1)), {}),
        ((X, 1), {}),
        ((X, (1, 1, 1, 1, 1, 1)), {}),
        ((X, (-3, -2)), {}),
        ((X, (-3, -1)), {}),
        ((X, (-5, 4)), {}),
        ((X, (4, 1)), dict(mode="reflect")),
        ((X, (5, 1)), dict(mode="circular")),
        ((X, (1, 1)), dict(mode="mirror")),
        ((X, (1, 1)), dict(mode="reflect", value=2.0)),
        ((X[None, None], (1, 1)), dict(mode="circular")),
        ((X[None, None], (1, 1)), dict(mode="reflect")),
        ((X, (1, 1, 1, 1)), dict(mode="replicate")),
        ((X, (1, -1)), dict(mode="reflect")),
        ((X, (-1, 1)), dict(mode="circular")),
        ((X, (-2, 3)), dict(mode="reflect")),
        ((X, (-3, 2)), dict(mode="replicate")),
        ((X, (-2, -2)), dict(mode="replicate")),
        ((X, (-2, -2)), dict(mode="reflect")),
        ((X, (-2, -2)), dict(mode="circular")),
        ((X[:, :0], (1, 1)), dict(mode="replicate")),
        ((X.astype(np.int64), (1, 1)), dict(value=1)),
        ((X.astype(np.int64), (1, 1)), dict(mode="replicate")),
        ((X > 3, (1, 1)), dict(value=True)),
        ((X.astype(np.float32), (1, 1)), dict(value=1.5)),
    ],
)
def test_refusals_and_dtypes_are_those_of_torch(args, kwargs):
    check_against_torch("nn.functional.pad", *args, **kwargs)
