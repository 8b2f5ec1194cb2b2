"""Losses of regression and of probabilities: gradients to second order, torch, kinks, refusals."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
import scratchnet.nn.functional as F
from scratchnet import Tensor
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds, shapes

REDUCTIONS = ["mean", "sum", "none"]
REGRESSION = [
    ("mse_loss", {}),
    ("l1_loss", {}),
    ("smooth_l1_loss", {}),
    ("smooth_l1_loss", dict(beta=0.4)),
    ("smooth_l1_loss", dict(beta=0.0)),
    ("huber_loss", {}),
    ("huber_loss", dict(delta=0.4)),
]


@pytest.mark.parametrize("name, options", REGRESSION)
@given(shapes(0, 3, 1, 3), seeds(), st.sampled_from(REDUCTIONS))
def test_regression(name, options, shape, seed, reduction):
    difference = values(shape, seed, away_from=(0.0, 0.4, -0.4, 1.0, -1.0), gap=0.05)
    t = values(shape, seed + 1)
    x = np.add(t, difference, out=difference)
    check_gradient(lambda x, t: getattr(F, name)(x, t, reduction=reduction, **options), x, t)
    for dtype in (np.float32, np.float64):
        x = x.astype(dtype)
        check_against_torch(f"nn.functional.{name}", x, t.astype(dtype), reduction=reduction, **options)


@pytest.mark.parametrize("name, options", REGRESSION)
def test_kinks_are_those_of_torch(name, options):
    """Differences that are exactly 0 and exactly where one formula takes over from the other."""
    x = np.array([0.0, 1, -1, 0.4, -0.4, 2])
    check_against_torch(f"nn.functional.{name}", x, np.zeros(6), reduction="none", **options)


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_weights(name, reduction):
    x, t, w = values((2, 3), 0), values((2, 3), 1), values((2, 3), 2, 0.1, 1)
    check_against_torch(f"nn.functional.{name}", x, t, weight=w, reduction=reduction)
    check_against_torch(f"nn.functional.{name}", x, t, weight=w[0], reduction=reduction)


@pytest.mark.parametrize("name, options", REGRESSION)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_ones_are_torchs(name, options, dtype):
    x, t = values((50, 60), 0, dtype=dtype), values((50, 60), 1, dtype=dtype)
    check_against_torch(f"nn.functional.{name}", x, t, reduction="none", **options)
    leaf, target = Tensor(x, True), Tensor(t, True)
    fused, composed = (
        [
            g.detach().array
            for g in scratchnet.autograd.grad(getattr(F, name)(leaf, target, **options), (leaf, target), create_graph=again)
        ]
        for again in (False, True)
    )
    for a, b in zip(fused, composed):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def undifferentiated(name):
    """The loss here and in torch, with weights that do not require grad."""

    def loss(library):
        def call(x, t, **options):
            options = {k: v if isinstance(v, str) else v.detach() for k, v in options.items()}
            return getattr(library.nn.functional, name)(x, t, **options)

        return call

    return loss(scratchnet), loss(torch)


@given(shapes(0, 3, 1, 3), seeds(), st.sampled_from(REDUCTIONS), st.booleans())
def test_binary_cross_entropy(shape, seed, reduction, weighted):
    p, t = values(shape, seed, 0.05, 0.95), values(shape, seed + 1, 0, 1)
    options = dict(reduction=reduction)
    if weighted:
        options["weight"] = values(shape, seed + 2, 0.1, 2)
    kwargs = {k: Tensor(v) if k == "weight" else v for k, v in options.items()}
    check_gradient(lambda x, t: F.binary_cross_entropy(x, t, **kwargs), p, t)
    ours, theirs = undifferentiated("binary_cross_entropy")
    check_against_torch(ours, p, t, torch_fn=theirs, **options)


@given(shapes(0, 3, 1, 3), seeds(), st.sampled_from(REDUCTIONS), st.booleans(), st.booleans())
def test_binary_cross_entropy_with_logits(shape, seed, reduction, weighted, positive):
    x, t = values(shape, seed), values(shape, seed + 1, 0, 1)
    options = dict(reduction=reduction)
    if weighted:
        options["weight"] = values(shape, seed + 2, 0.1, 2)
    if positive:
        options["pos_weight"] = values(shape[-1:], seed + 3, 0.1, 2)
    kwargs = {k: Tensor(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    check_gradient(lambda x, t: F.binary_cross_entropy_with_logits(x, t, **kwargs), x, t)
    ours, theirs = undifferentiated("binary_cross_entropy_with_logits")
    check_against_torch(ours, x, t, torch_fn=theirs, **options)


def test_probabilities_of_0_and_1_and_extreme_logits():
    x, t = np.array([0.0, 1, 0, 1]), np.array([0.0, 1, 1, 0])
    check_against_torch("nn.functional.binary_cross_entropy", x, t, reduction="none")
    logits = np.array([0.0, 1e3, -1e3, 1e3])
    check_against_torch("nn.functional.binary_cross_entropy_with_logits", logits, t, reduction="none")


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")
@given(shapes(1, 3, 1, 3), seeds(), st.sampled_from([*REDUCTIONS, "batchmean"]), st.booleans())
def test_kl_div(shape, seed, reduction, log_target):
    x = values(shape, seed, -3, -0.1)
    t = values(shape, seed + 1, -3, -0.1) if log_target else values(shape, seed + 1, 0.1, 1)
    check_gradient(lambda x, t: F.kl_div(x, t, reduction=reduction, log_target=log_target), x, t)
    check_against_torch("nn.functional.kl_div", x, t, reduction=reduction, log_target=log_target)


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides")
def test_a_probability_of_0_has_no_divergence():
    check_against_torch(
        "nn.functional.kl_div", np.array([-1.0, -2.0]), np.array([0.0, 0.5]), reduction="none", grad=False
    )
    x = Tensor(np.array([-1.0, -2.0]), True)
    F.kl_div(x, Tensor(np.array([0.0, 0.5]))).backward()
    assert x.grad.tolist() == [0, -0.25]


@given(shapes(0, 3, 1, 3), seeds(), st.sampled_from(REDUCTIONS), st.booleans(), st.booleans())
def test_poisson_nll(shape, seed, reduction, log_input, full):
    x = values(shape, seed) if log_input else values(shape, seed, 0.1, 3)
    t = values(shape, seed + 1, 0.2, 5, away_from=(1.0,))
    options = dict(log_input=log_input, full=full, reduction=reduction)
    check_gradient(lambda x, t: F.poisson_nll_loss(x, t, **options), x, t)
    check_against_torch("nn.functional.poisson_nll_loss", x, t, **options)
    check_against_torch("nn.functional.poisson_nll_loss", x, t.astype(int), **options)


@given(shapes(1, 3, 1, 3), seeds(), st.sampled_from(REDUCTIONS), st.booleans(), st.sampled_from(["full", "one", "less"]))
def test_gaussian_nll(shape, seed, reduction, full, kind):
    x, t = values(shape, seed), values(shape, seed + 1)
    v = values(shape if kind == "full" else (*shape[:-1], 1) if kind == "one" else shape[:-1], seed + 2, 0.1, 2)
    options = dict(full=full, reduction=reduction)
    check_gradient(lambda *a: F.gaussian_nll_loss(*a, **options), x, t, v)
    check_against_torch("nn.functional.gaussian_nll_loss", x, t, v, **options)
    check_against_torch("nn.functional.gaussian_nll_loss", x, t, v * 0.1, eps=0.1, **options)  # some are too small


def test_gaussian_nll_of_one_variance_and_refusals():
    for var in (0.5, -0.5, P[:2], -P, 1e-9):
        check_against_torch("nn.functional.gaussian_nll_loss", P, X, var)
    check_against_torch("nn.functional.gaussian_nll_loss", P, X, P, reduction="average")
    check_against_torch("nn.functional.poisson_nll_loss", P, X, reduction="average")


def test_examples_by_hand():
    x, t = Tensor(np.array([1.0, 5.0])), Tensor(np.array([0.0, 2.0]))
    assert F.mse_loss(x, t).item() == 5 and F.l1_loss(x, t).item() == 2
    assert F.smooth_l1_loss(x, t, reduction="none").tolist() == [0.5, 2.5]
    assert F.huber_loss(x, t, delta=2.0, reduction="none").tolist() == [0.5, 4]


X = values((3, 4), 0, dtype=np.float32)


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])
@pytest.mark.parametrize(
    "args, kwargs",
    [
        ((X, X), dict(reduction="average")),
        ((X[:0], X[:0]), {}),
    ],
)
def test_dtypes_and_refusals_are_those_of_torch(name, args, kwargs):
    check_against_torch(f"nn.functional.{name}", *args, **kwargs)


def test_shapes_that_differ_are_broadcast_with_a_warning():
    for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"):
        with pytest.warns(UserWarning, match="Using a target size"):
            ours = getattr(F, name)(Tensor(X), Tensor(X[:1]))
        with pytest.warns(UserWarning):
            theirs = getattr(torch.nn.functional, name)(torch.from_numpy(X), torch.from_numpy(X[:1]))
        np.testing.assert_allclose(ours.array, theirs.numpy(), rtol=1e-5)
        with pytest.warns(UserWarning), pytest.raises(RuntimeError, match=r"broadcast.*\[5, 4\], \[5\]"):
            getattr(F, name)(Tensor(np.ones((5, 4))), Tensor(np.ones(5)))


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss"])  # torch's huber_loss refuses in backward
def test_dtypes_are_promoted(name):
    check_against_torch(f"nn.functional.{name}", X, X[::-1].astype(np.float64), rtol=1e-6)


def test_warnings_name_the_line_that_calls_the_loss():
    x = Tensor(P)
    for call in (lambda: F.mse_loss(x, x[:1]), lambda: F.mse_loss(x, x, True), lambda: F.kl_div(x, x),
                 lambda: scratchnet.nn.MSELoss(True)):  # fmt: skip
        with pytest.warns(UserWarning) as caught:
            call()
        assert [w.filename for w in caught] == [__file__]
        assert caught[0].lineno in range(call.__code__.co_firstlineno, call.__code__.co_firstlineno + 2)


def test_what_is_no_tensor_is_refused():
    with pytest.raises(TypeError, match="argument 'target' must be Tensor, not int"):
        F.mse_loss(Tensor(X), 3)


def test_options_out_of_range():
    check_against_torch("nn.functional.smooth_l1_loss", X, X, beta=-1.0)
    check_against_torch("nn.functional.huber_loss", X, X, delta=0.0)
    check_against_torch("nn.functional.mse_loss", X.astype(np.int64), X.astype(np.int64))
    check_against_torch("nn.functional.l1_loss", X.astype(np.int64), X.astype(np.int64))
    check_against_torch("nn.functional.kl_div", X, X, reduction="average")


P = np.abs(X) / 4


@pytest.mark.parametrize(
    "args", [(X, P), (P, P[0]), (P, P.astype(np.float64)), (P, P.astype(np.int64)), (P.astype(np.int64), P)]
)
def test_binary_cross_entropy_refuses_what_torch_refuses(args):
    check_against_torch("nn.functional.binary_cross_entropy", *args)


def test_binary_cross_entropy_with_logits_refuses_what_torch_refuses():
    check_against_torch("nn.functional.binary_cross_entropy_with_logits", X, P[0])


LAYERS = [
    "MSELoss()",
    "MSELoss(reduction='sum')",
    "L1Loss(reduction='none')",
    "SmoothL1Loss(beta=0.5)",
    "HuberLoss(delta=0.5, reduction='sum')",
    "BCELoss()",
    "BCEWithLogitsLoss(reduction='none')",
    "KLDivLoss(reduction='batchmean', log_target=True)",
    "PoissonNLLLoss()",
    "PoissonNLLLoss(log_input=False, full=True, reduction='sum')",
]


@pytest.mark.parametrize("text", LAYERS)
def test_layer(check_module, text):
    check_module(text, P, P[::-1].copy())


def test_gaussian_layer(check_module):
    check_module("GaussianNLLLoss(full=True)", X, P[::-1].copy(), P)
    check_module("GaussianNLLLoss(eps=0.1, reduction='sum')", X, P[::-1].copy(), P)


def test_weights_are_buffers():
    for library in (scratchnet, torch):
        loss = library.nn.BCEWithLogitsLoss(weight=library.ones(1), pos_weight=library.ones(1))
        assert list(loss.state_dict()) == ["weight", "pos_weight"]
        assert list(library.nn.BCELoss().state_dict()) == []
