"""Losses of pairs: compiled and in NumPy, at kinks, infinities and NaN, and by hand."""

import numpy as np
import pytest

from scratchnet.kernels.loss_regression import (
    absolute_error,
    absolute_error_backward,
    huber_error,
    huber_error_backward,
    logit_error,
    logit_error_backward,
    squared_error,
    squared_error_backward,
)
from tests.kernels.calls import assert_close, both_forms, implementation

KERNELS = [(squared_error, squared_error_backward, ()), (absolute_error, absolute_error_backward, ()),
           (huber_error, huber_error_backward, (0.5, 2.0)), (logit_error, logit_error_backward, ())]
SPECIAL = np.array([0.0, -0.0, 0.5, -0.5, 2, -2, np.inf, -np.inf, np.nan])


@pytest.mark.parametrize("value, gradient, parameters", KERNELS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_compiled_and_in_numpy(value, gradient, parameters, dtype):
    rng = np.random.default_rng(0)
    a = np.concatenate([SPECIAL, rng.standard_normal(300)]).astype(dtype)
    b = np.concatenate([np.zeros_like(SPECIAL), rng.standard_normal(300)]).astype(dtype)
    g = rng.standard_normal(a.shape).astype(dtype)
    for kernel, args in ((value, (a, b)), (gradient, (g, a, b))):
        actual = implementation(kernel, "twin")(*args, *parameters)
        assert_close(actual, kernel.reference(*args, *parameters), 2)


@both_forms
def test_by_hand(form):
    a, b, g = np.tile([3.0, -1, 0.25, 2], 20), np.tile([1.0, 1, 0, 2], 20), np.full(80, 2.0)
    for kernel, args, expected in [
        (squared_error, (a, b), [4, 4, 0.0625, 0]),
        (squared_error_backward, (g, a, b), [8, -8, 1, 0]),
        (absolute_error, (a, b), [2, 2, 0.25, 0]),
        (absolute_error_backward, (g, a, b), [2, -2, 2, 0]),
        (huber_error, (a, b, 1.0, 2.0), [3, 3, 0.0625, 0]),
        (huber_error_backward, (g, a, b, 1.0, 2.0), [4, -4, 1, 0]),
        (logit_error_backward, (g, 0 * a, b), [-1, -1, 1, -3]),             # σ(0) = 1/2
    ]:
        assert implementation(kernel, form)(*args).tolist() == expected * 20


@both_forms
def test_shapes_that_differ_are_refused(form):
    with pytest.raises(RuntimeError, match="huber_error: expected arrays of one shape"):
        implementation(huber_error, form)(np.ones(100), np.ones(99), 1.0, 1.0)


@pytest.mark.parametrize("value, gradient, parameters", KERNELS)
def test_one_number_as_the_gradient_of_all(value, gradient, parameters):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 30, 10))
    for g in (np.broadcast_to(3.0, a.shape), np.broadcast_to(rng.standard_normal(10), a.shape)):  # and not quite one
        actual = implementation(gradient, "twin")(g, a, b, *parameters)
        assert_close(actual, gradient.reference(g, a, b, *parameters), 2)
