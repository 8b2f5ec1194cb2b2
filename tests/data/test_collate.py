"""default_collate and default_convert against torch's: structure, values and dtypes."""

from collections import OrderedDict, namedtuple

import numpy as np
import pytest
import torch
import torch.utils.data as theirs

import scratchnet.data as ours
from scratchnet import Tensor
from scratchnet.data.collate import Stacked

Point = namedtuple("Point", "x y")
T = "tensor"  # stands for a tensor of either library in the samples below


def make(sample, tensor):
    """The sample with (T, array) replaced by a tensor."""
    if isinstance(sample, tuple) and sample and sample[0] is T:
        return tensor(sample[1])
    if isinstance(sample, dict):
        return type(sample)((k, make(v, tensor)) for k, v in sample.items())
    if isinstance(sample, Point):
        return Point(*(make(v, tensor) for v in sample))
    if isinstance(sample, list | tuple):
        return type(sample)(make(v, tensor) for v in sample)
    return sample


def describe(x):
    """Structure with (dtype, shape, values) in place of tensors, to be compared across libraries."""
    if isinstance(x, Tensor | torch.Tensor):
        array = x.array if isinstance(x, Tensor) else x.numpy()
        return (str(array.dtype), array.shape, array.tolist())
    if isinstance(x, dict):
        return type(x), {k: describe(v) for k, v in x.items()}
    return (type(x), [describe(v) for v in x]) if isinstance(x, list | tuple) else x


A, B = np.float32([[1, 2]]), np.float32([[3, 4]])
BATCHES = {
    "tensors": [(T, A), (T, B)],
    "arrays": [A, B],
    "0-d arrays": [np.array(3.0), np.array(4.0)],
    "numpy numbers": [np.int16(3), np.int16(4)],
    "numpy bools": [np.bool_(True), np.bool_(False)],
    "floats": [1.5, 2],
    "ints": [1, 2],
    "an int and a float": [1, 2.5],
    "bools": [True, False],
    "strings": ["a", "bc"],
    "bytes": [b"a", b"b"],
    "tuples": [(1, (T, A)), (2, (T, B))],
    "lists": [[1, 2.5], [3, 4.5]],
    "namedtuples": [Point(1, 2.0), Point(3, 4.0)],
    "dicts": [{"x": A, "y": ["s", 1]}, {"x": B, "y": ["t", 2]}],
    "ordered": [OrderedDict(a=1, b=(T, A)), OrderedDict(a=2, b=(T, B))],
    "nested": [((1, [A]), {"k": Point("s", 0.5)}), ((2, [B]), {"k": Point("t", 1.5)})],
    "ranges": [range(2), range(2, 4)],
}


@pytest.mark.parametrize("batch", BATCHES.values(), ids=BATCHES)
def test_collate_is_torchs(batch):
    a = ours.default_collate([make(s, Tensor) for s in batch])
    b = theirs.default_collate([make(s, torch.from_numpy) for s in batch])
    assert describe(a) == describe(b)


@pytest.mark.parametrize("batch", BATCHES.values(), ids=BATCHES)
def test_convert_is_torchs(batch):
    a, b = ours.default_convert(make(batch, Tensor)), theirs.default_convert(make(batch, torch.from_numpy))
    assert describe(a) == describe(b)


@pytest.mark.parametrize(
    "batch",
    [
        [object(), object()],
        [None],
        [np.array(["a"])],
        [np.array([None])],
        [[1, 2], [1]],
        [A, A[0]],
        [{"a": 1}, {"b": 2}],
        [(T, A), (T, A[0])],
    ],
)
def test_refuses_what_torch_refuses(batch):
    with pytest.raises(Exception) as expected:
        theirs.default_collate([make(s, torch.from_numpy) for s in batch])
    with pytest.raises(expected.type):
        ours.default_collate([make(s, Tensor) for s in batch])


@pytest.mark.parametrize("batch", [[1.5, None], [1, None], [True, None], [1, "a"], [1.5, "a"], [1, (2,)]])
def test_what_is_missing_becomes_no_nan_and_no_object(batch):
    for library in (ours, theirs):
        with pytest.raises((RuntimeError, TypeError, ValueError)):
            library.default_collate(batch)


def test_stacked_samples_are_a_sequence_of_samples():
    samples = Stacked([Tensor(np.arange(6.0).reshape(3, 2)), Tensor(np.arange(3))])
    assert len(samples) == 3
    assert [int(label.array) for _, label in samples] == [0, 1, 2]
    assert samples[-1][0].array.tolist() == [4, 5]
    assert len(samples[1:]) == 2
    with pytest.raises(IndexError):
        samples[3]
    assert describe(ours.default_collate(list(samples))) == describe(ours.default_collate(samples))
