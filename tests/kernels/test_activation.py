"""Every activation's compiled loops against the same formulas in NumPy, in sizes that both serve."""

import numpy as np
import pytest

from scratchnet.kernels import activation_formulas, get_num_threads, jit, set_num_threads
from scratchnet.kernels.activation import Activation, activation
from scratchnet.kernels.registry import use_reference
from tests.kernels.calls import assert_close

PARAMETERS = {"threshold": (0.1, 2.0), "hardtanh": (-1.0, 1.5), "leaky_relu": (0.01,), "hardshrink": (0.5,),
              "softshrink": (0.5,), "elu": (1.5, 1.1, 0.7), "softplus_unit": (2.0, 20.0)}
ACTIVATIONS = [value for value in vars(activation_formulas).values() if isinstance(value, Activation)]
every_activation = pytest.mark.parametrize("operation", ACTIVATIONS, ids=lambda a: a.name)
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
# what the definition's kinks, limits and overflows are
SPECIAL = [0.0, -0.0, 0.5, -0.5, 0.1, 1, -1, 1.5, 3, -3, 6, 20, 30, -30, 100, -100, 1e4, -1e4, np.nan, np.inf, -np.inf]


def compute(operation, x, g):
    parameters = PARAMETERS.get(operation.name, ())
    y = operation.forward(x, *parameters)
    return y, operation.backward(g, y if operation.of_output else x, *parameters)


@every_activation
@both_dtypes
def test_compiled_and_in_numpy(operation, dtype):
    rng = np.random.default_rng(0)
    x = np.concatenate([SPECIAL, rng.uniform(-6, 6, 2000), 0.1 * rng.standard_normal(1000)]).astype(dtype)
    g = rng.standard_normal(x.shape).astype(dtype)
    results = compute(operation, x, g)
    with use_reference():
        expected = compute(operation, x, g)
    for actual, wanted in zip(results, expected):
        assert_close(actual, wanted, 64)
        near = np.isfinite(wanted) & (np.abs(x) <= 6)           # not measured by what is large elsewhere
        np.testing.assert_allclose(actual[near], wanted[near], 100 * np.finfo(dtype).eps, 8 * np.finfo(dtype).eps)


def test_layouts_and_threads():
    operation = activation_formulas.silu
    rng = np.random.default_rng(1)
    x, g = rng.standard_normal((2, 300, 400))
    expected = compute(operation, x, g)
    for view in (lambda a: np.asfortranarray(a), lambda a: np.repeat(a, 2, 1)[:, ::2], lambda a: a[::-1].copy()[::-1]):
        for actual, wanted in zip(compute(operation, view(x), view(g)), expected):
            assert np.array_equal(actual, wanted)
    before = get_num_threads()
    set_num_threads(3)
    try:
        for actual, wanted in zip(compute(operation, x, g), expected):
            assert np.array_equal(actual, wanted)
    finally:
        set_num_threads(before)


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1,), (600,), (20, 30, 2)])
def test_shapes(shape):
    x = np.ones(shape)
    for array in compute(activation_formulas.hardswish, x, x):
        assert (array.shape == shape and (array == 4 / 6).all()) or (array == 1 / 3 + 0.5).all()


def test_other_dtypes_are_left_to_numpy():
    for dtype in (np.float16, np.int64):
        y = activation_formulas.hardtanh.forward(np.arange(-500, 500).astype(dtype), -2, 3)
        assert y.dtype == dtype and y.min() == -2 and y.max() == 3


def test_shapes_that_differ_are_refused():
    with pytest.raises(RuntimeError, match="silu_backward: expected arrays of one shape"):
        activation_formulas.silu.backward(np.ones(600), np.ones(601))


@activation
def cube(x, factor):
    return factor * x * x * x


@cube.gradient
def cube_gradient(g, x, factor):
    return g * (factor * x * x) * (factor - factor + 3)


def test_an_activation_of_ones_own():
    """x³ by hand; with a number in the formula, compiled and in NumPy."""
    for size in (2, 1000):
        x = np.full(size, 2.0)
        assert (cube.forward(x, 0.5) == 4).all() and (cube.backward(x, x, 0.5) == 12).all()
    assert repr(cube) == "<activation cube>"
    if jit.ENABLED:
        assert cube.forward.twin(np.ones(600, np.float32), 1).dtype == np.float32
