"""Formats that hold named arrays and no program: .safetensors and .npz."""

from __future__ import annotations

import io
import json
from math import prod
from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor
from scratchnet.interop.allowed import StorageType
from scratchnet.interop.archive import Archive
from scratchnet.interop.errors import CheckpointError
from scratchnet.interop.source import Source

_MOST_HEADER = 100 << 20
_SAFETENSORS = {
    "F64": ("f8",), "F32": ("f4",), "F16": ("f2",), "BF16": ("u2", "f4"), "I64": ("i8",), "I32": ("i4",),
    "I16": ("i2",), "I8": ("i1",), "U8": ("u1",), "BOOL": ("u1", "?"),
}  # fmt: skip


def load_safetensors(source: Source) -> dict[str, Tensor]:
    """A header in JSON with every tensor's dtype, shape and place, and then the numbers.

    length of the header (8 bytes) │ {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …} │ numbers
    """
    length = int.from_bytes(source.read(0, 8), "little")
    if length > _MOST_HEADER:
        raise CheckpointError(f"its header declares {length} bytes; at most {_MOST_HEADER} are read")
    header = json.loads(source.read(8, length), object_pairs_hook=_unique)
    header.pop("__metadata__", None)
    tensors, taken = {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        (begin, end), shape = entry["data_offsets"], entry["shape"]
        if entry["dtype"] not in _SAFETENSORS:
            raise CheckpointError(f"tensor {name[:100]!a} has dtype {entry['dtype']!a}, unknown here")
        kind = StorageType(entry["dtype"], *_SAFETENSORS[entry["dtype"]])
        if any(type(n) is not int or n < 0 for n in (begin, end, *shape)) or len(shape) > 64:
            raise CheckpointError(f"tensor {name[:100]!a} has a shape or a place that is none")
        if begin != taken or end - begin != prod(shape) * kind.stored.itemsize:
            raise CheckpointError(
                f"tensor {name[:100]!a} of shape {tuple(shape)} lies at bytes {begin} to {end}, expected "
                f"{taken} to {taken + prod(shape) * kind.stored.itemsize}"
            )
        taken = end
        tensors[name] = Tensor(kind.decode(source.array(8 + length + begin, end - begin)).reshape(shape))
    if 8 + length + taken != source.size:
        raise CheckpointError(f"its tensors end at byte {8 + length + taken}, the file at {source.size}")
    return {name: tensors[name] for name in header}


def load_npz(archive: Archive) -> dict[str, Any]:
    """Arrays of `numpy.savez` by name: numbers as Tensors, text as arrays. Nothing is unpickled."""
    return {name.removesuffix(".npy"): _read_array(archive.read(name)) for name in archive.records}


def _read_array(data: bytes) -> Any:
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise CheckpointError(f"an array has version {version} of the .npy format; 1.0 and 2.0 are read")
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read_header(stream)
    if dtype.hasobject or dtype.kind not in "fiubUS":
        raise CheckpointError(f"an array has dtype {str(dtype)[:50]!a}: objects would have to be unpickled")
    begin = stream.tell()
    if any(n < 0 for n in shape) or prod(shape) * dtype.itemsize != len(data) - begin:
        raise CheckpointError(f"an array declares shape {shape} of {dtype}, and has {len(data) - begin} bytes")
    flat = np.frombuffer(data, dtype, offset=begin) if len(data) > begin else np.empty(0, dtype)
    array = flat.astype(dtype.newbyteorder("=")).reshape(shape, order="F" if fortran else "C")
    return Tensor(array) if dtype.kind in "fiub" else array


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise CheckpointError("its header has a name twice")
    return dict(pairs)
