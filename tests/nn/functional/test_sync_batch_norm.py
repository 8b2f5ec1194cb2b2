"""Batch norm of a batch split among threads: one batch norm of the whole batch, at the layer, in a network, of second order."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet import Tensor, autograd, nn
from scratchnet.nn.utils import thread_group
from scratchnet.testing import values
from scratchnet.testing.strategies import seeds


def together(group, work):
    """What work(replica) returns in as many threads as there are replicas."""
    with ThreadPoolExecutor(len(group)) as pool:
        return list(pool.map(work, group))


@given(st.lists(st.integers(0, 3), min_size=2, max_size=3), st.sampled_from([(), (2,), (1, 3)]), st.booleans(), seeds())
def test_it_is_one_batch_norm_of_the_whole_batch(sizes, space, affine, seed):
    sizes[0] += 2
    x, g = values((sum(sizes), 2, *space), seed), values((sum(sizes), 2, *space), seed + 1)
    ends = np.cumsum(sizes)[:-1]
    w, b = values((2,), seed + 2), values((2,), seed + 3)

    def work(replica):
        layer = nn.SyncBatchNorm(2, 0.1, 0.3, affine, process_group=replica).double()
        if affine:
            layer.weight.array[...], layer.bias.array[...] = w, b
        leaf = Tensor(np.split(x, ends)[replica.rank], True)
        y = layer(leaf)
        y.backward(Tensor(np.split(g, ends)[replica.rank]))
        return y.array, leaf.grad.array, layer

    ys, gradients, layers = zip(*together(thread_group(len(sizes)), work))
    theirs = torch.nn.BatchNorm1d(2, 0.1, 0.3, affine).double()
    if affine:
        theirs.load_state_dict({**theirs.state_dict(), "weight": torch.tensor(w), "bias": torch.tensor(b)})
    leaf = torch.tensor(x, requires_grad=True)
    expected = theirs(leaf.flatten(2) if space else leaf).reshape(x.shape)
    expected.backward(torch.tensor(g))
    close = dict(rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(np.concatenate(ys), expected.detach(), **close)
    np.testing.assert_allclose(np.concatenate(gradients), leaf.grad, **close)
    for name, p in theirs.named_parameters():
        np.testing.assert_allclose(sum(getattr(layer, name).grad.array for layer in layers), p.grad, **close)
    for name, value in theirs.state_dict().items():
        for layer in layers:
            np.testing.assert_allclose(layer.state_dict()[name].array, value, **close)


def test_gradients_of_gradients():
    """∂/∂x Σ (dL/dx)² of the replicas is that of the whole batch."""
    x = values((4, 2), 0)

    def second(layer, x):
        leaf = Tensor(x, True)
        (g,) = autograd.grad((layer(leaf) ** 3).sum(), leaf, create_graph=True)
        (g * g).sum().backward()
        return leaf.grad.array

    parts = together(
        thread_group(2),
        lambda replica: second(nn.SyncBatchNorm(2, process_group=replica).double(), np.split(x, 2)[replica.rank]),
    )
    np.testing.assert_allclose(np.concatenate(parts), second(nn.BatchNorm1d(2).double(), x), rtol=1e-8, atol=1e-8)


def test_a_network_of_two_replicas():
    """Converted, trained on halves, gradients added: the step is that of the whole batch; evaluation needs no others."""
    def network():
        scratchnet.manual_seed(1)
        return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Tanh(), nn.Linear(3, 2), nn.BatchNorm1d(2)).double()

    x, whole = values((4, 2), 0), network()
    (whole(Tensor(x)) ** 3).sum().backward()
    replicas = [nn.SyncBatchNorm.convert_sync_batchnorm(network(), replica) for replica in thread_group(2)]
    together(range(2), lambda i: (replicas[i](Tensor(np.split(x, 2)[i])) ** 3).sum().backward())
    for p, *parts in zip(whole.parameters(), *(net.parameters() for net in replicas)):
        np.testing.assert_allclose(sum(part.grad.array for part in parts), p.grad.array, rtol=1e-8, atol=1e-10)
    alone = replicas[1].eval()(Tensor(x))
    np.testing.assert_allclose(alone.array, whole.eval()(Tensor(x)).array, rtol=1e-12)


@pytest.mark.parametrize(
    "dtype, deviations, close",
    [(np.float32, 1e4, dict(rtol=1e-5, atol=1e-6)), (np.float64, 1e6, dict(rtol=1e-3, atol=1e-6))],
)
def test_a_mean_far_from_zero(dtype, deviations, close):
    x = values((50, 1), 0, dtype=dtype)
    x = x / x.std() + dtype(deviations)

    def work(replica):
        y = nn.SyncBatchNorm(1, process_group=replica).to(dtype)(Tensor(np.split(x, 2)[replica.rank]))
        assert y.dtype == dtype
        return y.array

    exact = (x.astype(float) - x.astype(float).mean()) / np.sqrt(x.astype(float).var() + 1e-5)
    np.testing.assert_allclose(np.concatenate(together(thread_group(2), work)), exact, **close)


def test_sums_by_hand():
    group = thread_group(3)
    for _ in range(20):  # places are used again and again
        sums = together(group, lambda replica: replica.all_reduce(np.array([1.0, replica.rank])).tolist())
        assert sums == [[3, 3]] * 3
    assert [(replica.rank, replica.size) for replica in group] == [(0, 3), (1, 3), (2, 3)]


def test_what_cannot_be_added_up():
    shapes = [(2,), (3,)]

    def work(replica):
        with pytest.raises(RuntimeError, match=rf"replica {replica.rank} of 2 gave an array of shape"):
            replica.all_reduce(np.zeros(shapes[replica.rank]))

    together(thread_group(2), work)
    with pytest.raises(RuntimeError, match="has not come"):
        thread_group(2, timeout=0.01)[0].all_reduce(np.zeros(1))


def test_too_few_values():
    def work(replica):
        x = Tensor(np.zeros((1 - replica.rank, 2)))
        with pytest.raises(ValueError, match=r"more than 1 value per channel when training, got 1 in all 2 replicas"):
            nn.SyncBatchNorm(2, process_group=replica).double()(x)

    together(thread_group(2), work)


@pytest.mark.parametrize("fails_in", ["the layer", "its own work"])
def test_a_replica_that_fails_is_not_waited_for(fails_in):
    """Were the others not told, they would wait for 20 seconds."""
    def work(replica):
        layer = nn.SyncBatchNorm(2, process_group=replica).double()
        if fails_in == "the layer":
            return layer(Tensor(np.zeros((3, 2 + replica.rank))))
        with replica:
            if replica.rank == 1:
                raise OSError("no data")
            return layer(Tensor(np.zeros((3, 2))))

    start = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        first, second = [pool.submit(work, replica) for replica in thread_group(2, timeout=20)]
        with pytest.raises(RuntimeError, match="one of them failed"):
            first.result()
        with pytest.raises(OSError if fails_in == "its own work" else RuntimeError, match="no data|should contain 3"):
            second.result()
    assert time.monotonic() - start < 10
    with pytest.raises(ValueError, match="size must be at least 1, got 0"):
        thread_group(0)
