"""Max pooling against torch, ties and NaNs included, and by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels import adaptive_windows, fractional_windows, max_pool, sliding_windows
from tests.kernels.calls import both_forms, implementation, windows

pixels = {"distinct": lambda rng, shape: rng.permutation(int(np.prod(shape))).reshape(shape) * 1.0,
          "ties": lambda rng, shape: rng.integers(0, 3, shape) * 1.0,
          "nan": lambda rng, shape: rng.choice([1, 2, np.nan], shape),
          "infinite": lambda rng, shape: rng.choice([-np.inf, -np.inf, 1, np.inf], shape)}


@both_forms
@pytest.mark.parametrize("kind", pixels)
@given(geometry=st.integers(1, 3).flatmap(lambda dims: windows(pooling=True, dims=dims)), ceil_mode=st.booleans(),
       batch=st.integers(0, 2))
def test_max_pool_is_torchs(form, kind, geometry, ceil_mode, batch):
    rng, size = np.random.default_rng(0), geometry[0]
    x = pixels[kind](rng, (batch, 3, *size))
    values, indices = implementation(max_pool, form)(x, sliding_windows("f", *geometry, ceil_mode))
    pool = getattr(torch.nn.functional, f"max_pool{len(size)}d")
    expected, places = pool(torch.tensor(x), *geometry[1:], ceil_mode, return_indices=True)
    assert np.array_equal(values, expected.numpy(), equal_nan=True)
    assert indices.dtype == np.int32
    seen = indices >= 0
    # torch names a pixel that does not exist where a dilated window misses the image altogether
    assert np.array_equal(indices[seen], places.numpy()[seen])
    assert (values[~seen] == -np.inf).all()


@both_forms
@given(sizes=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 12)), min_size=1, max_size=3),
       kind=st.sampled_from(sorted(pixels)))
def test_adaptive_max_pool_is_torchs(form, sizes, kind):
    size, output = zip(*sizes)
    x = pixels[kind](np.random.default_rng(0), (2, 3, *size))
    values, indices = implementation(max_pool, form)(x, adaptive_windows(size, output))
    pool = getattr(torch.nn.functional, f"adaptive_max_pool{len(size)}d")
    expected, places = pool(torch.tensor(x), output, return_indices=True)
    assert np.array_equal(values, expected.numpy(), equal_nan=True)
    assert np.array_equal(indices, places.numpy())


@both_forms
@pytest.mark.parametrize("kind", pixels)
@pytest.mark.parametrize("output", [1, 2, 3])
def test_long_windows_are_torchs(form, kind, output):
    for size in (16, 37, 100):
        x = pixels[kind](np.random.default_rng(size), (2, 3, size))
        values, indices = implementation(max_pool, form)(x, adaptive_windows((size,), (output,)))
        expected, places = torch.nn.functional.adaptive_max_pool1d(torch.tensor(x), output, return_indices=True)
        assert np.array_equal(values, expected.numpy(), equal_nan=True)
        assert np.array_equal(indices, places.numpy())


@both_forms
def test_an_example_by_hand(form):
    x = np.array([[[[1.0, 5, 2], [7, 3, 3], [0, 3, 9]]]])
    values, indices = implementation(max_pool, form)(x, sliding_windows("f", (3, 3), (2, 2), (1, 1), (0, 0), (1, 1)))
    assert values.tolist() == [[[[7, 5], [7, 9]]]]
    assert indices.tolist() == [[[[3, 1], [3, 8]]]]


@both_forms
def test_each_plane_has_fractional_windows_of_its_own(form):
    x = np.array([[[5.0, 1, 2, 3], [5, 1, 2, 3]]])
    apart = fractional_windows((4,), (2,), [np.array([[0, 2], [1, 2]])])
    values, indices = implementation(max_pool, form)(x, apart)
    assert values.tolist() == [[[5, 3], [2, 3]]]
    assert indices.tolist() == [[[0, 3], [2, 3]]]


def test_integers():
    x = np.arange(16).reshape(1, 1, 4, 4)
    values, indices = max_pool(x, sliding_windows("f", (4, 4), (2, 2), (2, 2), (1, 1), (1, 1)))
    assert values.tolist() == [[[[0, 2, 3], [8, 10, 11], [12, 14, 15]]]] == indices.tolist()
    least = np.full((1, 1, 3), np.iinfo(np.int64).min)
    assert max_pool(least, adaptive_windows((3,), (1,)))[1].tolist() == [[[0]]]


@both_forms
@pytest.mark.parametrize("call", [
    lambda f: f(max_pool)(np.zeros((4, 4)), adaptive_windows((4, 4), (2, 2))),
    lambda f: f(max_pool)(np.zeros((1, 1, 4, 5)), adaptive_windows((4, 4), (2, 2))),
])
def test_wrong_arguments_are_refused(form, call):
    with pytest.raises(RuntimeError, match="expected"):
        call(lambda kernel: implementation(kernel, form))
