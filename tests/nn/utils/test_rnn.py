"""Packing and padding against torch, there and back, gradients, refusals."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet import Tensor
from scratchnet.nn.utils import rnn
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds

their = torch.nn.utils.rnn


@st.composite
def batches(draw, ordered=False):
    """Lengths of sequences, their trailing shape, a seed."""
    lengths = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    lengths = sorted(lengths, reverse=True) if ordered else lengths
    return lengths, draw(st.sampled_from([(), (2,), (2, 1)])), draw(seeds())


def sequences_of(batch):
    lengths, rest, seed = batch
    return [values((n, *rest), seed + i) for i, n in enumerate(lengths)]


@given(batches(), st.booleans(), st.sampled_from(["right", "left"]), st.sampled_from([0.0, -1.5]))
def test_pad_sequence(batch, batch_first, side, value):
    check_against_torch(
        rnn.pad_sequence, sequences_of(batch), batch_first, value, side, torch_fn=their.pad_sequence
    )


@given(batches(), st.booleans(), st.integers(0, 2))
def test_pack_and_pad_again(batch, batch_first, spare):
    """Packed fields, padded again, lengths; the gradient goes to what is no padding."""
    lengths, rest, seed = batch
    shape = (len(lengths), max(lengths) + spare) if batch_first else (max(lengths) + spare, len(lengths))

    def call(module):
        def pack(x):
            packed = module.pack_padded_sequence(x, lengths, batch_first, enforce_sorted=False)
            padded = module.pad_packed_sequence(packed, batch_first, 2.5, max(lengths) + 1)
            return packed.data, packed.batch_sizes, packed.unsorted_indices, *padded

        return pack

    check_against_torch(call(rnn), values((*shape, *rest), seed), torch_fn=call(their))


@given(batches(ordered=True))
def test_pack_sequence_in_order(batch):
    def call(module):
        return lambda xs: tuple(v for v in module.pack_sequence(xs) if v is not None)

    check_against_torch(call(rnn), sequences_of(batch), torch_fn=call(their))


@given(batches())
def test_there_and_back(batch):
    xs = [Tensor(x) for x in sequences_of(batch)]
    for one, other in zip(rnn.unpack_sequence(rnn.pack_sequence(xs, enforce_sorted=False)), xs, strict=True):
        assert np.array_equal(one.array, other.array)
    for first in (False, True):
        padded = rnn.pad_sequence(xs, first)
        shape = padded.shape
        for one, other in zip(rnn.unpad_sequence(padded, batch[0], first), xs, strict=True):
            assert np.array_equal(one.array, other.array)
        assert padded.shape == shape


@given(batches())
def test_gradients(batch):
    def pack(*xs):
        packed = rnn.pack_sequence(xs, enforce_sorted=False)
        return rnn.pad_packed_sequence(packed)[0] ** 2 * 0.5 + rnn.pad_sequence(xs)

    check_gradient(pack, *sequences_of(batch))


def test_an_example_by_hand():
    a, b, c = (Tensor(np.array(v)) for v in ([1, 2, 3], [4, 5], [6]))
    packed = rnn.pack_sequence([a, b, c])
    assert packed.data.tolist() == [1, 4, 6, 2, 5, 3] and packed.batch_sizes.tolist() == [3, 2, 1]
    assert packed.sorted_indices is None
    packed = rnn.pack_sequence([c, a], enforce_sorted=False)
    assert packed.sorted_indices.tolist() == [1, 0] and packed.data.tolist() == [1, 6, 2, 3]
    assert [s.tolist() for s in rnn.unpack_sequence(packed)] == [[6], [1, 2, 3]]


X = np.ones((3, 2, 4), np.float32)


@pytest.mark.parametrize(
    "args",
    [
        (X, [3, 2]),
        (X, [2, 3]),
        (X, [3]),
        (X, [3, 0]),
        (X, [3, 2], True),
        (X[:, :0], []),
        (X, [-1, -2]),
        (X, np.array([3, 2])),
        (X[0, 0], [1, 1, 1, 1]),
    ],
)
def test_packing_refuses_what_torch_refuses(args):
    def call(module):
        return lambda *a: module.pack_padded_sequence(*a)[:2]

    check_against_torch(call(rnn), *args, torch_fn=call(their), grad=False)


@pytest.mark.parametrize(
    "args", [([],), (3,), ([X, X[:, :1]],), ([X, X], False, 0.0, "middle"), ([X[0], X[0, :1].astype(np.float64)],)]
)
def test_padding_refuses_what_torch_refuses(args):
    check_against_torch(rnn.pad_sequence, *args, torch_fn=their.pad_sequence, grad=False)


def test_a_total_length_that_is_too_short():
    for module, x in ((rnn, scratchnet.ones(3)), (their, torch.ones(3))):
        with pytest.raises(ValueError, match="total_length"):
            module.pad_packed_sequence(module.pack_sequence([x]), total_length=2)


def test_a_length_beyond_the_input():
    """torch makes a PackedSequence whose batch_sizes do not fit its data; this refuses."""
    with pytest.raises(RuntimeError, match="a length is 4, but the input has 3 steps"):
        rnn.pack_padded_sequence(Tensor(X), [4, 3])


def test_fields_and_conversions():
    packed = rnn.pack_sequence([scratchnet.ones(2), scratchnet.ones(1)])
    assert packed._fields == their.PackedSequence._fields
    data, batch_sizes, *indices = packed
    assert data is packed.data and batch_sizes is packed.batch_sizes and indices == [None, None]
    for name in ("double", "float", "half", "long", "int", "short", "char", "byte"):
        converted = getattr(packed, name)()
        assert isinstance(converted, rnn.PackedSequence)
        assert str(converted.data.dtype) == str(getattr(torch.ones(1), name)().dtype).removeprefix("torch.")
    assert packed.to(scratchnet.float32) is packed and packed.cpu() is packed
    assert not packed.is_cuda and not packed.is_pinned()
    twice = rnn.PackedSequence((data, batch_sizes))
    assert twice.data is data and twice.batch_sizes is batch_sizes
    with pytest.raises(AssertionError):
        rnn.PackedSequence(data)
