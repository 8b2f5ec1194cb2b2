"""The bytes of a file: every read is checked against its size before memory is asked for."""

from __future__ import annotations

import io
import os
import zlib
from typing import Any

import numpy as np

from scratchnet.interop.errors import CheckpointError

_CHUNK = 1 << 20


class Source:
    """Random access to a file, from where it stands.

    Parameters
    ----------
    file : binary file
        One that cannot seek is read into memory.
    mapped : bool
        Whether `array` gives a private map of the file (copied page by page when written to), and not a copy.
    """

    def __init__(self, file: Any, mapped: bool = False) -> None:
        if not (hasattr(file, "seekable") and file.seekable()):
            file = io.BytesIO(file.read())
        self.file, self.start = file, file.tell()
        self.size = file.seek(0, os.SEEK_END) - self.start
        self.map = np.memmap(file, np.uint8, "c").view(np.ndarray) if mapped and self.size else None

    def read(self, offset: int, count: int) -> bytes:
        self._check(offset, count)
        self.file.seek(self.start + offset)
        data = self.file.read(count)
        if len(data) != count:
            raise CheckpointError(f"the file ends {count - len(data)} bytes too early")
        return data

    def array(self, offset: int, count: int, align: int = 1) -> np.ndarray:
        """`count` bytes as a writable array of uint8, in memory at a multiple of `align`."""
        self._check(offset, count)
        if self.map is not None and (self.start + offset) % align == 0:
            return self.map[self.start + offset : self.start + offset + count]
        array = np.empty(count, np.uint8)
        self.read_into(offset, array)
        return array

    def is_mapped(self, array: np.ndarray) -> bool:
        """Whether `array` gave a part of the map, and no copy."""
        return self.map is not None and np.may_share_memory(self.map, array)

    def read_into(self, offset: int, array: np.ndarray) -> None:
        """Fill a contiguous array."""
        self._check(offset, array.nbytes)
        self.file.seek(self.start + offset)
        buffer, done = array.reshape(-1).view(np.uint8).data, 0
        while done < len(buffer):
            data = self.file.read(min(_CHUNK, len(buffer) - done))
            if not data:
                raise CheckpointError(f"the file ends {len(buffer) - done} bytes too early")
            buffer[done : done + len(data)] = data
            done += len(data)

    def crc(self, offset: int, count: int) -> int:
        """The CRC-32 of a part, read piece by piece: what is mapped stays on the disk."""
        self._check(offset, count)
        value = 0
        for at in range(offset, offset + count, _CHUNK):
            value = zlib.crc32(self.read(at, min(_CHUNK, offset + count - at)), value)
        return value

    def _check(self, offset: int, count: int) -> None:
        if offset < 0 or count < 0 or offset + count > self.size:
            raise CheckpointError(
                f"bytes {offset} to {offset + count} are asked for, but the file has {self.size}: is it truncated?"
            )
