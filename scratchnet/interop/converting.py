"""From one format of weights to another: .pt, .safetensors, .npz."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from scratchnet.autograd.tensor import Tensor
from scratchnet.interop.loading import load
from scratchnet.interop.nested import leaves
from scratchnet.interop.plain import SAFETENSORS
from scratchnet.interop.saving import save

_ALIGNMENT = 8  # of the first number of a .safetensors file
_MOST_SHOWN = 6


def convert(source: str | os.PathLike, target: str | os.PathLike, key: str | None = None) -> int:
    """Write the weights of a checkpoint in another format, which the ending of `target` names.

    A .pt file gets all that `source` holds, unless `key` picks a part of it; the other formats hold named tensors only,
    so they get the state dict in it.

    Parameters
    ----------
    source : path
        What `scratchnet.load` reads.
    target : path
        Ends in .pt, .pth, .safetensors or .npz. A file of that name is replaced when the new one is complete.
    key : str, optional
        Of a dict inside the checkpoint, where it holds several.

    Returns
    -------
    int
        The number of tensors written.

    Raises
    ------
    ValueError
        For another ending, or if there is no state dict, or more than one.
    CheckpointError, FileNotFoundError, ImportError
        As `load`.

    Examples
    --------
    >>> import scratchnet, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     scratchnet.save({"epoch": 3, "model": scratchnet.nn.Linear(2, 1).state_dict()}, f"{folder}/net.pt")
    ...     n = convert(f"{folder}/net.pt", f"{folder}/net.npz")
    ...     print(n, *scratchnet.load(f"{folder}/net.npz"))
    2 weight bias
    """
    ending = Path(target).suffix.lower()
    if ending not in (".pt", ".pth", *_WRITERS):
        raise ValueError(f"expected a file that ends in .pt, .pth, {' or '.join(_WRITERS)}, got {os.fspath(target)!r}")
    value = load(source)
    if key is not None:
        if not isinstance(value, Mapping) or key not in value:
            raise ValueError(f"the checkpoint has no key {key!r}{_but(value)}")
        value = value[key]
    if ending not in _WRITERS:
        save(value, target)
        return sum(isinstance(item, Tensor) for _, item in leaves(value))

    from scratchnet.training.files import replacing

    arrays = {name: tensor.array for name, tensor in state_dict_in(value).items()}
    with replacing(os.fspath(target)) as file:
        _WRITERS[ending](arrays, file)
    return len(arrays)


def state_dict_in(value: Any) -> dict[str, Tensor]:
    """The names and tensors of a checkpoint: all of it, or the only one of its values that is such a dict.

    Raises
    ------
    ValueError
        If there is none, or more than one.

    Examples
    --------
    >>> from scratchnet import zeros
    >>> list(state_dict_in({"epoch": 3, "model": {"weight": zeros(2)}}))
    ['weight']
    """
    if _is_state_dict(value):
        return dict(value)
    found = [name for name, item in value.items() if _is_state_dict(item)] if isinstance(value, Mapping) else []
    if len(found) == 1:
        return dict(value[found[0]])
    if found:
        raise ValueError(f"the checkpoint holds several state dicts, choose a key: {', '.join(map(printable, found))}")
    raise ValueError(f"the checkpoint holds no state dict, names of tensors and nothing else{_but(value)}")


def printable(name: Any) -> str:
    """A name as it is, or escaped: what a file says is not to command a terminal."""
    text = str(name)
    return text if text.isprintable() else ascii(text)


def _is_state_dict(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and len(value) > 0
        and all(isinstance(name, str) and isinstance(item, Tensor) for name, item in value.items())
    )


def _but(value: Any) -> str:
    """What there is instead, for an error."""
    if not isinstance(value, Mapping):
        return f": it is a {type(value).__name__}"
    others = [f"{printable(name)} ({type(item).__name__})" for name, item in value.items() if not isinstance(item, Tensor)]
    shown = others[:_MOST_SHOWN] + ["…"] * (len(others) > _MOST_SHOWN)
    return f": it has {', '.join(shown)}" if shown else ""


def _write_npz(arrays: dict[str, np.ndarray], file: IO[bytes]) -> None:
    """As `numpy.savez`, which some names would confuse: they are its arguments."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def _write_safetensors(arrays: dict[str, np.ndarray], file: IO[bytes]) -> None:
    """size of the header (8 bytes, little-endian) │ header: JSON │ numbers, without gaps

    The widest dtypes come first, so that each array begins at a multiple of its item size.
    """
    names = {np.dtype(f"<{kinds[0]}"): name for name, kinds in SAFETENSORS.items() if len(kinds) == 1}
    names[np.dtype(bool)] = "BOOL"
    header, at = {}, 0
    ordered = sorted(arrays, key=lambda name: -arrays[name].itemsize)
    for name in ordered:
        array = arrays[name]
        if array.dtype not in names:
            raise ValueError(f"{name} has dtype {array.dtype}, which .safetensors does not know")
        header[name] = {
            "dtype": names[array.dtype], "shape": array.shape, "data_offsets": (at, at := at + array.nbytes)
        }  # fmt: skip
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    file.write(len(text).to_bytes(8, "little") + text)
    for name in ordered:
        file.write(arrays[name].astype(arrays[name].dtype.newbyteorder("<"), order="C", copy=False).tobytes())


_WRITERS = {".npz": _write_npz, ".safetensors": _write_safetensors}
