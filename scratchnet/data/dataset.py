"""Collections of samples, by index (`Dataset`) or one after the other (`IterableDataset`), and combinations.

A Dataset may define `__getitems__(indices)` beside `__getitem__`: the DataLoader then asks for a whole batch
at once.
"""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from scratchnet import random
from scratchnet.autograd import Tensor
from scratchnet.data.collate import Stacked


class Dataset:
    """Base class of collections with `__getitem__(index)` and `__len__()`."""

    def __class_getitem__(cls, item: Any) -> type:  # Dataset[int] in type hints, as in torch
        return cls

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__")

    def __add__(self, other: Dataset) -> ConcatDataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset):
    """Base class of streams: samples come from `__iter__()`.

    Each worker of a DataLoader iterates; `get_worker_info()` tells it which share to give.
    """

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} must define __iter__")

    def __add__(self, other: Dataset) -> Any:
        return ChainDataset([self, other])


class TensorDataset(Dataset):
    """Sample i is the tuple of the i-th rows of all tensors.

    Parameters
    ----------
    *tensors : Tensor [n, …]
        At least one; the first sizes agree.

    Raises
    ------
    AssertionError
        If the first sizes differ (torch's type for it).
    """

    def __init__(self, *tensors: Tensor) -> None:
        if not tensors:
            raise AssertionError("TensorDataset: expected at least one tensor")
        for t in tensors:
            if not isinstance(t, Tensor):
                raise TypeError(f"TensorDataset: expected Tensors, got {type(t).__name__}")
        sizes = [t.array.shape[:1] for t in tensors]
        if any(size != sizes[0] for size in sizes) or sizes[0] == ():
            raise AssertionError(
                f"TensorDataset: size mismatch between tensors of shapes {[t.array.shape for t in tensors]}"
            )
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(t[index] for t in self.tensors)

    def __getitems__(self, indices: Sequence[int]) -> Stacked:
        rows = np.asarray(indices, dtype=np.intp)
        return Stacked([t[rows] if t.requires_grad else Tensor(t.array[rows]) for t in self.tensors])

    def __len__(self) -> int:
        return self.tensors[0].array.shape[0]


class StackDataset(Dataset):
    """Sample i is the tuple (or, by keyword, the dict) of the i-th samples of all datasets."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if bool(args) == bool(kwargs):
            raise ValueError("StackDataset: expected datasets either by position or by keyword, at least one")
        parts = args or tuple(kwargs.values())
        if any(len(part) != len(parts[0]) for part in parts):
            raise ValueError(f"StackDataset: size mismatch between datasets of lengths {[len(part) for part in parts]}")
        self.datasets: Any = args or kwargs
        self._length = len(parts[0])

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {key: dataset[index] for key, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset):
    """One dataset after the other."""

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("ConcatDataset: datasets should not be an empty iterable")
        if any(isinstance(d, IterableDataset) for d in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset")
        self.cumulative_sizes = list(itertools.accumulate(len(d) for d in self.datasets))

    def __getitem__(self, index: int) -> Any:
        if index < 0:
            if -index > len(self):
                raise ValueError(f"ConcatDataset: absolute value of index {index} exceeds the length {len(self)}")
            index += len(self)
        part = bisect.bisect_right(self.cumulative_sizes, index)
        before = self.cumulative_sizes[part - 1] if part else 0
        return self.datasets[part][index - before]

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]


class ChainDataset(IterableDataset):
    """One stream after the other."""

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def _checked(self) -> Iterator[IterableDataset]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise AssertionError(f"ChainDataset only supports IterableDataset, got {type(dataset).__name__}")
            yield dataset

    def __iter__(self) -> Iterator[Any]:
        for dataset in self._checked():
            yield from dataset

    def __len__(self) -> int:
        return sum(map(len, self._checked()))  # type: ignore[arg-type]


class Subset(Dataset):
    """The samples of a dataset at the indices given."""

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        cls = type(self)
        if cls.__getitem__ is not Subset.__getitem__ and cls.__getitems__ is Subset.__getitems__:
            raise NotImplementedError(
                f"{cls.__name__} overrides __getitem__ but not __getitems__, which the DataLoader calls: "
                "override it too, e.g. `return [self[i] for i in indices]`"
            )
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: Sequence[int]) -> Any:
        return fetch(self.dataset, [self.indices[i] for i in indices])

    def __len__(self) -> int:
        return len(self.indices)


def fetch(dataset: Any, indices: Sequence[int]) -> Any:
    """Several samples: through `__getitems__` if the dataset has it."""
    if callable(getattr(dataset, "__getitems__", None)):
        return dataset.__getitems__(indices)
    return [dataset[i] for i in indices]


def random_split(dataset: Any, lengths: Sequence[float], generator: random.Generator | None = None) -> list[Subset]:
    """Distribute the samples of a dataset at random over subsets of the lengths given.

    Parameters
    ----------
    lengths : sequence of int, or of float
        Lengths that add up to `len(dataset)`, or fractions that add up to 1: then the lengths are rounded
        down, and what is left is handed out one by one from the first subset on.
    generator : Generator, optional
        Draws the permutation; the default one if not given.
    """
    total = len(dataset)
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        for i, fraction in enumerate(lengths):
            if not 0 <= fraction <= 1:
                raise ValueError(f"random_split: fraction at index {i} is not between 0 and 1, got {fraction}")
        floors = [math.floor(total * fraction) for fraction in lengths]
        left = total - sum(floors)
        lengths = [n + left // len(floors) + (i < left % len(floors)) for i, n in enumerate(floors)]
        for i, n in enumerate(lengths):
            if n == 0:
                warnings.warn(
                    f"Length of split at index {i} is 0. This might result in an empty dataset.", stacklevel=2
                )
    if sum(lengths) != total:
        raise ValueError(
            f"random_split: sum of lengths {sum(lengths)} does not equal the length of the dataset, {total}"
        )
    order = (generator or random.default_generator).randperm(total).tolist()
    ends = itertools.accumulate(lengths)
    return [Subset(dataset, order[int(end - n) : int(end)]) for end, n in zip(ends, lengths)]
