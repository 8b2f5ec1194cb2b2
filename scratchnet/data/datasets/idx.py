"""The IDX format of the MNIST files: http://yann.lecun.com/exdb/mnist

offset 0   two zero bytes, the code of the dtype, the number of dimensions
       4   the size of each dimension, big-endian 32-bit
       …   the numbers, big-endian, last dimension fastest
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | Path, ndim: int | None = None) -> np.ndarray:
    """The array of an IDX file, gzipped or not, in native byte order.

    Parameters
    ----------
    ndim : int, optional
        The number of dimensions it must have.

    Raises
    ------
    ValueError
        If the file is not IDX, is truncated or too long, or has other dimensions.
    """
    path = Path(path)
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{path}: the gzip file is damaged or truncated ({error})") from error
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _DTYPES:
        raise ValueError(
            f"{path} is no IDX file: it begins with the bytes '{data[:4].hex(' ')}', expected '00 00 08 0N'"
        )
    dtype, found = np.dtype(_DTYPES[data[2]]), data[3]
    if ndim is not None and found != ndim:
        raise ValueError(
            f"{path} holds an array of {found} dimensions, expected {ndim}: are images and labels mixed up?"
        )
    start = 4 + 4 * found
    if len(data) < start:
        raise ValueError(f"{path} is truncated: {len(data)} bytes, its header alone has {start}")
    shape = struct.unpack(f">{found}I", data[4:start])
    expected = start + math.prod(shape) * dtype.itemsize
    if len(data) != expected:
        what = "is truncated" if len(data) < expected else "is longer than its header says"
        raise ValueError(f"{path} {what}: shape {shape} needs {expected:,} bytes, there are {len(data):,}")
    return np.frombuffer(data, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))


def write_idx(path: str | Path, array: np.ndarray) -> None:
    """Write an array as an IDX file, gzipped if the name ends in .gz."""
    dtype = array.dtype.newbyteorder(">")
    codes = {np.dtype(name): code for code, name in _DTYPES.items()}
    if dtype not in codes:
        raise ValueError(f"write_idx: an IDX file cannot hold {array.dtype}")
    header = struct.pack(f">HBB{array.ndim}I", 0, codes[dtype], array.ndim, *array.shape)
    data = header + array.astype(dtype).tobytes()
    Path(path).write_bytes(gzip.compress(data, mtime=0) if str(path).endswith(".gz") else data)
