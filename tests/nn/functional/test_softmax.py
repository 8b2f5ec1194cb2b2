"""Softmax: gradients to second order, kernel against definition, torch, extremes."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
import scratchnet.nn.functional as F
from scratchnet import Tensor
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import axis, seeds, shapes

BOTH = pytest.mark.parametrize("name", ["softmax", "log_softmax"])


@BOTH
@given(shapes(0, 3, 1, 4), seeds(), st.data())
def test_gradients(name, shape, seed, data):
    dim = data.draw(axis(len(shape)))
    check_gradient(lambda x: getattr(F, name)(x, dim), values(shape, seed))


@BOTH
@given(shapes(1, 3, 1, 4), seeds(), st.data())
def test_kernel_equals_definition(name, fused_equals_composed, shape, seed, data):
    dim = data.draw(axis(len(shape)))
    fused_equals_composed(lambda x: getattr(F, name)(x, dim), values(shape, seed))


@BOTH
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 4), (2, 0), (0, 3), (5, 1), (2, 100)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_against_torch(name, shape, dtype):
    x = values(shape, 0, dtype=dtype)
    for dim in range(-len(shape), max(len(shape), 1) + 1):
        for way in (f"nn.functional.{name}", f"Tensor.{name}", name):
            check_against_torch(way, x, dim)


@BOTH
def test_large_and_infinite_numbers(name):
    check_against_torch(f"nn.functional.{name}", np.array([[1e4, 0.0, -1e4], [1e300, 1e300, 0.0]]), 1)
    with np.errstate(invalid="ignore"):
        check_against_torch(
            f"nn.functional.{name}", np.array([[0.0, -np.inf, 1], [np.inf, 0, 1], [np.nan, 0, 1]]), 1, grad=False
        )


@BOTH
def test_dtypes_and_refusals(name):
    x = values((2, 3), 0)
    check_against_torch(f"nn.functional.{name}", x, 2)
    check_against_torch(f"nn.functional.{name}", x.astype(np.int64), 1)
    check_against_torch(f"nn.functional.{name}", x.astype(np.int64), 1, dtype=scratchnet.float32)
    check_against_torch(f"nn.functional.{name}", x, 1, dtype=scratchnet.float32, rtol=2e-5, atol=2e-6)


@BOTH
@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 4), (2, 3, 4, 2)])
def test_a_dimension_that_is_left_out_is_guessed_with_a_warning(name, shape):
    x = values(shape, 0)
    with pytest.warns(UserWarning, match="Implicit dimension choice"):
        y = getattr(F, name)(Tensor(x))
    with pytest.warns(UserWarning):
        expected = getattr(torch.nn.functional, name)(torch.from_numpy(x))
    np.testing.assert_allclose(y.array, expected.numpy())


def test_by_hand():
    y = F.softmax(Tensor(np.log(np.array([1.0, 2, 5]))), 0)
    np.testing.assert_allclose(y.array, [1 / 8, 2 / 8, 5 / 8])
    check_against_torch("nn.functional.softmin", values((2, 3), 0), 1)


@pytest.mark.parametrize("text", ["Softmax(dim=1)", "LogSoftmax(dim=-1)", "Softmax(0)"])
def test_layer(check_module, text):
    check_module(text, values((2, 3), 0))


@pytest.mark.parametrize("hard", [False, True])
@given(shapes(1, 3, 1, 4), seeds(), st.sampled_from([1, 0.3]), st.data())
def test_gumbel_softmax(hard, shape, seed, tau, data):
    """The same draws as torch's, and the gradient of the softmax of logits + noise."""
    dim, x = data.draw(axis(len(shape))), values(shape, seed)

    def call(library):
        def draw(x):
            library.manual_seed(seed)
            return library.nn.functional.gumbel_softmax(x, tau, hard, dim=dim)

        return draw

    check_against_torch(call(scratchnet), x, torch_fn=call(torch), rtol=1e-6, atol=1e-7)
    if not hard:
        check_gradient(call(scratchnet), x)


def test_gumbel_softmax_draws_the_classes_with_their_probabilities():
    scratchnet.manual_seed(0)
    p = np.array([0.1, 0.2, 0.7])
    drawn = F.gumbel_softmax(Tensor(np.log(np.tile(p, (4000, 1)))), hard=True)
    np.testing.assert_allclose(drawn.mean(0).array, p, atol=4 * 0.5 / 4000**0.5)
    with pytest.warns(UserWarning, match="no effect"):
        F.gumbel_softmax(Tensor(p), eps=1e-9)
    for library in (scratchnet, torch):
        with pytest.raises((RuntimeError, NotImplementedError)):
            library.nn.functional.gumbel_softmax(library.ones(3, dtype=library.int64))
