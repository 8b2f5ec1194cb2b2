"""Formats that hold named arrays and no program: .safetensors and .npz."""

from __future__ import annotations

import io
import tokenize
import warnings
from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor
from scratchnet.interop.allowed import StorageType
from scratchnet.interop.archive import Archive
from scratchnet.interop.errors import CheckpointError
from scratchnet.interop.source import Source

# What NumPy raises for a header that is not one: it is parsed as Python's literals, and once more as those of Python 2.
_NO_HEADER = (ValueError, TypeError, IndexError, SyntaxError, RecursionError, MemoryError, tokenize.TokenError)
_MOST_HEADER = 1 << 16  # NumPy itself refuses one of more than 10,000 letters
# its name of a dtype: how the numbers are stored, and, where that differs, what they become
SAFETENSORS = {
    "F64": ("f8",), "F32": ("f4",), "F16": ("f2",), "BF16": ("u2", "f4"), "I64": ("i8",), "I32": ("i4",),
    "I16": ("i2",), "I8": ("i1",), "U8": ("u1",), "BOOL": ("u1", "?"),
}  # fmt: skip


def load_safetensors(source: Source, path: Any = None) -> dict[str, Tensor]:
    """The tensors of a .safetensors file by name, in the order of their bytes.

    The safetensors package reads and checks the header: the tensors lie one after the other, without a gap, from its
    end to the end of the file. The numbers come from `source`, which can map them as any dtype; the package knows
    bfloat16 only together with frameworks.

    Parameters
    ----------
    source : Source
    path : path, optional
        Of the same file. Without it, all is read at once.

    Raises
    ------
    ImportError
        If safetensors is not installed.
    CheckpointError
    """
    try:
        import safetensors
    except ImportError as error:
        raise ImportError(".safetensors is read by the package safetensors: pip install 'scratchnet[cli]'") from error
    entries = _in_memory(safetensors, source) if path is None else _in_file(safetensors, source, path)
    try:
        return {
            name: Tensor(_storage_type(name, dtype).decode(data).reshape(shape)) for name, dtype, shape, data in entries
        }
    except safetensors.SafetensorError as error:
        raise CheckpointError(f"safetensors refuses it: {error}") from error


def _in_memory(safetensors: Any, source: Source) -> Iterator[tuple[str, str, list[int], np.ndarray]]:
    for name, entry in safetensors.deserialize(source.read(0, source.size)):
        yield name, entry["dtype"], entry["shape"], np.frombuffer(entry["data"], np.uint8)


def _in_file(safetensors: Any, source: Source, path: Any) -> Iterator[tuple[str, str, list[int], np.ndarray]]:
    with safetensors.safe_open(path, "np") as file:
        at = 8 + int.from_bytes(source.read(0, 8), "little")
        for name in file.offset_keys():
            entry = file.get_slice(name)
            dtype, shape = entry.get_dtype(), entry.get_shape()
            size = prod(shape) * _storage_type(name, dtype).stored.itemsize
            yield name, dtype, shape, source.array(at, size)
            at += size


def _storage_type(name: str, dtype: str) -> StorageType:
    if dtype not in SAFETENSORS:
        raise CheckpointError(f"tensor {name[:100]!a} has dtype {dtype!a}, unknown here")
    return StorageType(dtype, *SAFETENSORS[dtype])


def load_npz(archive: Archive, verified: bool = True) -> dict[str, Any]:
    """Arrays of `numpy.savez` by name: numbers as Tensors, text as arrays. Nothing is unpickled.

    Numbers that are not compressed and stand at a multiple of their size can stay in a mapped file; others are copied,
    because compiled loops want them there.
    """
    return {name.removesuffix(".npy"): _read_array(archive, name, verified) for name in archive.records}


def _read_array(archive: Archive, name: str, verified: bool) -> Any:
    size = archive.find(name).size
    shape, fortran, dtype, begin = _read_header(archive.head(name, min(size, _MOST_HEADER)))
    if any(n < 0 for n in shape) or prod(shape) * dtype.itemsize != size - begin:
        raise CheckpointError(f"an array declares shape {shape} of {dtype}, and has {size - begin} bytes")
    flat = archive.array(name, verified, begin, dtype.alignment, packed=True).view(dtype)
    if dtype.kind == "b":  # a byte other than 0 and 1 would be neither True nor False
        flat = flat.view(np.uint8) != 0
    array = flat.astype(dtype.newbyteorder("="), copy=False).reshape(shape, order="F" if fortran else "C")
    return Tensor(array) if dtype.kind in "fiub" else array


def _read_header(head: bytes) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Shape, whether in Fortran's order, dtype, and where the numbers begin."""
    stream = io.BytesIO(head)
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise CheckpointError(f"an array has version {version} of the .npy format; 1.0 and 2.0 are read")
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    try:
        with warnings.catch_warnings():  # of old names of dtypes, and headers that Python 2 wrote
            warnings.simplefilter("ignore")
            shape, fortran, dtype = read_header(stream)
    except _NO_HEADER as error:
        raise CheckpointError(f"an array has no header of the .npy format ({type(error).__name__}: {error})") from error
    if dtype.hasobject:
        raise CheckpointError(f"an array has dtype {str(dtype)[:50]!a}: objects would have to be unpickled")
    if dtype.kind not in "fiubUS" or (dtype.kind == "f" and dtype.itemsize > 8):
        raise CheckpointError(f"an array has dtype {str(dtype)[:50]!a}, which no tensor has here")
    return shape, fortran, dtype, stream.tell()
