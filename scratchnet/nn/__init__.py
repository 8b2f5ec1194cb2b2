"""Layers, losses and networks."""

import importlib
from typing import Any

from scratchnet.nn import functional, init, modules, parameter, utils
from scratchnet.nn.lazy import UninitializedBuffer, UninitializedParameter
from scratchnet.nn.modules import *  # noqa: F403
from scratchnet.nn.modules.factory import factory_kwargs
from scratchnet.nn.parameter import Buffer, Parameter

# What only papers have is imported when first used, and its modules are found here too: nn.SqueezeExcitation.
_OF_PAPERS = ("blocks", "losses")


def __getattr__(name: str) -> Any:
    if name in _OF_PAPERS:
        return importlib.import_module(f"scratchnet.nn.{name}")
    if name[0].isupper():
        for package in _OF_PAPERS:
            found = importlib.import_module(f"scratchnet.nn.{package}")
            if name in found.__all__:
                return getattr(found, name)
    raise AttributeError(f"module 'scratchnet.nn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_OF_PAPERS})
