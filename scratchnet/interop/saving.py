"""`save`: a checkpoint that `torch.load(weights_only=True)` reads."""

from __future__ import annotations

import os
import struct
import sys
import zipfile
from collections.abc import Iterable
from typing import Any, BinaryIO

import numpy as np

from scratchnet.interop.pickling import Pickler

_ALIGNMENT = 64  # of each record, as torch's: a mapped storage is then aligned for any vector instruction
_CHUNK = 1 << 24
_ZIP64_FROM = 1 << 30


def save(obj: Any, f: str | os.PathLike | BinaryIO) -> None:
    """Write nested dicts, lists, tuples and sets of Tensors, numbers, strings, dtypes and None, as `torch.save` would.

    A file of that name is replaced when the new one is complete: a full disk or a kill leaves the old one. Tensors that
    share memory share it again when they are loaded; of a view only the memory it uses is written.

    Parameters
    ----------
    obj : object
        Modules and optimizers are saved as their `state_dict()`.
    f : path or binary file

    Raises
    ------
    TypeError
        If something else is in it; names the place.
    ValueError
        If it contains itself, or is nested too deep.
    RuntimeError
        If two tensors see the same memory as different dtypes.

    Examples
    --------
    >>> import io, scratchnet
    >>> file = io.BytesIO()
    >>> net = scratchnet.nn.Linear(2, 1)
    >>> scratchnet.save(net.state_dict(), file)
    >>> _ = file.seek(0)
    >>> net.load_state_dict(scratchnet.load(file))
    <All keys matched successfully>
    """
    pickler = Pickler(obj)
    if isinstance(f, str | os.PathLike):
        from scratchnet.training.files import replacing

        with replacing(os.fspath(f)) as file:
            _write(file, pickler)
    elif hasattr(f, "write"):
        _write(f, pickler)
    else:
        raise AttributeError(f"save: expected a path or a file that can be written, got {type(f).__name__}")


def _write(file: Any, pickler: Pickler) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        _record(archive, "data.pkl", bytes(pickler.out))
        _record(archive, ".format_version", b"1")
        _record(archive, ".storage_alignment", str(_ALIGNMENT).encode())
        _record(archive, "byteorder", sys.byteorder.encode())
        for key, flat in enumerate(pickler.flat):
            _record(archive, f"data/{key}", flat)
        _record(archive, "version", b"3\n")


def _record(archive: zipfile.ZipFile, name: str, data: bytes | np.ndarray) -> None:
    """One entry, whose data begin at a multiple of 64 bytes."""
    info = zipfile.ZipInfo(f"archive/{name}")
    info.file_size = size = data.nbytes if isinstance(data, np.ndarray) else len(data)
    wide = size >= _ZIP64_FROM
    header = 30 + len(info.filename) + 4 + (20 if wide else 0)
    assert archive.fp is not None  # only once it is closed
    padding = -(archive.fp.tell() + header) % _ALIGNMENT
    info.extra = b"FB" + struct.pack("<H", padding) + b"Z" * padding
    with archive.open(info, "w", force_zip64=wide) as member:
        for chunk in _chunks(data):
            member.write(chunk)
    info.extra = b""  # the directory needs no padding


def _chunks(data: bytes | np.ndarray) -> Iterable[Any]:
    """A large storage in pieces of some MB, so that it is never in memory twice."""
    if isinstance(data, bytes):
        return (data,)
    step = _CHUNK // data.itemsize
    return (data[at : at + step].tobytes() for at in range(0, data.size, step))
