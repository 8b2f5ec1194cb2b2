"""The zip format of `torch.save` (since 1.6): a pickle, and one record a storage.

archive/data.pkl      the structure; a tensor says (storage, offset, shape, strides)
archive/data/0 …      the storages, not compressed
archive/byteorder     'little' or 'big'; absent in old files, which are little
"""

from __future__ import annotations

import io
from typing import Any

from scratchnet.interop.allowed import Order, Storage, StorageType
from scratchnet.interop.archive import Archive
from scratchnet.interop.errors import CheckpointError
from scratchnet.interop.instructions import unpickle
from scratchnet.interop.machine import MOST_BYTES
from scratchnet.interop.structure import check_structure

_ORDERS: dict[bytes, Order] = {b"little": "<", b"big": ">"}


def pickle_prefix(archive: Archive) -> str | None:
    """The folder of `data.pkl` in the archive, with its slash; None if this is none of torch's files."""
    found = [name for name in archive.records if name.endswith("/data.pkl") and name.count("/") == 1]
    return found[0][: -len("data.pkl")] if len(found) == 1 else None


def load_zip(archive: Archive, prefix: str, verified: bool) -> Any:
    """The object in a zip checkpoint.

    Parameters
    ----------
    archive : Archive
    prefix : str
        Of the names of its records.
    verified : bool
        Whether to compare the checksums of the storages too, which reads all of them.
    """
    if f"{prefix}constants.pkl" in archive.records:
        raise CheckpointError("it is a TorchScript archive: a program, not a checkpoint; save its state_dict instead")
    if archive.find(f"{prefix}data.pkl").size > MOST_BYTES:
        raise CheckpointError(f"its pickle is larger than {MOST_BYTES} bytes")
    order = b"little"
    if f"{prefix}byteorder" in archive.records:
        order = archive.head(f"{prefix}byteorder", 20)
    if order not in _ORDERS:
        raise CheckpointError(f"Unknown endianness type: {order!a}")
    storages: dict[str, Storage] = {}

    def storage(identifier: Any) -> Storage:
        kind, key, elements = storage_identifier(identifier, 5)
        if key not in storages:
            data = archive.array(f"{prefix}data/{key}", verified)
            if elements * kind.stored.itemsize > len(data):
                raise CheckpointError(f"storage {key[:20]!a} declares {elements} elements, has {len(data)} bytes")
            storages[key] = Storage(kind, kind.decode(data[: elements * kind.stored.itemsize], _ORDERS[order]))
        return same_storage(storages[key], kind, elements)

    data = archive.read(f"{prefix}data.pkl")
    value = unpickle(io.BytesIO(data), len(data), storage)
    check_structure(value, most_shown(len(data)))
    return value


def most_shown(size: int) -> int:
    """How many objects a pickle of that many bytes may show to who walks its result."""
    return 1_000_000 + 16 * size


def storage_identifier(identifier: Any, length: int) -> tuple[StorageType, str, int]:
    """(type, key, number of elements) of ("storage", type, key, location, number, …); all locations are the CPU."""
    if type(identifier) is not tuple or len(identifier) != length:
        raise CheckpointError(f"a persistent identifier is {type(identifier).__name__}, expected {length} items")
    word, kind, key, _, elements = identifier[:5]
    if type(word) not in (str, bytes) or word not in ("storage", b"storage") or type(kind) is not StorageType:
        raise CheckpointError("a persistent identifier is no storage of a dtype that is known here")
    if type(key) is not str or type(elements) is not int or elements < 0:
        raise CheckpointError("a storage must have a string as its key and a number ≥ 0 of elements")
    return kind, key, elements


def same_storage(storage: Storage, kind: StorageType, elements: int) -> Storage:
    """`storage`, if it was first seen with the same type and number of elements."""
    if storage.kind.name != kind.name or storage.array.size != elements:
        raise CheckpointError(f"one storage is {storage.kind.name}[{storage.array.size}] and {kind.name}[{elements}]")
    return storage
