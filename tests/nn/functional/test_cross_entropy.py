"""Cross-entropy and negative log-likelihood: gradients to second order, kernel against definition, torch,
refusals."""

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
def problems(draw):
    """Logits, classes and options; a class may be ignored."""
    batch, classes = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    sides = tuple(draw(st.lists(st.integers(1, 2), max_size=2)))
    shape = draw(st.sampled_from([(classes,), (batch, classes, *sides)]))
    seed = draw(seeds())
    target_shape = () if len(shape) == 1 else (batch, *sides)
    target = np.random.default_rng(seed).integers(0, classes, target_shape)
    options = {"reduction": draw(st.sampled_from(["mean", "sum", "none"]))}
    if draw(st.booleans()):
        options["weight"] = values((classes,), seed + 1, 0.1, 2)
    if draw(st.booleans()):
        options["ignore_index"] = draw(st.sampled_from([-1, 0]))
    return values(shape, seed), target, options


def wrapped(options):
    return {k: Tensor(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}


def undifferentiated(library, name, **more):
    """The loss with a weight that does not require grad."""

    def loss(x, target, weight=None, **options):
        weight = weight if weight is None else weight.detach()
        return getattr(library.nn.functional, name)(x, target, weight=weight, **options, **more)

    return loss


def counts(target, options):
    """Whether a mean has anything to average."""
    return (target != options.get("ignore_index", -100)).any()


@given(problems(), st.sampled_from([0.0, 0.3, 1.0]))
def test_cross_entropy(fused_equals_composed, problem, smoothing):
    x, target, options = problem
    check_against_torch(
        undifferentiated(scratchnet, "cross_entropy", label_smoothing=smoothing),
        x,
        target,
        torch_fn=undifferentiated(torch, "cross_entropy", label_smoothing=smoothing),
        **options,
    )

    def loss(x):
        return F.cross_entropy(x, Tensor(target), label_smoothing=smoothing, **wrapped(options))

    fused_equals_composed(loss, x)
    if counts(target, options):
        check_gradient(loss, x)


@given(problems())
def test_nll_loss(problem):
    x, target, options = problem
    check_against_torch(
        undifferentiated(scratchnet, "nll_loss"),
        x,
        target,
        torch_fn=undifferentiated(torch, "nll_loss"),
        **options,
    )
    if counts(target, options):
        check_gradient(lambda x: F.nll_loss(x, Tensor(target), **wrapped(options)), x)


@given(problems(), st.sampled_from([0.0, 0.3]))
def test_probabilities_as_targets(problem, smoothing):
    x, _, options = problem
    options = {k: v for k, v in options.items() if k != "ignore_index"}
    target = np.exp(values(x.shape, 7))
    target /= target.sum(min(1, x.ndim - 1), keepdims=True)
    check_against_torch(
        undifferentiated(scratchnet, "cross_entropy", label_smoothing=smoothing),
        x,
        target,
        torch_fn=undifferentiated(torch, "cross_entropy", label_smoothing=smoothing),
        **options,
    )
    check_gradient(lambda x, t: F.cross_entropy(x, t, label_smoothing=smoothing, **wrapped(options)), x, target)


@pytest.mark.parametrize("shape", [(64, 10), (3, 1000), (2, 21, 16, 16)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sizes_of_practice(shape, dtype):
    x, target = (
        3 * values(shape, 0, dtype=dtype),
        np.random.default_rng(0).integers(0, shape[1], (shape[0], *shape[2:])),
    )
    for reduction in ("mean", "none"):
        check_against_torch("nn.functional.cross_entropy", x, target, reduction=reduction, ignore_index=1)


def test_an_example_by_hand():
    """Probabilities 1/4 and 3/4: the loss of the first class is log 4, its gradient p − 1 and p."""
    x = Tensor(np.log(np.array([[1.0, 3.0]])), True)
    loss = F.cross_entropy(x, Tensor(np.array([0])))
    np.testing.assert_allclose(loss.array, np.log(4))
    loss.backward()
    np.testing.assert_allclose(x.grad.array, [[-3 / 4, 3 / 4]])


def test_negative_smoothing_is_refused():
    with pytest.raises(RuntimeError, match=r"label_smoothing must be between 0.0 and 1.0. Got: -0.1"):
        F.cross_entropy(Tensor(X), Tensor(T), label_smoothing=-0.1)


def test_large_logits_do_not_overflow():
    x = np.array([[1e4, 0.0, -1e4], [3e38, 3e38, 0]], np.float32)
    check_against_torch("nn.functional.cross_entropy", x, np.array([1, 0]), reduction="none")


@pytest.mark.filterwarnings("ignore:invalid value")
def test_nothing_counts():
    x = values((3, 4), 0)
    for name in ("cross_entropy", "nll_loss"):
        for reduction in ("mean", "sum", "none"):
            check_against_torch(f"nn.functional.{name}", x, np.full(3, -100), reduction=reduction)
        check_against_torch(f"nn.functional.{name}", x[:0], np.zeros(0, np.int64))


X, T = values((3, 4), 0, dtype=np.float32), np.array([0, 1, 2])
W4 = np.ones(4, np.float32)


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
@pytest.mark.parametrize(
    "args, kwargs",
    [
        ((X, np.array([0, 1, 4])), {}),
        ((X, np.array([0, 1, -1])), {}),
        ((X, T[:2]), {}),
        ((X, T[:, None]), {}),
        ((X, T.astype(np.int32)), {}),
        ((X, T.astype(np.float32)), {}),
        ((X, T.astype(np.uint8)), {}),
        ((X, T > 1), {}),
        ((X[0], T[0]), {}),
        ((X[0], np.array(1)), {}),
        ((X, T), dict(reduction="average")),
        ((X, T), dict(weight=W4[:3])),
        ((X, T), dict(weight=W4.astype(np.float64))),
        ((np.ones((2, 3, 4)), np.zeros((2, 3), np.int64)), {}),
        ((np.ones((2, 3, 4, 5)), np.zeros((2, 4, 6), np.int64)), {}),
        ((np.array(1.0), np.array(0)), {}),
    ],
)
def test_refusals_are_those_of_torch(name, args, kwargs):
    check_against_torch(
        undifferentiated(scratchnet, name), *args, torch_fn=undifferentiated(torch, name), grad=False, **kwargs
    )


@pytest.mark.parametrize(
    "args, kwargs",
    [
        ((X, T), dict(label_smoothing=1.5)),
        ((X.astype(np.int64), T), {}),
        ((X, X), dict(ignore_index=1)),
        ((X, np.abs(X).astype(np.float64)), {}),
        ((X, X.astype(np.int64)), {}),
        ((X, X), dict(weight=W4[:3])),
    ],
)
def test_cross_entropy_refuses_what_torch_refuses(args, kwargs):
    check_against_torch(
        undifferentiated(scratchnet, "cross_entropy"),
        *args,
        torch_fn=undifferentiated(torch, "cross_entropy"),
        grad=False,
        **kwargs,
    )


def test_the_older_spelling_of_reductions():
    for kwargs, reduction in (
        (dict(size_average=False), "sum"),
        (dict(reduce=False), "none"),
        (dict(reduce=True), "mean"),
    ):
        with pytest.warns(UserWarning, match=f"please use reduction='{reduction}' instead"):
            assert nn.CrossEntropyLoss(**kwargs).reduction == reduction
        with pytest.warns(UserWarning, match="deprecated"):
            F.nll_loss(Tensor(X), Tensor(T), **kwargs)


LAYERS = [
    "CrossEntropyLoss()",
    "CrossEntropyLoss(ignore_index=1, reduction='sum', label_smoothing=0.2)",
    "NLLLoss(reduction='none')",
]


@pytest.mark.parametrize("text", LAYERS)
def test_layer(check_module, text):
    check_module(text, X, T)


def test_the_weight_is_a_buffer():
    for library in (scratchnet, torch):
        loss = library.nn.CrossEntropyLoss(weight=library.ones(4))
        assert list(loss.state_dict()) == ["weight"] and loss.double().weight.dtype == library.float64
