"""Which stretches of memory have to be written so that all tensors can be views of them again."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class View(NamedTuple):
    """A tensor as a checkpoint says it; offset and strides count elements."""

    storage: int
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Storages:
    """Memory that a list of arrays covers.

    Arrays that overlap share a storage, so they share memory again when they are loaded. Unlike torch, which writes the
    whole storage for a small view of it, only the stretch from the first to the last element in use is written.

    Attributes
    ----------
    flat : list of numpy.ndarray
        One flat array a storage.
    views : list of View
        One for each of the arrays.

    Raises
    ------
    RuntimeError
        If two arrays see the same memory as different dtypes.
    """

    def __init__(self, arrays: list[np.ndarray]) -> None:
        arrays = [_positive(array) for array in arrays]
        places = [_extent(array) for array in arrays]
        self.flat: list[np.ndarray] = []
        self.views: list[View] = [View(0, 0, (), ())] * len(arrays)
        for group in _overlapping(places):
            self._add([(i, arrays[i], *places[i]) for i in group])

    def _add(self, group: list[tuple[int, np.ndarray, int, int]]) -> None:
        """One storage for arrays that overlap; the first begins where the storage begins."""
        _, first, low, _ = group[0]
        itemsize = first.itemsize
        if any(array.dtype != first.dtype or (begin - low) % itemsize for _, array, begin, _ in group):
            raise RuntimeError("Cannot save multiple tensors or storages that view the same data as different types")
        high = max(end for *_, end in group)
        elements = (high - low) // itemsize
        # all of it lies in the one allocation that these arrays chain together
        flat = np.lib.stride_tricks.as_strided(first, (elements,), (itemsize,), writeable=False)
        for i, array, begin, _ in group:
            self.views[i] = View(len(self.flat), (begin - low) // itemsize, array.shape, _strides(array))
        self.flat.append(flat)


def _strides(array: np.ndarray) -> tuple[int, ...]:
    """In elements. NumPy leaves those of dimensions of size 1 to chance; a contiguous array gets torch's."""
    if not array.flags.c_contiguous:
        return tuple(step // array.itemsize for step in array.strides)
    strides = [1]
    for n in reversed(array.shape[1:]):
        strides.append(strides[-1] * max(n, 1))
    return tuple(reversed(strides)) if array.ndim else ()


def _positive(array: np.ndarray) -> np.ndarray:
    """The array, or a copy if torch could not say its strides, or its bytes come in the other order."""
    whole = all(step >= 0 and step % array.itemsize == 0 for step in array.strides)
    return array if whole and array.dtype.isnative else array.astype(array.dtype.newbyteorder("="), order="C")


def _extent(array: np.ndarray) -> tuple[int, int]:
    """The first byte, and the one after the last."""
    begin = array.__array_interface__["data"][0]
    if not array.size:
        return begin, begin
    return begin, begin + sum(
        (n - 1) * step for n, step in zip(array.shape, array.strides, strict=True)
    ) + array.itemsize


def _overlapping(places: list[tuple[int, int]]) -> list[list[int]]:
    """Groups of the indices of intervals that overlap, each sorted by where they begin; empty ones stay alone."""
    groups = [[i] for i, (begin, end) in enumerate(places) if begin == end]
    reached = -1
    for i in sorted((i for i, (begin, end) in enumerate(places) if begin < end), key=lambda i: places[i]):
        begin, end = places[i]
        if begin < reached:
            groups[-1].append(i)
        else:
            groups.append([i])
        reached = max(reached, end)
    return sorted(groups, key=min)
