"""The directory of a zip file, read with suspicion.

    local header 0 │ data 0 │ local header 1 │ data 1 │ … │ directory: one entry a record │ end record

Nothing is extracted, so names cannot lead out of a folder; those that try are refused all the same. What is
refused besides: entries that overlap (a zip bomb of a few kilobytes unpacks to petabytes that way), two entries of
one name (which would be read depends on the reader), encryption, and sizes beyond the file.
"""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

import numpy as np

from scratchnet.interop.errors import CheckpointError
from scratchnet.interop.source import Source

_STORED, _DEFLATED = 0, 8
_MOST_ENTRIES = 200_000
_END = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_IN_ZIP64 = 0xFFFFFFFF
_PIECE = 1 << 20
# deflate shrinks zeros a thousandfold; this much is granted to any file, and this multiple of its size
_UNPACKED_FLOOR, _UNPACKED_RATIO = 256 << 20, 32


class Record(NamedTuple):
    """Where one entry's bytes are."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    header: int
    offset: int = 0


class Archive:
    """The records of a zip file by name."""

    def __init__(self, source: Source) -> None:
        self.source = source
        start, size, count = _find_directory(source)
        entries = _parse_directory(source.read(start, size), count)
        self.records: dict[str, Record] = {}
        free_from = 0
        for entry in sorted(entries, key=lambda entry: entry.header):
            record = self._locate(entry)
            if entry.header < free_from:
                raise CheckpointError(f"entry {_shown(entry.name)} overlaps the one before it")
            free_from = record.offset + record.packed
            if free_from > start:
                raise CheckpointError(f"entry {_shown(entry.name)} reaches into the directory of the zip file")
            if entry.name in self.records:
                raise CheckpointError(f"two entries have the name {_shown(entry.name)}")
            self.records[entry.name] = record
        most = _UNPACKED_FLOOR + _UNPACKED_RATIO * source.size
        if sum(record.size for record in self.records.values()) > most:
            raise CheckpointError(f"the zip file declares more than {most} bytes, it has {source.size}: a zip bomb?")

    def read(self, name: str) -> bytes:
        """The bytes of a record, unpacked; its checksum is compared."""
        return self.array(name, packed=True).tobytes()

    def head(self, name: str, count: int) -> bytes:
        """The first bytes of a record, unpacked, without a look at its checksum."""
        record = self.find(name)
        data = self.source.read(record.offset, min(record.packed, count))
        return data if record.method == _STORED else zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, count)

    def array(
        self, name: str, verified: bool = True, begin: int = 0, align: int = 1, packed: bool = False
    ) -> np.ndarray:
        """The bytes of a record as an array of uint8.

        Parameters
        ----------
        name : str
        verified : bool
            Whether to compare the checksum, which reads all of it.
        begin, align : int
            From which byte on, which is to be in memory at a multiple of `align`.
        packed : bool
            Whether the record may be compressed.
        """
        record = self.find(name)
        if record.method != _STORED:
            if not packed:
                raise CheckpointError(f"entry {_shown(name)} is compressed, which torch.save never does")
            array = self._unpack(record)[begin:]
            return array.copy() if array.ctypes.data % align else array
        if begin > record.size:
            raise CheckpointError(f"entry {_shown(name)} has {record.size} bytes, and no byte {begin}")
        array = self.source.array(record.offset + begin, record.size - begin, align)
        if verified and record.crc and self.source.is_mapped(array):  # piece by piece: it stays on the disk
            _compare(record, self.source.crc(record.offset, record.size))
        elif verified and record.crc:
            _compare(record, zlib.crc32(array.data, zlib.crc32(self.source.read(record.offset, begin))))
        return array

    def _unpack(self, record: Record) -> np.ndarray:
        """A compressed record, piece by piece: its bytes are in memory once."""
        unpacked, at, unpacker = np.empty(record.size, np.uint8), 0, zlib.decompressobj(-zlib.MAX_WBITS)
        for begin in range(0, record.packed, _PIECE):
            data = self.source.read(record.offset + begin, min(_PIECE, record.packed - begin))
            while data and not unpacker.eof:
                piece = unpacker.decompress(data, _PIECE)
                if at + len(piece) > record.size:
                    break
                unpacked[at : at + len(piece)] = np.frombuffer(piece, np.uint8)
                at, data = at + len(piece), unpacker.unconsumed_tail
        if at != record.size or not unpacker.eof:
            raise CheckpointError(f"entry {_shown(record.name)} does not unpack to the {record.size} bytes it declares")
        _compare(record, zlib.crc32(unpacked.data))
        return unpacked

    def find(self, name: str) -> Record:
        if name not in self.records:
            raise CheckpointError(f"the zip file has no entry {_shown(name)}")
        return self.records[name]

    def _locate(self, entry: Record) -> Record:
        """The entry with the place of its data, which only the local header tells."""
        signature, _, _, method, *_, name_size, extra_size = _LOCAL.unpack(self.source.read(entry.header, _LOCAL.size))
        if signature != b"PK\x03\x04" or method != entry.method:
            raise CheckpointError(f"entry {_shown(entry.name)} has no local header where the directory says")
        return entry._replace(offset=entry.header + _LOCAL.size + name_size + extra_size)


def _find_directory(source: Source) -> tuple[int, int, int]:
    """(start, size in bytes, number of entries) of the directory, from the end record."""
    tail_size = min(source.size, _END.size + 0xFFFF)
    tail = source.read(source.size - tail_size, tail_size)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise CheckpointError("the zip file has no directory at its end: it is truncated")
    _, disk, first_disk, here, count, size, start, comment = _END.unpack_from(tail, at)
    end = source.size - tail_size + at
    if end + _END.size + comment != source.size:
        raise CheckpointError("the zip file does not end where its directory says")
    locator_at = max(end - _END64_LOCATOR.size, 0)
    if source.read(locator_at, 4) == b"PK\x06\x07":  # torch writes a zip64 directory to small files too
        end = _END64_LOCATOR.unpack(source.read(locator_at, _END64_LOCATOR.size))[2]
        signature, _, _, _, disk, first_disk, here, count, size, start = _END64.unpack(source.read(end, _END64.size))
        if signature != b"PK\x06\x06":
            raise CheckpointError("the zip64 directory is not where the zip file says")
    if disk or first_disk or here != count:
        raise CheckpointError("the zip file is one of several volumes")
    if start + size != end:
        raise CheckpointError("the directory of the zip file is not where its end record says")
    if count > _MOST_ENTRIES or count * _ENTRY.size > size:
        raise CheckpointError(f"the zip file declares {count} entries; at most {_MOST_ENTRIES} are read")
    return start, size, count


def _parse_directory(data: bytes, count: int) -> list[Record]:
    entries, at = [], 0
    for _ in range(count):
        (signature, _, _, flags, method, _, _, crc, packed, size, name_size, extra_size, comment_size, disk, _, _,
         header) = _ENTRY.unpack_from(data, at)  # fmt: skip
        at += _ENTRY.size
        encoded, extra = data[at : at + name_size], data[at + name_size : at + name_size + extra_size]
        at += name_size + extra_size + comment_size
        name = encoded.decode("utf-8" if flags & 0x800 else "cp437")
        if signature != b"PK\x01\x02" or at > len(data) or disk:
            raise CheckpointError("the directory of the zip file is damaged")
        if name.startswith("/") or "\\" in name or "\0" in name or ".." in name.split("/"):
            raise CheckpointError(f"entry {_shown(name)} has a name that leads out of the archive")
        size, packed, header = _zip64_sizes(extra, size, packed, header)
        if flags & 1 or method not in (_STORED, _DEFLATED) or (method == _STORED and packed != size):
            raise CheckpointError(f"entry {_shown(name)} is encrypted or packed by method {method}")
        entries.append(Record(name, method, crc, packed, size, header))
    if at != len(data):
        raise CheckpointError("the directory of the zip file has more entries than it declares")
    return entries


def _zip64_sizes(extra: bytes, *values: int) -> list[int]:
    """Those that did not fit into 32 bits come, in order, from the extra field of kind 1."""
    at, wide = 0, b""
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<2H", extra, at)
        if kind == 1:
            wide = extra[at + 4 : at + 4 + size]
        at += 4 + size
    numbers = iter(struct.unpack(f"<{len(wide) // 8}Q", wide[: len(wide) // 8 * 8]))
    return [next(numbers, value) if value == _IN_ZIP64 else value for value in values]


def _compare(record: Record, crc: int) -> None:
    if record.crc and crc != record.crc:  # 0: written with torch.serialization.set_crc32_options(False)
        raise CheckpointError(f"entry {_shown(record.name)} is damaged: its checksum differs")


def _shown(name: str) -> str:
    """A name that somebody else chose, on one line."""
    return ascii(name if len(name) < 100 else f"{name[:100]}…")
