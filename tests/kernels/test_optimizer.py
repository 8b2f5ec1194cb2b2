"""Optimizer steps against torch's single-tensor path, rounding for rounding, and by hand."""

import itertools

import numpy as np
import pytest
import torch

from scratchnet.kernels import adam_step, jit, sgd_step
from tests.kernels.calls import assert_close, both_forms, implementation

SIZE, STEPS = 1003, 6
floats = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def descend(optimizer, parameter, gradients):
    """The parameter after each of torch's steps."""
    for g in gradients:
        parameter.grad = torch.from_numpy(g)
        optimizer.step()
        yield parameter.detach().numpy()


def numbers(dtype, *shape):
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


SGD = [dict(zip(("momentum", "dampening", "weight_decay", "nesterov", "maximize"), values))
       for values in itertools.product((0, 0.9), (0, 0.3), (0, 0.02), (False, True), (False, True))
       if not (values[3] and (values[0] == 0 or values[1] != 0))]


@both_forms
@floats
@pytest.mark.parametrize("options", SGD, ids=str)
def test_sgd_is_torchs(form, dtype, options):
    p, *gradients = numbers(dtype, STEPS + 1, SIZE)
    buf = np.full_like(p, np.nan)               # the first step does not read it
    theirs = torch.nn.Parameter(torch.tensor(p))
    optimizer = torch.optim.SGD([theirs], lr=0.03, foreach=False, **options)
    for step, expected in enumerate(descend(optimizer, theirs, gradients)):
        implementation(sgd_step, form)(p, gradients[step], buf, 0.03, **options, first=step == 0)
        if dtype == np.float32 and form == "twin" and jit.ENABLED:
            assert np.array_equal(p, expected)
        else:                                   # the compiler or NumPy rounds a product where torch does not
            assert_close(p, expected, 4)


ADAM = [dict(weight_decay=w, amsgrad=a, maximize=m, betas=b)
        for w, a, m, b in itertools.product((0, 0.1), (False, True), (False, True), ((0.9, 0.99), (0.3, 0.9)))]


@both_forms
@floats
@pytest.mark.parametrize("decoupled", [False, True])
@pytest.mark.parametrize("options", ADAM, ids=str)
def test_adam_is_torchs(form, dtype, decoupled, options):
    p, *gradients = numbers(dtype, STEPS + 1, SIZE)
    m, v, v_max = np.zeros((3, SIZE), dtype)
    theirs = torch.nn.Parameter(torch.tensor(p))
    kind = torch.optim.AdamW if decoupled else torch.optim.Adam
    optimizer = kind([theirs], lr=0.01, eps=1e-6, foreach=False, **options)
    for step, expected in enumerate(descend(optimizer, theirs, gradients)):
        implementation(adam_step, form)(p, gradients[step], m, v, step + 1, 0.01, *options["betas"], 1e-6,
                                        options["weight_decay"], decoupled, options["maximize"],
                                        v_max if options["amsgrad"] else None)
        state = optimizer.state[theirs]
        exact = dtype == np.float32 and form == "twin" and jit.ENABLED and (decoupled or not options["weight_decay"])
        ulps = 0 if exact else 4
        assert_close(m, state["exp_avg"].numpy(), ulps)
        assert_close(v, state["exp_avg_sq"].numpy(), ulps)
        assert_close(p, expected, 4)            # torch's float32 square root is itself off by one
        if options["amsgrad"]:
            assert_close(v_max, state["max_exp_avg_sq"].numpy(), 4)


@both_forms
def test_examples_by_hand(form):
    p, g, buf = np.array([1.0]), np.array([2.0]), np.zeros(1)
    implementation(sgd_step, form)(p, g, buf, 0.25, momentum=0.5, first=True)
    assert (p, buf) == (0.5, 2)
    implementation(sgd_step, form)(p, g, buf, 0.25, momentum=0.5)
    assert (p, buf) == (-0.25, 3)
    p, m, v = np.array([1.0]), np.zeros(1), np.zeros(1)
    implementation(adam_step, form)(p, g, m, v, 1, 0.5, 0.5, 0.75, 0.0)
    assert (p, m, v) == (0.5, 1, 1)             # the first step is lr long, whatever the gradient


@both_forms
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity_reach_the_parameter(form, value):
    p, g = np.ones((2, 20))
    g[3] = value
    implementation(sgd_step, form)(p, g, None, 0.1)
    assert not np.isfinite(p[3]) and np.isfinite(np.delete(p, 3)).all()
    p, (m, v, v_max) = np.ones(20), np.zeros((3, 20))
    implementation(adam_step, form)(p, g, m, v, 1, 0.1, 0.9, 0.99, 1e-8, v_max=v_max)
    assert np.isnan(p[3]) and np.isfinite(np.delete(p, 3)).all() and not np.isfinite(v_max[3])


@both_forms
@pytest.mark.parametrize("shape", [(0,), (), (3, 0, 2)])
def test_no_elements_or_no_dimensions(form, shape):
    p, g, m, v = (np.ones(shape) for _ in range(4))
    implementation(sgd_step, form)(p, g, m, 0.5, 0.9, first=True)
    assert (p == 0.5).all() and p.shape == shape
    implementation(adam_step, form)(p, g, m, v, 1, 0.5, 0.9, 0.99, 1e-8)


@both_forms
def test_a_parameter_that_is_not_contiguous_is_changed_in_place(form):
    whole = np.ones((4, 6))
    p = whole[::2, ::-3]
    implementation(sgd_step, form)(p, np.ones_like(p), None, 1.0)
    assert (p == 0).all() and whole.sum() == 24 - p.size


@both_forms
@pytest.mark.parametrize("call", [
    lambda f: f(sgd_step)(np.ones(3), np.ones(4), None, 0.1),
    lambda f: f(sgd_step)(np.ones(3), np.ones(3, np.float32), None, 0.1),
    lambda f: f(sgd_step)(np.ones(3), np.ones(3), np.ones(1), 0.1, 0.9),
    lambda f: f(sgd_step)(np.ones(3), np.ones(3), None, 0.1, 0.9),
    lambda f: f(adam_step)(np.ones(3), np.ones(3), np.ones(3), np.ones(2), 1, 0.1, 0.9, 0.9, 0),
    lambda f: f(adam_step)(np.ones(3), np.ones(3), np.ones(3), np.ones(3), 0, 0.1, 0.9, 0.9, 0),
    lambda f: f(adam_step)(np.ones(3), np.ones(3), np.ones(3), np.ones(3), 1, 0.1, 0.9, 0.9, 0, v_max=np.ones(4)),
])
def test_wrong_arguments_are_refused(form, call):
    with pytest.raises(RuntimeError, match=r"sgd_step|adam_step"):
        call(lambda kernel: implementation(kernel, form))
