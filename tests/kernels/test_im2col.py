"""im2col and col2im against torch's unfold and fold, by hand, and as each other's adjoint."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels import col2im, im2col
from scratchnet.kernels.geometry import window_counts
from tests.kernels.calls import both_forms, implementation, windows


@both_forms
@given(geometry=windows(), batch=st.integers(0, 2), channels=st.integers(1, 3))
def test_unfold_and_fold_are_torchs(form, geometry, batch, channels):
    (size, kernel, stride, padding, dilation), rng = geometry, np.random.default_rng(0)
    x = rng.standard_normal((batch, channels, *size))
    cols = implementation(im2col, form)(x, *geometry[1:])
    expected = torch.nn.functional.unfold(torch.from_numpy(x), kernel, dilation, padding, stride).numpy()
    assert np.array_equal(cols, expected)
    c = rng.standard_normal(cols.shape)
    y = implementation(col2im, form)(c, size, *geometry[1:])
    if batch:       # torch refuses to fold an empty batch
        expected = torch.nn.functional.fold(torch.from_numpy(c), size, kernel, dilation, padding, stride).numpy()
        np.testing.assert_allclose(y, expected, rtol=0, atol=1e-13)
    # <im2col(x), c> = <x, col2im(c)>
    np.testing.assert_allclose(np.vdot(cols, c), np.vdot(x, y), rtol=0, atol=1e-11)


@both_forms
@given(geometry=st.integers(1, 3).flatmap(lambda dims: windows(dims=dims)))
def test_columns_are_windows_in_any_number_of_dimensions(form, geometry):
    """Against the formula, tap by tap and window by window."""
    size, kernel, stride, padding, dilation = geometry
    x = np.random.default_rng(0).standard_normal((2, 2, *size))
    cols = implementation(im2col, form)(x, *geometry[1:])
    counts = window_counts("test", *geometry)
    cols = cols.reshape(2, 2, *kernel, *counts)
    padded = np.pad(x, ((0, 0), (0, 0), *((p, p) for p in padding)))
    for tap in np.ndindex(kernel):
        place = np.ix_(*(np.arange(n) * s + t * d for n, s, t, d in zip(counts, stride, tap, dilation)))
        assert np.array_equal(cols[:, :, *tap], padded[:, :, *place])
    c = np.random.default_rng(1).standard_normal(cols.shape)
    y = implementation(col2im, form)(c.reshape(2, -1, cols[0, 0, *(0,) * len(size)].size), size, *geometry[1:])
    np.testing.assert_allclose(np.vdot(cols, c), np.vdot(x, y), rtol=0, atol=1e-11)


@both_forms
def test_an_example_by_hand(form):
    x = np.array([[[[1.0, 2, 3], [4, 5, 6]]]])
    cols = implementation(im2col, form)(x, 2)
    assert cols.tolist() == [[[1, 2], [2, 3], [4, 5], [5, 6]]]          # rows: taps; columns: windows
    assert implementation(col2im, form)(cols, (2, 3), 2).tolist() == [[[[1, 4, 3], [4, 10, 6]]]]


@both_forms
def test_padding_reads_zeros(form):
    cols = implementation(im2col, form)(np.full((1, 1, 1, 1), np.nan), 3, 1, 1)
    assert np.isnan(cols[0, 4]).all() and np.isnan(cols).sum() == 1
    assert (np.delete(cols[0], 4, 0) == 0).all()


@both_forms
@pytest.mark.parametrize("call", [
    lambda f: f(im2col)(np.zeros((3, 4)), 2),
    lambda f: f(im2col)(np.zeros((1, 1, 2, 2)), 3),
    lambda f: f(im2col)(np.zeros((1, 1, 2, 2)), 0),
    lambda f: f(im2col)(np.zeros((1, 1, 2, 2)), 1, 0),
    lambda f: f(im2col)(np.zeros((1, 1, 2, 2)), 1, 1, -1),
    lambda f: f(im2col)(np.zeros((1, 1, 2, 2)), 1, 1, 0, 0),
    lambda f: f(col2im)(np.zeros((1, 4, 3)), (3, 3), 2),
    lambda f: f(col2im)(np.zeros((1, 3, 4)), (3, 3), 2),
    lambda f: f(col2im)(np.zeros((4, 4)), (3, 3), 2),
    lambda f: f(col2im)(np.zeros((1, 4, 4)), (1, 3), 2),
])
def test_wrong_arguments_are_refused(form, call):
    with pytest.raises(RuntimeError, match=r"im2col|col2im"):
        call(lambda kernel: implementation(kernel, form))
