"""Losses of margins: gradients to second order, torch, kinks, refusals, modules."""

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

REDUCTIONS = st.sampled_from(["mean", "sum", "none"])


def compare(name, *args, **kwargs):
    check_against_torch(f"nn.functional.{name}", *args, **kwargs)


def signs(shape, seed):
    return np.random.default_rng(seed).choice([-1.0, 1.0], shape)


@given(shapes(0, 3, 1, 3), seeds(), REDUCTIONS)
def test_hinge_embedding(shape, seed, reduction):
    x, t = values(shape, seed, away_from=(1.0, 0.4)), Tensor(signs(shape, seed))
    check_gradient(lambda x: F.hinge_embedding_loss(x, t, reduction=reduction), x)
    for margin in (1.0, 0.4):
        compare("hinge_embedding_loss", x, t.array.astype(int), margin, reduction=reduction)


@given(shapes(0, 3, 1, 3), seeds(), REDUCTIONS, st.sampled_from([0, 0.4]))
def test_margin_ranking(shape, seed, reduction, margin):
    y, t = values(shape, seed), signs(shape, seed)
    x = np.asarray(y + t * values(shape, seed + 1, away_from=(0.0, 0.4)))
    check_gradient(lambda x, y: F.margin_ranking_loss(x, y, Tensor(t), margin, reduction=reduction), x, y)
    compare("margin_ranking_loss", x, y, t, margin, reduction=reduction, grad=False)


@given(shapes(0, 3, 1, 3), seeds(), REDUCTIONS)
def test_soft_margin(shape, seed, reduction):
    x, t = values(shape, seed), signs(shape, seed)
    check_gradient(lambda x: F.soft_margin_loss(x, Tensor(t), reduction=reduction), x)
    compare("soft_margin_loss", x, t.astype(int), reduction=reduction)


@given(shapes(1, 3, 1, 3), seeds(), REDUCTIONS, st.booleans())
def test_multilabel_soft_margin(shape, seed, reduction, weighted):
    x, t = values(shape, seed), np.random.default_rng(seed).integers(0, 2, shape).astype(float)
    w = Tensor(values(shape[-1:], seed + 1, 0.1, 2)) if weighted else None
    check_gradient(lambda x: F.multilabel_soft_margin_loss(x, Tensor(t), w, reduction=reduction), x)
    compare("multilabel_soft_margin_loss", x, t, None if w is None else w.array, reduction=reduction)


@given(st.integers(1, 4), st.integers(1, 5), seeds(), REDUCTIONS, st.sampled_from([1, 2]), st.booleans(), st.booleans())
def test_multi_margin(n, classes, seed, reduction, p, weighted, single):
    x = values((n, classes), seed)
    t = np.random.default_rng(seed).integers(0, classes, n)
    if single:
        x, t = x[0], t[0:1].reshape(())
    w = values((classes,), seed + 1, 0.1, 2) if weighted else None
    for margin in (1.0, 0.3):

        def loss(library, tensor, margin=margin):
            weight = None if w is None else tensor(w)
            return lambda x: library.nn.functional.multi_margin_loss(
                x, tensor(t), p=p, margin=margin, weight=weight, reduction=reduction
            )

        check_against_torch(loss(scratchnet, Tensor), x, torch_fn=loss(torch, lambda a: torch.from_numpy(np.array(a))))
    distinct = np.sort(values((classes,), seed)) * 3 + np.arange(classes) * 0.31
    check_gradient(lambda x: F.multi_margin_loss(x, Tensor(np.array([0])), p=p), distinct[None])


@given(st.integers(1, 4), st.integers(1, 5), seeds(), REDUCTIONS, st.booleans())
def test_multilabel_margin(n, classes, seed, reduction, single):
    rng = np.random.default_rng(seed)
    t = rng.integers(-1, classes, (n, classes))
    x = values((n, classes), seed)
    if single:
        x, t = x[0], t[0]
    compare("multilabel_margin_loss", x, t, reduction=reduction)
    distinct = np.arange(classes) * 0.31 + 0.01 * np.sort(values((classes,), seed))
    check_gradient(lambda x: F.multilabel_margin_loss(x, Tensor(t.reshape(-1, classes)[0])), distinct)


