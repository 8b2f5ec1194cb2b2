"""Fractional max pooling: torch with its own and with given random numbers, gradients, refusals."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
import scratchnet.nn.functional as F
from scratchnet import Tensor, nn
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds


@st.composite
def geometry(draw, most):
    """(size, kernel, output) of two or three axes; the windows fit."""
    def axis():
        kernel, output = draw(st.integers(1, 3)), draw(st.integers(1, most))
        return output + kernel - 1 + draw(st.integers(dims - 2, most)), kernel, output
    dims = draw(st.integers(2, 3))
    return tuple(zip(*(axis() for _ in range(dims))))  # fmt: skip


@given(geometry(5), seeds(), st.sampled_from([np.float32, np.float64]), st.booleans())
def test_against_torch(geometry, seed, dtype, with_indices):
    size, kernel, output = geometry
    x = values((2, 2, *size), seed).round(1).astype(dtype)
    samples = np.random.default_rng(seed).random((2, 2, len(size)), dtype)
    name = f"fractional_max_pool{len(size)}d"

    def pool(library, tensor):
        function = getattr(library.nn.functional, name)
        return lambda x: function(x, kernel, output, return_indices=with_indices, _random_samples=tensor(samples))

    check_against_torch(pool(scratchnet, Tensor), x, torch_fn=pool(torch, torch.from_numpy))


@given(geometry(4), seeds())
def test_the_random_numbers_are_torchs(geometry, seed):
    size, kernel, output = geometry
    x = values((2, 3, *size), seed, dtype=np.float32)
    name = f"fractional_max_pool{len(size)}d"
    scratchnet.manual_seed(seed)
    torch.manual_seed(seed)
    for batch in (x, x[0]):
        ours = getattr(F, name)(Tensor(batch), kernel, output)
        theirs = getattr(torch.nn.functional, name)(torch.from_numpy(batch), kernel, output)
        assert np.array_equal(ours.array, theirs.numpy())


@given(geometry(2), seeds())
def test_gradients(geometry, seed):
    size, kernel, output = geometry
    x = values((1, 2, *size), seed, distinct=True)
    samples = Tensor(np.random.default_rng(seed).random((1, 2, len(size))))
    pool = getattr(F, f"fractional_max_pool{len(size)}d")
    check_gradient(lambda x: pool(x, kernel, output, _random_samples=samples), x)


def test_by_hand():
    """Seven pixels to three windows of two: steps of 2.5; u = 0.5 starts them at ⌊1.25⌋ − 1 = 0, ⌊3.75⌋ − 1 = 2 and 5."""
    x = Tensor(np.array([[[[6.0, 1, 2, 9, 5, 3, 4]]]]))
    samples = Tensor(np.array([[[0.5, 0.0]]]))
    y, places = F.fractional_max_pool2d(x, (1, 2), (1, 3), return_indices=True, _random_samples=samples)
    assert (y.tolist(), places.tolist()) == ([[[[6, 9, 4]]]], [[[[0, 3, 6]]]])


X = values((2, 3, 8, 9), 0, dtype=np.float32)


@pytest.mark.parametrize("x, settings", [
    (X, dict(kernel_size=2)),
    (X, dict(kernel_size=2, output_size=9)),
    (X, dict(kernel_size=9, output_size=1)),
    (X, dict(kernel_size=2, output_size=(2, 2, 2))),
    (X, dict(kernel_size=2, output_ratio=(0.5, 0.5, 0.5))),
    (X[..., :0], dict(kernel_size=2, output_size=2)),
    (X.astype(np.int64), dict(kernel_size=2, output_size=2)),
])  # fmt: skip
def test_refusals(x, settings):
    check_against_torch("nn.functional.fractional_max_pool2d", x, **settings)


@pytest.mark.parametrize("output", [(3, 8, 8), (2, 8, 8), (2, 7, 8), (2, 7, 7), (0, 7, 7)])
def test_three_dimensions_need_a_place_to_spare(output):
    check_against_torch("nn.functional.fractional_max_pool3d", np.ones((1, 1, 4, 9, 9)), 2, output, grad=False,
                        _random_samples=np.full((1, 1, 3), 0.5))  # fmt: skip


def test_random_numbers_that_do_not_fit():
    for wrong in (scratchnet.rand(2, 3, 3), scratchnet.rand(1, 3, 2), scratchnet.rand(2, 3, 2, dtype=scratchnet.float64)):
        with pytest.raises(RuntimeError, match="_random_samples"):
            F.fractional_max_pool2d(Tensor(X), 2, 2, _random_samples=wrong)


@pytest.mark.parametrize("ratio", [0.5, (0.7, 0.4)])
def test_ratios(ratio):
    u = np.random.default_rng(0).random((2, 3, 2), np.float32)
    ours = nn.FractionalMaxPool2d(3, output_ratio=ratio, return_indices=True, _random_samples=Tensor(u))
    theirs = torch.nn.FractionalMaxPool2d(3, output_ratio=ratio, return_indices=True, _random_samples=torch.from_numpy(u))
    assert repr(ours) == repr(theirs) and list(ours.state_dict()) == list(theirs.state_dict()) == ["_random_samples"]
    for a, b in zip(ours(Tensor(X)), theirs(torch.from_numpy(X))):
        assert np.array_equal(a.array, b.numpy())


@pytest.mark.parametrize("text", [
    "FractionalMaxPool2d(2)", "FractionalMaxPool2d(2, 3, 0.5)", "FractionalMaxPool2d(2, output_ratio=(0.5, 1))",
    "FractionalMaxPool3d(0, 3)", "FractionalMaxPool3d((2, 1, 0), 3)",
])  # fmt: skip
def test_layers_that_are_refused(text):
    for library in (nn, torch.nn):
        with pytest.raises(ValueError):
            eval(text, vars(library))


def test_layer_in_three_dimensions():
    scratchnet.manual_seed(3)
    torch.manual_seed(3)
    ours, theirs = nn.FractionalMaxPool3d((2, 1, 2), (3, 4, 2)), torch.nn.FractionalMaxPool3d((2, 1, 2), (3, 4, 2))
    x = values((2, 3, 6, 7, 8), 0, dtype=np.float32)
    assert np.array_equal(ours(Tensor(x)).array, theirs(torch.from_numpy(x)).numpy())
