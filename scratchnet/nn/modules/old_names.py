"""Modules under names that torch keeps for old programs."""

from __future__ import annotations

from typing import Any

from scratchnet.nn.deprecated import deprecated
from scratchnet.nn.module import Module
from scratchnet.nn.modules.loss import NLLLoss


class NLLLoss2d(NLLLoss):
    """`NLLLoss`, which serves any number of dimensions."""

    __init__ = deprecated(
        NLLLoss.__init__, "`NLLLoss2d` has been deprecated. Please use `NLLLoss` instead as a drop-in replacement."
    )


def _add_all(self: Module, **kwargs: Any) -> None:
    Module.__init__(self)
    for name, module in kwargs.items():
        self.add_module(name, module)


class Container(Module):
    """A module with the children that it is given by name. It is not called itself."""

    __init__ = deprecated(
        _add_all,
        "`nn.Container` is deprecated. All of its functionality is now implemented in `nn.Module`. Subclass that instead.",
        "__init__",
    )
