"""Modules under names that torch keeps for old programs."""

from __future__ import annotations

from typing import Any

from scratchnet.nn.deprecated import deprecated
from scratchnet.nn.module import Module
from scratchnet.nn.modules.loss import NLLLoss


class NLLLoss2d(NLLLoss):
    """`NLLLoss`, which serves any number of dimensions."""

    __init__ = deprecated(
        "`NLLLoss2d` has been deprecated. Please use `NLLLoss` instead as a drop-in replacement."
    )(NLLLoss.__init__)


class Container(Module):
    """A module with the children that it is given by name. It is not called itself."""

    @deprecated(
        "`nn.Container` is deprecated. All of its functionality is now implemented in `nn.Module`. Subclass that instead."
    )
    def __init__(self, **kwargs: Any) -> None:
        super().__init__()
        for name, module in kwargs.items():
            self.add_module(name, module)