@given(st.integers(1, 4), st.integers(1, 5), seeds(), REDUCTIONS, st.sampled_from([0.0, 0.3, -0.3]), st.booleans())
def test_cosine_embedding(n, d, seed, reduction, margin, single):
    x, y, t = values((n, d), seed), values((n, d), seed + 1), signs((n,), seed)
    if single:
        x, y, t = x[0], y[0], t[0:1].reshape(())
    check_gradient(lambda x, y: F.cosine_embedding_loss(x, y, Tensor(np.ones_like(t)), margin, reduction=reduction), x, y)
    compare("cosine_embedding_loss", x, y, t.astype(int), margin, reduction=reduction)


@given(
    st.integers(1, 4), st.integers(1, 5), seeds(), REDUCTIONS, st.sampled_from([2, 2.0, 3.0]), st.booleans(), st.booleans()
)  # fmt: skip
def test_triplet_margin(n, d, seed, reduction, p, swap, single):
    triplet = [values((n, d), seed + i) for i in range(3)]
    if single:
        triplet = [x[0] for x in triplet]
    options = dict(margin=5.0, p=p, swap=swap, reduction=reduction)
    check_gradient(lambda *x: F.triplet_margin_loss(*x, **{**options, "swap": False}), *triplet)
    compare("triplet_margin_loss", *triplet, **options)
    compare("triplet_margin_loss", *triplet, margin=0.3, swap=swap, reduction=reduction)
    compare("triplet_margin_with_distance_loss", *triplet, swap=swap, reduction=reduction)


def test_a_distance_of_ones_own():
    a, p, n = (Tensor(values((3, 2), i)) for i in range(3))
    loss = F.triplet_margin_with_distance_loss(
        a, p, n, distance_function=lambda x, y: abs(x - y).sum(1), margin=4.0, reduction="none"
    )
    expected = np.maximum(np.abs(a.array - p.array).sum(1) - np.abs(a.array - n.array).sum(1) + 4, 0)
    np.testing.assert_allclose(loss.array, expected)


def test_kinks_and_extremes_are_torchs():
    x, ones = np.array([1.0, 0, -1, 2]), np.ones(4)
    compare("hinge_embedding_loss", x, -ones, reduction="none")
    compare("hinge_embedding_loss", x, np.array([0, 2, 1, -1]), reduction="none")
    compare("margin_ranking_loss", x, x, ones, reduction="none", grad=False)
    compare("cosine_embedding_loss", np.zeros((2, 3)), np.zeros((2, 3)), np.array([1, -1]), reduction="none", grad=False)
    compare("multi_margin_loss", np.array([[1.0, 0, 2]]), np.array([0]))
    compare("soft_margin_loss", np.array([50.0, -50, 0]), np.array([1, 1, -1]), reduction="none")


def test_examples_by_hand():
    x = Tensor(np.array([[0.1, 0.2, 0.4, 0.8]]))
    assert F.multilabel_margin_loss(x, Tensor(np.array([[3, 0, -1, 1]]))).item() == pytest.approx(0.85)
    assert F.multi_margin_loss(x, Tensor(np.array([3]))).item() == pytest.approx((0.3 + 0.4 + 0.6) / 4)
    one = Tensor(np.array([1.0]))
    assert F.margin_ranking_loss(one, one * 3, one, 0.5).item() == 2.5


X, T = values((3, 4), 0), np.zeros((3, 4), np.int64)


