"""What the tests of `examples/real_weights/` share."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scratchnet.interop import weights

FOLDER = Path(__file__).parents[2] / "examples" / "real_weights"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))


def needs(*modules: str) -> None:
    """Skip the test, and say what to install, where a package with weights or data is not here.

    Other references, such as transformers, are asked for with `pytest.importorskip`.
    """
    for module in modules:
        try:
            weights.inside(module, "")
        except weights.NotInstalled as missing:
            pytest.skip(str(missing))


def run(name: str, *arguments: str) -> Any:
    """What `main` of an example returns for these arguments. They write into the folder `runs` where they are called."""
    main: Callable[[list[str]], Any] = importlib.import_module(f"examples.real_weights.{name}").main
    return main(list(arguments))
