"""`load`: which format a file has is told by its first bytes, not by its name."""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from scratchnet.interop.archive import Archive
from scratchnet.interop.errors import CheckpointError
from scratchnet.interop.legacy import load_legacy
from scratchnet.interop.plain import load_npz, load_safetensors
from scratchnet.interop.source import Source
from scratchnet.interop.torch_zip import load_zip, pickle_prefix

# Smaller files are read, not mapped: what overwrites a mapped file in place changes or kills who uses it.
_MAPPED_FROM = 16 << 20
# What struct, zlib, NumPy and the decoding of text raise for bytes that are not theirs; anything else is our own fault.
_DAMAGE = (ValueError, OverflowError, struct.error, zlib.error)


def load(
    f: str | os.PathLike | BinaryIO, map_location: Any = None, *, weights_only: bool = True, mmap: bool | None = None
) -> Any:
    """Read a checkpoint: `.pt`, `.pth`, `.safetensors`, `.npz`, or one of this package's own. torch is not needed.

    The reader is always a restricted one: a file can make tensors, numbers, strings and containers, and nothing
    else. Nothing that a file names is imported, and nothing of it executed.

    Parameters
    ----------
    f : path or binary file
    map_location : optional
        Taken as torch takes it, and without effect: every tensor comes to the CPU.
    weights_only : bool
        Without effect: also with False nothing but data is read.
    mmap : bool, optional
        Whether to map the file into memory, instead of reading it: a tensor's numbers are then read from the disk
        when they are first used, and changing them does not change the file. True: not even the checksums are compared,
        since that reads everything. Default: map files of 16 MiB or more where the format allows it.

    Returns
    -------
    What was saved. Tensors that shared a storage share memory; bfloat16, which NumPy lacks, becomes float32.
    A dict of names to Tensors from `.safetensors` and `.npz`.

    Raises
    ------
    FileNotFoundError
    CheckpointError
        If the file is of no format that is read, damaged, or made to do harm.
    ValueError
        If a file that has no path is to be mapped.
    ImportError
        If a .safetensors file is to be read, and the package safetensors is not installed.

    Examples
    --------
    >>> import io, scratchnet
    >>> file = io.BytesIO()
    >>> scratchnet.save({"weight": scratchnet.ones(2), "epoch": 3}, file)
    >>> _ = file.seek(0)
    >>> scratchnet.load(file)
    {'weight': tensor([1., 1.]), 'epoch': 3}
    """
    is_path = isinstance(f, str | os.PathLike)
    if mmap and not is_path:
        raise ValueError("f must be a file path in order to use the mmap argument")
    name = os.fspath(f) if isinstance(f, str | os.PathLike) else getattr(f, "name", type(f).__name__)
    with _opened(f) as file:
        try:
            return _load(file, name if is_path else None, mmap)
        except CheckpointError as error:
            raise CheckpointError(f"cannot load {name}: {error}") from error.__cause__
        except _DAMAGE as error:
            raise CheckpointError(f"cannot load {name}: it is damaged ({type(error).__name__}: {error})") from error


def _load(file: Any, path: Any, mmap: bool | None) -> Any:
    source = Source(file)
    head = source.read(0, min(source.size, 512))
    if not head:
        raise CheckpointError("it is empty")
    zipped, safetensors = head[:4] in (b"PK\x03\x04", b"PK\x05\x06"), head[8:9] == b"{"
    if not (zipped or safetensors):
        if mmap:
            raise CheckpointError("mmap can only be used with the zip format of torch.save, with .safetensors and .npz")
        return _load_stream(source, head)
    if path is not None and (mmap or (mmap is None and source.size >= _MAPPED_FROM)):
        file.seek(source.start)
        source = Source(file, mapped=True)
    if not zipped:
        return load_safetensors(source, path)
    archive = Archive(source)
    prefix = pickle_prefix(archive)
    if prefix is not None:
        return load_zip(archive, prefix, verified=not mmap)
    if "state.json" in archive.records and path is not None:
        from scratchnet.training import checkpoint

        return checkpoint.load(path)
    if archive.records and all(name.endswith(".npy") for name in archive.records):
        return load_npz(archive, verified=not mmap)
    raise CheckpointError("it is a zip file that torch.save, numpy.savez or scratchnet did not write")


def _load_stream(source: Source, head: bytes) -> Any:
    if head[257:262] == b"ustar":
        raise CheckpointError(
            "it is a tar archive, the format of torch before 0.1.10: save it again with a newer torch"
        )
    if head[:1] != b"\x80":
        raise CheckpointError(
            f"it begins with the bytes '{head[:4].hex(' ')}': neither a zip file, nor a pickle, nor .safetensors"
        )
    return load_legacy(source)


@contextlib.contextmanager
def _opened(f: Any) -> Iterator[Any]:
    if isinstance(f, str | os.PathLike):
        with open(f, "rb") as file:
            yield file
    elif hasattr(f, "read"):
        yield f
    else:
        raise AttributeError(f"load: expected a path or a file that can be read, got {type(f).__name__}")
