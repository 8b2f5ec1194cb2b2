"""Padding against numpy.pad, by hand, and its gradient as its adjoint."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels import pad, pad_backward, padding
from scratchnet.kernels.padding import MODES
from tests.kernels.calls import both_forms, implementation


@pytest.fixture(scope="module", autouse=True)
def small_arrays_too():
    """The twin pads small arrays with a constant as well, which otherwise NumPy does."""
    before, padding.LARGE = padding.LARGE, 0
    yield
    padding.LARGE = before


NUMPY = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@st.composite
def cases(draw, least):
    """A shape, widths of its last axes and a mode."""
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=5)))
    axes = draw(st.integers(0, min(3, len(shape))))
    mode = draw(st.sampled_from(MODES))
    widths = []
    for n in shape[len(shape) - axes:]:
        most = {"reflect": n - 1, "circular": n}.get(mode, 4)
        least_here = max(least, -(n - 1) // 2)          # something is left, which can be wrapped around
        low, high = (draw(st.integers(least_here, most)) for _ in range(2))
        widths.append((low, high) if mode != "circular" or min(low, high) >= 0 else (min(low, 0), min(high, 0)))
    return shape, tuple(widths), mode


@both_forms
@given(cases(least=0), st.sampled_from([np.float32, np.float64, np.int64]))
def test_it_is_numpys(form, case, dtype):
    shape, widths, mode = case
    x = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    options = {"constant_values": 7} if mode == "constant" else {}
    expected = np.pad(x, ((0, 0),) * (len(shape) - len(widths)) + widths, NUMPY[mode], **options)
    y = implementation(pad, form)(x, widths, mode, 7)
    assert y.dtype == dtype and np.array_equal(y, expected)


@both_forms
@given(cases(least=-3))
def test_the_gradient_is_the_adjoint(form, case):
    """<pad(x), g> = <x, pad_backward(g)>"""
    shape, widths, mode = case
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape)
    y = implementation(pad, form)(x, widths, mode)
    g = rng.standard_normal(y.shape)
    gx = implementation(pad_backward, form)(g, shape[len(shape) - len(widths):], widths, mode)
    assert gx.shape == shape
    np.testing.assert_allclose(np.vdot(y, g), np.vdot(x, gx), rtol=0, atol=1e-12)


@given(cases(least=-3))
def test_the_twin_is_the_reference(case):
    shape, widths, mode = case
    x = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    y = pad(x, widths, mode, 0.5)
    assert np.array_equal(y, pad.reference(x, widths, mode, 0.5))
    sizes = shape[len(shape) - len(widths):]
    np.testing.assert_allclose(pad_backward(y, sizes, widths, mode), pad_backward.reference(y, sizes, widths, mode),
                               rtol=1e-5, atol=1e-6)


@both_forms
def test_an_example_by_hand(form):
    x, function = np.array([0.0, 1, 2, 3]), implementation(pad, form)
    assert function(x, ((3, 3),), "constant", 9).tolist() == [9, 9, 9, 0, 1, 2, 3, 9, 9, 9]
    assert function(x, ((3, 3),), "reflect").tolist() == [3, 2, 1, 0, 1, 2, 3, 2, 1, 0]
    assert function(x, ((3, 3),), "replicate").tolist() == [0, 0, 0, 0, 1, 2, 3, 3, 3, 3]
    assert function(x, ((3, 3),), "circular").tolist() == [1, 2, 3, 0, 1, 2, 3, 0, 1, 2]
    # what is cut off can be reflected, but not wrapped around
    assert function(x, ((-3, 2),), "reflect").tolist() == [3, 2, 1]
    assert function(x, ((-2, 2),), "circular").tolist() == [2, 3, 2, 3]
    g = np.array([1.0, 10, 100, 1000])
    assert implementation(pad_backward, form)(g, (2,), ((1, 1),), "circular").tolist() == [1010, 101]
    assert implementation(pad_backward, form)(g, (2,), ((1, 1),), "constant").tolist() == [10, 100]


@both_forms
def test_empty_arrays(form):
    assert implementation(pad, form)(np.zeros((0, 3)), ((1, 1),), "reflect").shape == (0, 5)
    assert implementation(pad, form)(np.zeros((2, 0)), ((1, 1),), "constant", 1.0).tolist() == [[1, 1], [1, 1]]
    assert implementation(pad_backward, form)(np.zeros((0, 5)), (3,), ((1, 1),), "reflect").shape == (0, 3)
    assert implementation(pad, form)(np.ones((2, 3)), ((-1, -2),), "constant").shape == (2, 0)


def test_numpy_pads_small_arrays_with_a_constant(monkeypatch):
    monkeypatch.setattr(padding, "LARGE", 7)
    assert pad.twin(np.zeros((2, 3)), ((1, 1),)) is NotImplemented
    assert pad.twin(np.zeros((2, 4)), ((1, 1),)) is not NotImplemented
    assert pad.twin(np.zeros((2, 3)), ((1, 1),), "reflect") is not NotImplemented


@both_forms
@pytest.mark.parametrize("arguments", [
    (((0, 4),), "reflect"), (((-3, 5),), "reflect"), (((0, -5),), "replicate"), (((0, -5),), "constant"),
    (((-5, 5),), "constant"), (((0, 0), (1, 1)), "constant"), (((-4, 2),), "circular"),
])
def test_impossible_widths_are_refused(form, arguments):
    with pytest.raises(RuntimeError, match="pad: "):
        implementation(pad, form)(np.zeros(4), *arguments)


@both_forms
def test_other_wrong_arguments_are_refused(form):
    with pytest.raises(ValueError, match="expected a mode of"):
        implementation(pad, form)(np.zeros(4), ((1, 1),), "mirror")
    with pytest.raises(RuntimeError, match=r"expected g of shape \[..., 6\], got \(5,\)"):
        implementation(pad_backward, form)(np.zeros(5), (4,), ((1, 1),), "reflect")
