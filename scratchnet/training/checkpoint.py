"""Checkpoints: nested state in one file that is safe to load and never half written.

The file is a zip archive: `state.json` holds the structure, and each array is a member of its own in NumPy's
.npy format, so `numpy.load(path)["model/conv1.weight"]` works too. Nothing is pickled: loading a file from
somebody else runs no code. Zip keeps a CRC-32 of each member, which finds damage, and its directory at the
end, which finds truncation.
"""

from __future__ import annotations

import json
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from scratchnet.autograd import Tensor
from scratchnet.interop.errors import CheckpointError
from scratchnet.training.files import replacing

FORMAT, VERSION = "scratchnet checkpoint", 1
_MAPPINGS: dict[str, type] = {"dict": dict, "OrderedDict": OrderedDict, "Counter": Counter}


def save(path: str | Path, state: Any) -> None:
    """Write nested dicts, lists and tuples of Tensors, arrays, numbers, strings and None.

    Raises
    ------
    TypeError
        If something else is in it; names the place.
    OSError
        If it cannot be written (full disk, …); what was at `path` before stays.
    """
    arrays: dict[str, np.ndarray] = {}
    document = {"format": FORMAT, "version": VERSION, "state": _encode(state, (), arrays)}
    with replacing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("state.json", json.dumps(document, indent=1))
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def load(path: str | Path) -> Any:
    """What `save` was given; NumPy scalars come back as Python numbers.

    Raises
    ------
    FileNotFoundError
    CheckpointError
        If the file is none of ours, or truncated or damaged.
    """
    path = Path(path)
    with open(path, "rb") as file:
        begin = file.read(4)
    if begin != b"PK\x03\x04":
        what = "is empty" if not begin else f"begins with the bytes '{begin.hex(' ')}', expected '50 4b 03 04'"
        raise CheckpointError(f"{path} is no checkpoint of scratchnet: it {what}")
    try:
        with zipfile.ZipFile(path) as archive:
            if "state.json" not in archive.namelist():
                raise CheckpointError(f"{path} is no checkpoint of scratchnet: it is a zip file without state.json")
            document = json.loads(archive.read("state.json"))
            if document["format"] != FORMAT or document["version"] != VERSION:
                raise CheckpointError(
                    f"{path} has version {document['version']} of the format, this scratchnet reads {VERSION}"
                )
            return _decode(document["state"], archive)
    except CheckpointError:
        raise
    except Exception as error:  # damage shows in many ways: BadZipFile, KeyError, ValueError, EOFError, …
        raise CheckpointError(f"{path} is damaged or truncated ({type(error).__name__}: {error})") from error


def _encode(value: Any, place: tuple[str, ...], arrays: dict[str, np.ndarray]) -> Any:
    """JSON for the structure; arrays go into `arrays`. What JSON lacks becomes {"$kind": …}."""
    if isinstance(value, Tensor):
        return {"$tensor": _store(value.array, place, arrays)}
    if isinstance(value, np.ndarray):
        return {"$array": _store(value, place, arrays)}
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        items = [_encode(item, (*place, str(i)), arrays) for i, item in enumerate(value)]
        return items if isinstance(value, list) else {"$tuple": items}
    if isinstance(value, Mapping):
        pairs = [(key, _encode(item, (*place, str(key)), arrays)) for key, item in value.items()]
        kind = next(name for name, cls in reversed(_MAPPINGS.items()) if name == "dict" or isinstance(value, cls))
        if kind == "dict" and all(isinstance(key, str) and not key.startswith("$") for key, _ in pairs):
            return dict(pairs)
        return {f"${kind}": [[_encode(key, place, arrays), item] for key, item in pairs]}
    raise TypeError(f"checkpoint: cannot store {type(value).__name__} at {'.'.join(place) or 'the top'}")


def _store(array: np.ndarray, place: tuple[str, ...], arrays: dict[str, np.ndarray]) -> str:
    if array.dtype.hasobject:
        raise TypeError(f"checkpoint: cannot store an array of objects at {'.'.join(place)}")
    unique = "/".join(place) or "array"
    while unique in arrays:
        unique += "'"
    arrays[unique] = array
    return unique


def _decode(value: Any, archive: zipfile.ZipFile) -> Any:
    if isinstance(value, list):
        return [_decode(item, archive) for item in value]
    if not isinstance(value, dict):
        return value
    tag, content = next(iter(value.items()), ("", ()))
    if not tag.startswith("$"):
        return {key: _decode(item, archive) for key, item in value.items()}
    if tag in ("$tensor", "$array"):
        with archive.open(f"{content}.npy") as member:
            array = np.lib.format.read_array(member, allow_pickle=False)
            member.read()  # to the end: the checksum is compared there
        return Tensor(array) if tag == "$tensor" else array
    if tag == "$tuple":
        return tuple(_decode(content, archive))
    return _MAPPINGS[tag[1:]]({_key(key, archive): _decode(item, archive) for key, item in content})


def _key(key: Any, archive: zipfile.ZipFile) -> Any:
    key = _decode(key, archive)
    return tuple(key) if isinstance(key, list) else key
