"""The lists of configurations that torch tests itself with: of modules, of optimizers, of functions."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import re
import warnings
from dataclasses import fields
from pathlib import Path
from typing import Any

from scratchnet import nn
from scratchnet.testing.to_torch import from_torch

PACKAGE = "torch.testing._internal"


def names(file: str, pattern: str) -> list[str]:
    """What a list has, read from its file: to import it takes seconds, which collecting tests should not."""
    spec = importlib.util.find_spec(f"{PACKAGE}.{file}")
    assert spec is not None and spec.origin is not None
    return re.findall(pattern, Path(spec.origin).read_text())


def entries(file: str, name: str) -> list[Any]:
    """A list of torch's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = importlib.import_module(f"{PACKAGE}.{file}")
    return getattr(module, name)


@functools.cache
def database(file: str, name: str) -> dict[str, Any]:
    """A list of torch's, by the names of what it configures."""
    return {info.name.removeprefix("nn."): info for info in entries(file, name)}


def chunking(options: Any) -> nn.LinearCrossEntropyOptions:
    """torch's options of `linear_cross_entropy` in our terms."""
    return nn.LinearCrossEntropyOptions(**{f.name: from_torch(getattr(options, f.name)) for f in fields(options)})
