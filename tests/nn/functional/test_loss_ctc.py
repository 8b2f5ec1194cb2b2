"""CTC against torch, against the sum over all alignments, and what is refused."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
import scratchnet.nn.functional as F
from scratchnet import Tensor
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds


def problem(seed, dtype=np.float64):
    """Logits [T, N, C], labels [N, S], and lengths for which there are alignments."""
    rng = np.random.default_rng(seed)
    n, classes, longest = rng.integers(1, 4), rng.integers(2, 5), rng.integers(1, 4)
    targets = rng.integers(1, classes, (n, longest))
    target_lengths = rng.integers(0, longest + 1, n)
    input_lengths = 2 * target_lengths + 1 + rng.integers(0, 3, n)
    logits = 2 * rng.standard_normal((input_lengths.max() + 1, n, classes)).astype(dtype)
    return logits, targets, input_lengths, target_lengths


def with_softmax(library, tensor, *args, **kwargs):
    arrays = [tensor(a) for a in args]

    def loss(x):
        return library.nn.functional.ctc_loss(library.nn.functional.log_softmax(x, 2), *arrays, **kwargs)

    return loss


@given(seeds(), st.sampled_from(["mean", "sum", "none"]), st.sampled_from([np.float32, np.float64]), st.booleans())
def test_against_torch(seed, reduction, dtype, concatenated):
    logits, targets, *lengths = problem(seed, dtype)
    if concatenated:
        targets = targets[np.arange(targets.shape[1]) < lengths[1][:, None]]
    tolerance = dict(rtol=1e-4, atol=1e-5) if dtype == np.float32 else {}
    check_against_torch(
        with_softmax(scratchnet, Tensor, targets, *lengths, reduction=reduction), logits,
        torch_fn=with_softmax(torch, torch.from_numpy, targets, *lengths, reduction=reduction), **tolerance,
    )  # fmt: skip


@given(seeds())
def test_the_gradient_to_the_log_probabilities_is_torchs(seed):
    logits, targets, *lengths = problem(seed)
    log_probs = logits - np.log(np.exp(logits).sum(2, keepdims=True))

    def loss(library, tensor):
        return lambda x: library.nn.functional.ctc_loss(x, *map(tensor, (targets, *lengths)), reduction="sum")

    check_against_torch(loss(scratchnet, Tensor), log_probs, torch_fn=loss(torch, torch.from_numpy))


@given(seeds())
def test_gradients(seed):
    logits, targets, *lengths = problem(seed)
    check_gradient(with_softmax(scratchnet, Tensor, targets, *lengths), logits, order=1)


@given(seeds())
def test_it_is_the_sum_over_all_alignments(seed):
    """Every way to choose a class at each step, merged and without blanks, that reads as the labels."""
    rng = np.random.default_rng(seed)
    steps, classes = rng.integers(1, 5), rng.integers(2, 4)
    labels = rng.integers(1, classes, rng.integers(0, 3))
    probs = rng.dirichlet(np.ones(classes), steps)
    total = sum(
        np.prod(probs[np.arange(steps), list(path)])
        for path in itertools.product(range(classes), repeat=int(steps))
        if [c for c, _ in itertools.groupby(path) if c] == labels.tolist()
    )
    loss = F.ctc_loss(Tensor(np.log(probs)), Tensor(labels), [int(steps)], [len(labels)], reduction="sum").item()
    assert loss == pytest.approx(-np.log(total)) if total else loss == np.inf


def test_by_hand():
    """Two steps, one label: (a, a), (a, -) and (-, a)."""
    loss = F.ctc_loss(Tensor(np.log([[0.4, 0.6], [0.5, 0.5]])), Tensor(np.array([1])), [2], [1])
    assert loss.item() == pytest.approx(-np.log(0.6 * 0.5 + 0.6 * 0.5 + 0.4 * 0.5))


@pytest.mark.parametrize("zero_infinity", [False, True])
def test_labels_without_an_alignment(zero_infinity):
    """Equal neighbours need a blank between them."""
    x, args = values((2, 2, 3), 0), (np.array([[1, 1], [1, 2]]), np.array([2, 2]), np.array([2, 2]))
    options = dict(reduction="none", zero_infinity=zero_infinity)
    check_against_torch(
        with_softmax(scratchnet, Tensor, *args, **options), x, grad=zero_infinity,
        torch_fn=with_softmax(torch, torch.from_numpy, *args, **options),
    )  # fmt: skip
    leaf = Tensor(x, True)
    with_softmax(scratchnet, Tensor, *args, **options)(leaf).sum().backward()
    assert np.isnan(leaf.grad.array[:, 0]).any() != zero_infinity and np.isfinite(leaf.grad.array[:, 1]).all()


def test_probabilities_of_zero_and_other_blanks():
    probs = np.array([[0.0, 0.5, 0.5], [0.5, 0, 0.5], [0.2, 0.3, 0.5]])
    with np.errstate(divide="ignore"):
        log_probs = np.log(probs)[:, None]

    def loss(library, tensor):
        return lambda x: library.nn.functional.ctc_loss(
            x, tensor(np.array([[0, 1]])), tensor(np.array([3])), tensor(np.array([2])), blank=2
        )

    check_against_torch(loss(scratchnet, Tensor), log_probs, torch_fn=loss(torch, torch.from_numpy), grad=False)
    x = Tensor(log_probs, True)
    loss(scratchnet, Tensor)(x).backward()
    assert np.isfinite(x.grad.array).all()  # in torch it is NaN where a probability is 0


def test_without_a_batch():
    x = values((5, 3), 0)
    arguments = [np.array([1, 2]), np.array(5), np.array(2)]
    for reduction in ("mean", "none"):

        def loss(library, tensor, reduction=reduction):
            return lambda x: library.nn.functional.ctc_loss(
                library.nn.functional.log_softmax(x, 1), *map(tensor, arguments), reduction=reduction
            )

        check_against_torch(loss(scratchnet, Tensor), x, torch_fn=loss(torch, torch.tensor))


def test_the_second_derivative_is_refused():
    for library, x in ((scratchnet, Tensor(values((3, 1, 2), 0), True)), (torch, torch.zeros(3, 1, 2, requires_grad=True))):
        loss = library.nn.functional.ctc_loss(x, library.tensor([[1]]), library.tensor([3]), library.tensor([1]))
        (g,) = library.autograd.grad(loss, x, create_graph=True)
        with pytest.raises(RuntimeError, match="not implemented"):
            g.sum().backward()


X, Y, I, S = values((4, 2, 3), 0), np.array([[1, 2], [2, 1]]), np.array([4, 4]), np.array([2, 1])


@pytest.mark.parametrize("args, kwargs", [
    ((X, Y, I, S), dict(blank=3)),
    ((X, Y, I, S), dict(blank=-1)),
    ((X, Y, I, S), dict(reduction="average")),
    ((X, Y, I[:1], S), {}),
    ((X, Y, I, S[:1]), {}),
    ((X, Y, I + 1, S), {}),
    ((X, Y, I, S + 1), {}),
    ((X, Y.astype(np.int32), I, S), {}),
    ((X, Y, I.astype(float), S), {}),
    ((X[None], Y, I, S), {}),
])  # fmt: skip
def test_refusals_are_torchs(args, kwargs):
    check_against_torch("nn.functional.ctc_loss", *args, grad=False, **kwargs)


def test_labels_out_of_range_are_refused():
    with pytest.raises(RuntimeError, match="labels from 0 to 2"):
        F.ctc_loss(*map(Tensor, (X, Y + 2, I, S)))


@pytest.mark.parametrize("text", ["CTCLoss()", "CTCLoss(2, 'sum', True)"])
def test_layer(check_module, text):
    check_module(text, np.log(np.full((4, 2, 3), 1 / 3)), Y % 2 if "2" in text else Y, I, S)
