"""The stream that `torch.save` wrote before 1.6, and many published files still are.

    pickle: magic number │ pickle: protocol 1001 │ pickle: about the machine │ pickle: the object │ pickle: keys of the
    storages │ for each key: number of elements (8 bytes), elements

Numbers are little-endian whatever machine wrote them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from scratchnet.interop.allowed import Storage
from scratchnet.interop.errors import CheckpointError
from scratchnet.interop.instructions import unpickle
from scratchnet.interop.source import Source
from scratchnet.interop.structure import check_structure
from scratchnet.interop.torch_zip import most_shown, same_storage, storage_identifier

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001


def load_legacy(source: Source) -> Any:
    """The object in a checkpoint of the legacy format."""
    source.file.seek(source.start)
    magic = _next(source)
    if type(magic) is not int or magic != MAGIC_NUMBER:
        raise CheckpointError("Invalid magic number; it is a pickle, but not one that torch.save wrote")
    protocol = _next(source)
    if type(protocol) is not int or protocol != PROTOCOL:
        raise CheckpointError(f"Invalid protocol version: {ascii(protocol)[:20]}, expected {PROTOCOL}")
    _next(source)
    storages = _Storages(source.size)
    begin = source.file.tell()
    value = _next(source, storages.find)
    check_structure(value, most_shown(source.file.tell() - begin))
    keys = _next(source)
    if type(keys) is not list or not all(type(key) is str for key in keys) or set(keys) != set(storages.roots):
        raise CheckpointError("the storages that follow are not those that the tensors name")
    at = source.file.tell() - source.start
    for key in keys:
        at = _fill(storages.roots[key], source, at)
    return value


def _next(source: Source, persistent: Callable[[Any], Any] | None = None) -> Any:
    """The object of the next pickle in the stream."""
    return unpickle(source.file, source.start + source.size - source.file.tell(), persistent)


class _Storages:
    """Storages that tensors can be views of before their numbers are read."""

    def __init__(self, most_bytes: int) -> None:
        self.left = most_bytes
        self.roots: dict[str, Storage] = {}
        self.views: dict[tuple[str, int, int], Storage] = {}

    def find(self, identifier: Any) -> Storage:
        kind, key, elements = storage_identifier(identifier, 6)
        if key not in self.roots:
            self.left -= elements * kind.stored.itemsize
            if self.left < 0:
                raise CheckpointError(f"the storages, with one of {elements} elements, are larger than the file")
            self.roots[key] = Storage(kind, np.empty(elements, kind.dtype))
        root = same_storage(self.roots[key], kind, elements)
        view = identifier[5]
        return root if view is None else self._view(key, root, view)

    def _view(self, key: str, root: Storage, view: Any) -> Storage:
        """A part of a storage that was a storage of its own: (its key, offset, number of elements)."""
        if type(view) is not tuple or len(view) != 3 or any(type(n) is not int or n < 0 for n in view[1:]):
            raise CheckpointError("a view of a storage must be a key, an offset and a number of elements")
        _, offset, elements = view
        if offset + elements > root.array.size:
            raise CheckpointError(f"a view reaches element {offset + elements} of a storage of {root.array.size}")
        place = (key, offset, elements)
        if place not in self.views:
            self.views[place] = Storage(root.kind, root.array[offset : offset + elements])
        return self.views[place]


def _fill(storage: Storage, source: Source, at: int) -> int:
    """Read a storage's numbers; where the next begins."""
    elements = int.from_bytes(source.read(at, 8), "little", signed=True)
    if elements != storage.array.size:
        raise CheckpointError(f"a storage has {elements} elements where its tensors need {storage.array.size}")
    kind, at = storage.kind, at + 8
    if kind.stored == kind.dtype:
        source.read_into(at, storage.array)
        if sys.byteorder == "big":
            storage.array.byteswap(inplace=True)
    else:
        storage.array[...] = kind.decode(source.array(at, elements * kind.stored.itemsize))
    return at + elements * kind.stored.itemsize
