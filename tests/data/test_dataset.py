"""Datasets and their combinations, each against torch's."""

import warnings

import numpy as np
import pytest
import torch
import torch.utils.data as theirs
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
import scratchnet.data as ours
from scratchnet import Tensor

NUMBERS = np.arange(12.0).reshape(6, 2)


def tensor_dataset(lib):
    make = Tensor if lib is ours else torch.from_numpy
    return lib.TensorDataset(make(NUMBERS.copy()), make(np.arange(6)))


def plain(x):
    """Nested samples with lists in place of tensors."""
    if isinstance(x, Tensor):
        return x.array.tolist()
    if isinstance(x, torch.Tensor):
        return x.tolist()
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    return type(x)(plain(v) for v in x) if isinstance(x, list | tuple) else x


def stream(lib, n):
    class Count(lib.IterableDataset):
        def __iter__(self):
            return iter(range(n))

        def __len__(self):
            return n

    return Count()


COMBINATIONS = {
    "tensors": tensor_dataset,
    "stack": lambda lib: lib.StackDataset(tensor_dataset(lib), range(6)),
    "stack by name": lambda lib: lib.StackDataset(a=range(6), b=tensor_dataset(lib)),
    "concat": lambda lib: lib.ConcatDataset([range(2), tensor_dataset(lib), range(3)]),
    "sum": lambda lib: tensor_dataset(lib) + tensor_dataset(lib),
    "subset": lambda lib: lib.Subset(tensor_dataset(lib), [5, 0, 0, 3]),
    "subset of subset": lambda lib: lib.Subset(lib.Subset(range(10), [9, 7, 5]), [2, 0]),
}


@pytest.mark.parametrize("make", COMBINATIONS.values(), ids=COMBINATIONS)
def test_combinations_are_torchs(make):
    a, b = make(ours), make(theirs)
    assert len(a) == len(b)
    for i in (*range(len(b)), -1):
        assert plain(a[i]) == plain(b[i])


@pytest.mark.parametrize("make", COMBINATIONS.values(), ids=COMBINATIONS)
def test_a_batch_at_once_is_what_samples_one_by_one_are(make):
    dataset = make(ours)
    indices = [1, 0, 1]
    if hasattr(dataset, "__getitems__"):
        assert plain(list(dataset.__getitems__(indices))) == plain([dataset[i] for i in indices])


def test_streams_are_chained():
    chain = stream(ours, 2) + stream(ours, 3)
    assert list(chain) == list(stream(theirs, 2) + stream(theirs, 3)) == [0, 1, 0, 1, 2]
    assert len(chain) == 5


def test_gradients_reach_the_tensors_of_a_dataset():
    x = Tensor(NUMBERS.copy(), requires_grad=True)
    dataset = ours.TensorDataset(x)
    dataset.__getitems__([1, 1, 3]).fields[0].sum().backward()
    np.testing.assert_array_equal(x.grad.array[:, 0], [0, 2, 0, 1, 0, 0])


@given(st.integers(0, 2**32), st.integers(1, 40), st.data())
def test_random_split_is_torchs(seed, n, data):
    if data.draw(st.booleans()):
        cut = data.draw(st.integers(0, n))
        lengths = [cut, n - cut]
    else:
        lengths = data.draw(st.sampled_from([[0.5, 0.5], [0.3, 0.3, 0.4], [0.05, 0.95], [1.0], [0.1] * 10]))
    parts = []
    for library, lib in ((scratchnet, ours), (torch, theirs)):
        library.manual_seed(seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            default = lib.random_split(range(n), lengths)
            own = lib.random_split(range(n), lengths, generator=library.Generator().manual_seed(seed))
        parts.append([list(part.indices) for part in (*default, *own)])
    assert parts[0] == parts[1]


def test_random_split_warns_of_an_empty_part():
    with pytest.warns(UserWarning, match="Length of split at index 0 is 0"):
        ours.random_split(range(3), [0.0, 1.0])


@pytest.mark.parametrize(
    "make",
    [
        lambda lib: lib.random_split(range(5), [2, 2]),
        lambda lib: lib.random_split(range(5), [1.5, -0.5]),
        lambda lib: lib.ConcatDataset([]),
        lambda lib: lib.ConcatDataset([stream(lib, 2)]),
        lambda lib: list(lib.ChainDataset([range(3)])),
        lambda lib: lib.StackDataset(),
        lambda lib: lib.StackDataset(range(2), range(3)),
        lambda lib: lib.StackDataset(range(2), a=range(2)),
        lambda lib: lib.ConcatDataset([range(3)])[-4],
        lambda lib: lib.Subset(range(3), [0, 7])[1],
        lambda lib: tensor_dataset(lib)[6],
        lambda lib: lib.Dataset()[0],
        lambda lib: type("Half", (lib.Subset,), {"__getitem__": lambda self, i: i})(range(3), [1]),
    ],
)
def test_refuses_what_torch_refuses(make):
    with pytest.raises(Exception) as expected:
        make(theirs)
    with pytest.raises(expected.type):
        make(ours)


@pytest.mark.parametrize("shapes", [[(2, 3), (3, 3)], [(2,), ()]])
def test_tensors_of_other_lengths_are_refused(shapes):
    with pytest.raises(AssertionError, match="size mismatch"):
        ours.TensorDataset(*[Tensor(np.zeros(shape)) for shape in shapes])
    with pytest.raises(AssertionError, match="at least one tensor"):
        ours.TensorDataset()
