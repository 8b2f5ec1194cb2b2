"""From a list of samples to a batch: the same nested structure, with Tensors of one more dimension."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from scratchnet import ops
from scratchnet.autograd import Tensor


class Stacked(Sequence):
    """Samples that are already stacked: field k of sample i is `fields[k][i]`.

    What `TensorDataset.__getitems__` returns: a sequence of samples for any `collate_fn`, and a finished
    batch for `default_collate`, so that a batch costs one indexing operation a tensor instead of one a
    sample.
    """

    def __init__(self, fields: Sequence[Any]) -> None:
        self.fields = list(fields)

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return [self[k] for k in range(len(self))[i]]
        if not -len(self) <= i < len(self):
            raise IndexError(f"sample {i} of {len(self)}")
        return tuple(field[i] for field in self.fields)

    def __len__(self) -> int:
        return len(self.fields[0])

    def __iter__(self) -> Iterator[tuple]:
        return zip(*self.fields)


def default_collate(batch: Any) -> Any:
    """Stack the samples of a batch, descending into tuples, lists and dicts.

    Tensors, arrays and numbers become Tensors with a new first dimension (a float gives float64, an int
    int64); strings stay a list; a tuple of samples gives a list, a namedtuple a namedtuple, a mapping the
    same kind of mapping.

    Raises
    ------
    RuntimeError
        If samples differ in shape or in length, or one is missing (None).
    TypeError
        For anything else, strings in arrays included.
    """
    if isinstance(batch, Stacked):
        return batch.fields
    first = batch[0]
    if isinstance(first, Tensor):
        return ops.stack(list(batch), 0)
    if isinstance(first, np.ndarray | np.generic) and not isinstance(first, np.str_ | np.bytes_):
        return Tensor(_stack_arrays(batch))
    if isinstance(first, float | int):  # bool too
        return ops.tensor(list(batch), dtype=np.float64 if isinstance(first, float) else None)
    if isinstance(first, str | bytes):
        return batch
    if isinstance(first, Mapping):
        return _rebuild(first, {key: default_collate([sample[key] for sample in batch]) for key in first})
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError(
                "each element in list of batch should be of equal size, "
                f"got lengths {sorted({len(sample) for sample in batch})}"
            )
        fields = [default_collate(samples) for samples in zip(*batch)]
        if isinstance(first, tuple):
            return type(first)(*fields) if hasattr(first, "_fields") else fields
        return _rebuild(first, fields)
    raise TypeError(_unsupported(type(first)))


def default_convert(data: Any) -> Any:
    """Arrays and NumPy numbers become Tensors, in any nesting; everything else stays."""
    if isinstance(data, Tensor | str | bytes):
        return data
    if isinstance(data, np.ndarray | np.generic):
        return data if data.dtype.kind in "SUO" else Tensor(np.asarray(data))
    if isinstance(data, Mapping):
        return _rebuild(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, tuple):
        fields = [default_convert(value) for value in data]
        return type(data)(*fields) if hasattr(data, "_fields") else fields
    if isinstance(data, Sequence):
        return _rebuild(data, [default_convert(value) for value in data])
    return data


def _stack_arrays(arrays: Sequence[Any]) -> np.ndarray:
    arrays = [np.asarray(a) for a in arrays]
    if arrays[0].dtype.kind in "SUO":
        raise TypeError(_unsupported(arrays[0].dtype))
    shapes = {a.shape for a in arrays}
    if len(shapes) > 1:
        raise RuntimeError(f"default_collate: expected samples of equal shape, got {sorted(shapes)}")
    return np.stack(arrays)


def _rebuild(like: Any, content: Any) -> Any:
    """`content` in a container of the type of `like` if that can be made, else as it is."""
    try:
        if isinstance(like, MutableMapping):
            twin: Any = copy.copy(like)  # keeps what a subclass carries beside its items
            twin.update(content)
            return twin
        if isinstance(like, MutableSequence):
            twin = copy.copy(like)
            for i, value in enumerate(content):
                twin[i] = value
            return twin
        return type(like)(content)
    except TypeError:
        return content


def _unsupported(kind: Any) -> str:
    return f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {kind}"
