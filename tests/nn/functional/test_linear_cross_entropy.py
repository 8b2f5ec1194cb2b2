"""Cross-entropy of a linear layer in pieces, and grouped products: torch's numbers, gradients, and nothing large in memory."""

import numpy as np
import pytest
import torch

from scratchnet import Tensor, nn
from scratchnet.autograd.tensor import Tensor as _Tensor
from scratchnet.nn import functional as F
from scratchnet.testing import check_gradient, values

Options = nn.LinearCrossEntropyOptions
TARGET = np.array([0, 3, -100, 4, 1, 1, 2])
WEIGHT = np.linspace(0.5, 2, 5)


@pytest.mark.parametrize("options", [None, {}, {"batch_chunk_size": 2}, {"chunking_method": "aspect_ratio:4"}])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_as_torchs(reduction, weighted, options):
    x, w, b = values((7, 3), 0), values((5, 3), 1), values((5,), 2)
    given = [[make(a.copy()).requires_grad_() for a in (x, w, b)] for make in (Tensor, torch.from_numpy)]
    losses = []
    for library, (xs, ws, bs), make in ((nn, given[0], Tensor), (torch.nn, given[1], torch.from_numpy)):
        opts = None if options is None else library.LinearCrossEntropyOptions(**options)
        loss = library.functional.linear_cross_entropy(
            xs, ws, make(TARGET), linear_bias=bs, weight=make(WEIGHT) if weighted else None, reduction=reduction, options=opts
        )
        losses.append(loss)
        loss.cos().sum().backward()
    np.testing.assert_allclose(losses[0].array, losses[1].detach().numpy(), rtol=1e-9)
    for a, c in zip(*given):
        np.testing.assert_allclose(a.grad.array, c.grad.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_gradients_to_second_order_in_pieces(reduction):
    target, options = Tensor(np.array([1, 0, 3, 1, 2])), Options(batch_chunk_size=2)
    check_gradient(
        lambda x, w, b: F.linear_cross_entropy(x, w, target, linear_bias=b, reduction=reduction, options=options),
        values((5, 2), 0), values((4, 2), 1), values((4,), 2),
    )  # fmt: skip


def test_no_array_of_all_logits(monkeypatch):
    """64 examples of 2 features in 512 classes: the largest array is that of a piece's logits."""
    sizes = []
    original = _Tensor.__init__

    def watch(self, array, *args, **kwargs):
        original(self, array, *args, **kwargs)
        sizes.append(self.array.size)

    monkeypatch.setattr(_Tensor, "__init__", watch)
    x, w = Tensor(values((64, 2), 0), True), Tensor(values((512, 2), 1), True)
    F.linear_cross_entropy(x, w, Tensor(np.arange(64)), options=Options(batch_chunk_size=4)).backward()
    assert max(sizes) <= 4 * 512 and x.grad.shape == (64, 2)


def test_shapes_and_probabilities():
    layer = nn.LinearCrossEntropyLoss(3, 4, out_features=(2,), bias=True, label_smoothing=0.1).double()
    theirs = torch.nn.LinearCrossEntropyLoss(3, 4, out_features=(2,), bias=True, label_smoothing=0.1).double()
    layer.load_state_dict(theirs.state_dict())
    x = values((5, 3), 0)
    probabilities = np.random.default_rng(0).dirichlet(np.ones(4), (5, 2)).swapaxes(1, 2).copy()
    for target in (np.arange(10).reshape(5, 2) % 4, probabilities):
        expected = theirs(torch.from_numpy(x), torch.from_numpy(target))
        np.testing.assert_allclose(layer(Tensor(x), Tensor(target)).array, expected.detach().numpy(), rtol=1e-9)
    one, w = Tensor(x[0]), Tensor(values((4, 3), 1))
    for options in (None, Options()):
        loss = F.linear_cross_entropy(one, w, Tensor(np.array(2)), reduction="none", options=options)
        np.testing.assert_allclose(loss.array, F.cross_entropy(F.linear(one, w), Tensor(np.array(2))).array, rtol=1e-12)
        assert loss.shape == ()
    assert repr(layer) == repr(theirs)


@pytest.mark.parametrize("target", [[-100, -100], []], ids=["all ignored", "no examples"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_nothing_to_learn_from(reduction, target):
    x, w, t = np.ones((len(target), 3)), np.ones((4, 3)), np.array(target, np.int64)
    losses = [
        library.functional.linear_cross_entropy(
            make(x), make(w), make(t), reduction=reduction, options=library.LinearCrossEntropyOptions(batch_chunk_size=1)
        )
        for library, make in ((nn, Tensor), (torch.nn, torch.from_numpy))
    ]
    np.testing.assert_array_equal(losses[0].array, losses[1].numpy())


def test_half_precision_is_computed_in_single():
    x, w, t = values((4, 3), 0).astype(np.float16), values((5, 3), 1).astype(np.float16), np.arange(4)
    loss = F.linear_cross_entropy(Tensor(x), Tensor(w), Tensor(t), options=Options())
    expected = F.cross_entropy(F.linear(Tensor(x.astype(np.float32)), Tensor(w.astype(np.float32))), Tensor(t))
    assert loss.dtype == np.float16 and loss.array == expected.array.astype(np.float16)
    with pytest.raises(RuntimeError, match="float32 acc_dtype"):
        F.linear_cross_entropy(Tensor(x), Tensor(w), Tensor(t), options=Options(acc_dtype=np.float64))


@pytest.mark.parametrize("batch, features, classes", [(7, 3, 5), (64, 4, 100), (100, 8, 8), (3, 2, 1000), (33, 10, 3)])
@pytest.mark.parametrize("method", ["auto", "aspect_ratio", "aspect_ratio:3", None])
def test_rows_of_a_piece_are_torchs(method, batch, features, classes):
    theirs = torch.nn.LinearCrossEntropyOptions(chunking_method=method)._adjust(batch, features, classes, torch.float32)
    assert Options(chunking_method=method).rows(batch, features, classes, np.float32) == theirs.batch_chunk_size


def test_refusals():
    x, w, t = Tensor(values((4, 3), 0)), Tensor(values((5, 3), 1)), Tensor(np.arange(4))
    loss = F.linear_cross_entropy
    cases = [
        (RuntimeError, "dimensionality 1 or 2", lambda: loss(x[None], w, t)),
        (RuntimeError, "at least 2", lambda: loss(x, w[0], t)),
        (RuntimeError, "got 3 and 2", lambda: loss(x, w[:, :2], t)),
        (RuntimeError, "linear_bias shape", lambda: loss(x, w, t, linear_bias=t)),
        (RuntimeError, "batched input", lambda: loss(x[0], w[None], t)),
        (RuntimeError, "contains probabilities", lambda: loss(x, w, F.linear(x, w), ignore_index=1)),
        (ValueError, "does not fit target", lambda: loss(x, w, t[:2], options=Options())),
        (ValueError, "pass only one", lambda: loss(x, w, t, options=Options(batch_chunk_size=3, chunking_method="aspect_ratio"))),
        (ValueError, "acc_policy", lambda: Options(acc_policy="good")),
        (ValueError, "chunking_method", lambda: Options(chunking_method="aspect_ratio:0")),
        (ValueError, "chunking_method", lambda: Options(chunking_method="ratio")),
        (ValueError, "batch_chunk_size", lambda: Options(batch_chunk_size=0)),
        (ValueError, "acc_dtype", lambda: Options(acc_dtype=np.int64)),
        (RuntimeError, "weight shape", lambda: nn.LinearCrossEntropyLoss(2, 3, weight=x)),
        (RuntimeError, "range", lambda: nn.LinearCrossEntropyLoss(2, 3, label_smoothing=2)),
    ]  # fmt: skip
    for error, match, call in cases:
        with pytest.raises(error, match=match):
            call()
    with pytest.warns(UserWarning, match="options.* ignored"):
        loss(x, w, t, label_smoothing=0.1, options=Options())


# ---- grouped products ------------------------------------------------------------------------------------
GROUPED = {  # shapes, and where the groups end
    "rows": ((8, 4), (3, 4, 8), [2, 2, 8]),
    "columns": ((3, 4, 8), (8, 12), [4, 8, 12]),
    "both": ((4, 12), (12, 4), [4, 8, 12]),
    "none": ((2, 4, 4), (2, 4, 8), None),
}


@pytest.mark.parametrize("kind", GROUPED)
def test_grouped_mm(kind):
    *shapes, ends = GROUPED[kind]
    a, b = (values(shape, i) for i, shape in enumerate(shapes))
    offs = None if ends is None else np.array(ends, np.int32)
    check_gradient(lambda a, b: F.grouped_mm(a, b, offs=None if offs is None else Tensor(offs)), a, b)
    a, b = a.astype(np.float32), b.astype(np.float32)
    y = F.grouped_mm(Tensor(a), Tensor(b), offs=None if offs is None else Tensor(offs))
    expected = torch.nn.functional.grouped_mm(
        torch.from_numpy(a), torch.from_numpy(b), offs=None if offs is None else torch.from_numpy(offs)
    )
    np.testing.assert_allclose(y.array, expected.numpy(), rtol=1e-5, atol=1e-6)


def test_grouped_mm_by_hand():
    """The first token is for an expert that doubles, the next two for one that negates; the last is for none."""
    tokens, experts = Tensor(np.array([[1.0], [2], [3], [4]])), Tensor(np.array([[[2.0]], [[-1]]]))
    y = F.grouped_mm(tokens, experts, offs=Tensor(np.array([1, 3], np.int32)), out_dtype=np.float32)
    assert y.dtype == np.float32 and y.tolist() == [[2], [-2], [-3], [0]]


def test_grouped_refusals():
    a, b, offs = Tensor(values((4, 2), 0)), Tensor(values((2, 2, 3), 1)), Tensor(np.array([1, 4], np.int32))
    for match, call in [
        ("2d or 3d", lambda: F.grouped_mm(a[0], b, offs=offs)),
        ("contraction", lambda: F.grouped_mm(a[:, :1], b, offs=offs)),
        ("if and only if", lambda: F.grouped_mm(a, b)),
        ("if and only if", lambda: F.grouped_mm(b.mT, b, offs=offs)),
        ("int32", lambda: F.grouped_mm(a, b, offs=offs.long())),
        ("number of groups", lambda: F.grouped_mm(a, b, offs=offs[:1])),
        ("to rise", lambda: F.grouped_mm(a, b, offs=Tensor(np.array([3, 2], np.int32)))),
        ("to rise", lambda: F.grouped_mm(a, b, offs=Tensor(np.array([3, 5], np.int32)))),
        ("bias", lambda: F.grouped_mm(a, b, offs=offs, bias=a)),
        ("same dtype", lambda: F.grouped_mm(a, b.float(), offs=offs)),
    ]:
        with pytest.raises(RuntimeError, match=match):
            call()
    for scaled in (F.scaled_mm, F.scaled_grouped_mm):
        with pytest.raises(NotImplementedError, match="8-bit"):
            scaled(a, b, a, None, b, None)
