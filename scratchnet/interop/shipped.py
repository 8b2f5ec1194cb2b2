"""The recorded references that come with the package."""

from __future__ import annotations

import os
from pathlib import Path

from scratchnet.interop.reference import Reference

_FOLDER = Path(__file__).parent / "references"
_SUFFIX = ".pt"
# What torch's modules do not print of themselves, though it changes what they compute.
_UNPRINTED = {"MultiheadAttention": ("num_heads", "batch_first"), "TransformerEncoderLayer": ("norm_first",)}


def references() -> dict[str, str]:
    """The recorded references that come with the package: names that `replay` takes, and what is to be built for each."""
    return {name: _summary(Reference.load(_FOLDER / f"{name}{_SUFFIX}")) for name in _names()}


def _names() -> list[str]:
    return sorted(path.name.removesuffix(_SUFFIX) for path in _FOLDER.glob(f"*{_SUFFIX}"))


def _summary(reference: Reference) -> str:
    calls = reference.observation.calls
    arrays = [  # those below [1] are given by name
        f"{place.removeprefix('[1].') + ' ' if place.startswith('[1]') else ''}{a.dtype} {list(a.shape)}"
        for place, a in calls[0].inputs.items()
    ]
    options = [
        f"{call.name or call.kind}: {', '.join(f'{name}={call.options[name]}' for name in _UNPRINTED[call.kind])}"
        for call in calls
        if call.kind in _UNPRINTED
    ]
    mode = "training" if reference.modes[""] else "evaluation"
    return "\n".join([reference.about, *options, f"called with {', '.join(arrays)}, in {mode} mode"])


def find(file: str | os.PathLike) -> str | os.PathLike:
    """The file of a recorded reference: this one, or the one of that name that comes with the package.

    Raises
    ------
    FileNotFoundError
    """
    if os.fspath(file) in _names() and not os.path.isfile(file):
        return _FOLDER / f"{os.fspath(file)}{_SUFFIX}"
    if os.path.exists(file):
        return file
    raise FileNotFoundError(
        f"there is no file {os.fspath(file)}, and no reference of that name; with the package come "
        + ", ".join(_names())
    )