@pytest.mark.parametrize("name, args, kwargs", [
    ("hinge_embedding_loss", (X, X), dict(reduction="average")),
    ("margin_ranking_loss", (X, X, X[0]), {}),
    ("margin_ranking_loss", (X, X, X), dict(reduction="average")),
    ("multi_margin_loss", (X, T[:, 0]), dict(p=3)),
    ("multi_margin_loss", (X, T[:, 0]), dict(weight=np.ones((1, 4)))),
    ("multi_margin_loss", (X, T[:, 0]), dict(weight=np.ones(3))),
    ("multi_margin_loss", (X, T[:2, 0]), {}),
    ("multi_margin_loss", (X, T[:, 0] + 4), {}),
    ("multi_margin_loss", (X, T[:, 0] - 1), {}),
    ("multi_margin_loss", (X, X[:, 0]), {}),
    ("multi_margin_loss", (X[None], T[:, 0]), {}),
    ("multilabel_margin_loss", (X, T[:2]), {}),
    ("multilabel_margin_loss", (X, T + 4), {}),
    ("multilabel_margin_loss", (X, T - 2), {}),
    ("multilabel_margin_loss", (X, X), {}),
    ("multilabel_margin_loss", (X[None], T[None]), {}),
    ("cosine_embedding_loss", (X, X, T), {}),
    ("cosine_embedding_loss", (X, X[0], T[:, 0]), {}),
    ("triplet_margin_loss", (X, X, X), dict(margin=0.0)),
    ("triplet_margin_loss", (X, X, X[0]), {}),
    ("triplet_margin_with_distance_loss", (X, X, X), dict(margin=-1.0)),
    ("triplet_margin_with_distance_loss", (X, X[0], X), {}),
    ("triplet_margin_with_distance_loss", (X, X, X), dict(reduction="average")),
    ("soft_margin_loss", (X, X), dict(reduction="average")),
])  # fmt: skip
def test_refusals_are_torchs(name, args, kwargs):
    compare(name, *args, grad=False, **kwargs)


LAYERS = [
    ("MarginRankingLoss(0.1)", (X, X[::-1].copy(), np.sign(X))),
    ("MarginRankingLoss(reduction='sum')", (X, X[::-1].copy(), np.sign(X))),
    ("CosineEmbeddingLoss(0.1, reduction='none')", (X, X[::-1].copy(), np.array([1, -1, 1]))),
    ("HingeEmbeddingLoss()", (X, np.sign(X).astype(int))),
    ("HingeEmbeddingLoss(2.0)", (X, np.sign(X).astype(int))),
    ("SoftMarginLoss()", (X, np.sign(X).astype(int))),
    ("MultiLabelMarginLoss()", (X, T)),
    ("MultiLabelSoftMarginLoss()", (X, T)),
    ("MultiMarginLoss(2, 0.5)", (X, T[:, 0])),
    ("TripletMarginLoss(2.0, swap=True)", (X, X[::-1].copy(), X * X)),
    ("TripletMarginLoss(p=3)", (X, X[::-1].copy(), X * X)),
    ("TripletMarginWithDistanceLoss(margin=2.0)", (X, X[::-1].copy(), X * X)),
]


@pytest.mark.parametrize("text, args", LAYERS)
def test_layer(check_module, text, args):
    check_module(text, *args, grad=False)


@pytest.mark.parametrize("text", ["MultiMarginLoss(p=3)", "MultiMarginLoss(weight=ones(2, 2))", "TripletMarginLoss(0.0)",
                                  "TripletMarginWithDistanceLoss(margin=0)"])  # fmt: skip
def test_layers_refuse(text):
    for library in (scratchnet, torch):
        with pytest.raises(ValueError):
            eval(text, {**vars(library.nn), "ones": library.ones})


def test_weights_are_buffers_and_arguments_have_names():
    layer = scratchnet.nn.MultiMarginLoss(weight=scratchnet.ones(4, dtype=scratchnet.float64))
    assert list(layer.state_dict()) == ["weight"]
    assert layer(input=Tensor(X), target=Tensor(T[:, 0])).item() == F.multi_margin_loss(Tensor(X), Tensor(T[:, 0])).item()
