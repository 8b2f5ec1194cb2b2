"""Cross entropy against torch, by hand, and for targets that are out of range or ignored."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels import cross_entropy, cross_entropy_backward
from tests.kernels.calls import assert_close, both_forms, implementation


def exact_gradient(g, x, target, weight, ignored, reduction, smoothing):
    """The gradient in 80 bits: torch's own is some 50 units in the last place off where logits are large."""
    x = np.moveaxis(x, 1, -1).astype(np.longdouble)
    classes = x.shape[-1]
    w = np.ones(classes, x.dtype) if weight is None else weight.astype(x.dtype)
    counts = target != ignored
    chosen = np.where(counts, target, 0)
    p = np.exp(x - x.max(-1, keepdims=True, initial=-np.inf))
    p /= p.sum(-1, keepdims=True)
    of_target = w[chosen][..., None] * (p - np.eye(classes, dtype=x.dtype)[chosen])
    gradient = (1 - np.longdouble(smoothing)) * of_target + np.longdouble(smoothing) / classes * (p * w.sum() - w)
    share = np.where(counts, g.astype(x.dtype), 0)
    if reduction == "mean":
        share /= (w[chosen] * counts).sum()
    return np.moveaxis(gradient * share[..., None], -1, 1)


@both_forms
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(shape=st.one_of(st.tuples(st.integers(0, 6)), st.tuples(st.integers(0, 3), st.sampled_from([0, 1, 5, 127, 129]))),
       classes=st.sampled_from([1, 2, 10, 47, 48, 100]), weighted=st.booleans(),
       smoothing=st.sampled_from([0.0, 0.1, 1.0]), ignored=st.sampled_from([-100, 0]),
       fraction=st.sampled_from([0, 0.3, 1]))
def test_losses_and_gradients_are_torchs(form, reduction, dtype, shape, classes, weighted, smoothing, ignored, fraction):
    rng = np.random.default_rng(0)
    x = (10 * rng.standard_normal((*shape[:1], classes, *shape[1:]))).astype(dtype)
    target = np.where(rng.random(shape) < fraction, ignored, rng.integers(0, classes, shape))
    weight = rng.random(classes).astype(dtype) + dtype(0.1) if weighted else None
    options = (weight, ignored, reduction, smoothing)
    loss, statistics, total = implementation(cross_entropy, form)(x, target, *options)
    leaf = torch.tensor(x, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(
        leaf, torch.tensor(target), None if weight is None else torch.tensor(weight), ignore_index=ignored,
        reduction=reduction, label_smoothing=smoothing)
    assert_close(loss, expected.detach().numpy(), 128)
    g = np.asarray(rng.standard_normal(loss.shape)).astype(dtype)
    gx = implementation(cross_entropy_backward, form)(g, x, target, statistics, total, *options)
    wanted = torch.autograd.grad(expected, leaf, torch.tensor(g))[0].numpy()
    if not (reduction == "mean" and (target == ignored).all()):     # 0/0: our rows that do not count have gradient 0
        scale = np.abs(g).max(initial=0)
        exact = exact_gradient(g, x, target, *options).astype(dtype)
        np.testing.assert_allclose(wanted, exact, rtol=0, atol=500 * np.finfo(dtype).eps * scale)     # the formula is torch's
        assert_close(gx, exact, 32, scale=scale)
    assert (np.moveaxis(gx, 1, -1)[target == ignored] == 0).all()


@both_forms
def test_an_example_by_hand(form):
    x, target = np.log([[1.0, 3], [2, 2]]), np.array([1, 0])
    losses, statistics, total = implementation(cross_entropy, form)(x, target, reduction="none")
    np.testing.assert_allclose(losses, np.log([4 / 3, 2]), rtol=1e-15)
    assert total == 2
    np.testing.assert_allclose(statistics, [[np.log(3), np.log(4 / 3)], [np.log(2), np.log(2)]], rtol=1e-15)
    gx = implementation(cross_entropy_backward, form)(np.ones(()), x, target, statistics, total)
    np.testing.assert_allclose(gx, [[0.125, -0.125], [-0.25, 0.25]], rtol=1e-15)


@both_forms
@pytest.mark.parametrize("classes", [5, 60])
def test_ignored_rows_may_hold_anything(form, classes):
    x = np.zeros((2, classes))
    x[0] = np.nan
    target = np.array([-100, 3])
    loss, statistics, total = implementation(cross_entropy, form)(x, target)
    np.testing.assert_allclose(loss, np.log(classes))
    assert np.isfinite(implementation(cross_entropy_backward, form)(np.ones(()), x, target, statistics, total)).all()


@both_forms
@pytest.mark.parametrize("classes", [2, 60])
def test_a_difference_survives_large_logits(form, classes):
    x = np.full((1, classes), -3e7, np.float32)
    x[0, :2] = 1e4, 1e4 + 1
    loss, *_ = implementation(cross_entropy, form)(x, np.array([0]))
    np.testing.assert_allclose(loss, 1 + np.log1p(np.exp(-1)), rtol=1e-6)


@both_forms
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity_reach_the_loss(form, value):
    loss, *_ = implementation(cross_entropy, form)(np.array([[0, value], [0, 1]]), np.array([0, 1]), reduction="none")
    assert np.isnan(loss[0]) and np.isfinite(loss[1])


@both_forms
@pytest.mark.parametrize("dtype", [np.uint8, np.int32])
def test_any_integers_are_classes(form, dtype):
    x = np.random.default_rng(1).standard_normal((3, 4))
    target = np.array([0, 3, 2])
    assert np.array_equal(implementation(cross_entropy, form)(x, target.astype(dtype))[0],
                          implementation(cross_entropy, form)(x, target)[0])


@both_forms
@pytest.mark.parametrize("bad", [-1, 4, -101, 2**40])
def test_a_class_out_of_range_is_refused(form, bad):
    x, target = np.zeros((3, 4)), np.array([1, bad, -100])
    with pytest.raises(IndexError, match=f"Target {bad} is out of bounds"):
        implementation(cross_entropy, form)(x, target)
    with pytest.raises(IndexError, match=f"Target {bad} is out of bounds"):
        implementation(cross_entropy_backward, form)(np.ones(()), x, target, np.zeros((3, 2)), np.ones(()))


@both_forms
@pytest.mark.parametrize("error, call", [
    (ValueError, lambda f: f(cross_entropy)(np.zeros((3, 4)), np.zeros(2, int))),
    (ValueError, lambda f: f(cross_entropy)(np.zeros(4), np.zeros(1, int))),
    (ValueError, lambda f: f(cross_entropy)(np.zeros((3, 4)), np.zeros(3, int), reduction="median")),
    (RuntimeError, lambda f: f(cross_entropy)(np.zeros((3, 4)), np.zeros(3))),
    (RuntimeError, lambda f: f(cross_entropy)(np.zeros((3, 4)), np.zeros(3, int), np.zeros(3))),
    (RuntimeError, lambda f: f(cross_entropy)(np.zeros((3, 0)), np.zeros(3, int))),
    (RuntimeError,
     lambda f: f(cross_entropy_backward)(np.zeros(3), np.zeros((3, 4)), np.zeros(3, int), np.zeros((3, 2)),
                                               np.ones(()))),
    (RuntimeError,
     lambda f: f(cross_entropy_backward)(np.ones(()), np.zeros((3, 4)), np.zeros(3, int), np.zeros((2, 2)),
                                               np.ones(()))),
])
def test_wrong_arguments_are_refused(form, error, call):
    with pytest.raises(error):
        call(lambda kernel: implementation(kernel, form))
