"""A mistake planted in one layer of a model of ours, beside torch's model without it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

import scratchnet
from scratchnet import nn

RNG = np.random.default_rng(0)
ROWS, MAPS = RNG.standard_normal((4, 6)), RNG.standard_normal((3, 4, 5, 5))
SEQUENCE = RNG.standard_normal((5, 2, 3))
CLASSES = np.array([0, 3, 5, 1])


@dataclass
class Planted:
    """A mistake, and what `compare` has to say of it.

    Attributes
    ----------
    hypothesis, text : str
        Which cause is to be named, and how.
    kind : str
        The layer's class, of both libraries, made with `args` and `options`.
    inputs : array or tuple
        Of the layer.
    keywords : dict
        More of its inputs, by name.
    wrong : dict
        What ours gets in place of these options, or
    forward : callable
        what ours computes.
    train : bool
    what : str
        The first array of the layer that differs.
    also : tuple of str
        Other mistakes that give the same numbers.
    """

    hypothesis: str
    text: str
    kind: str
    args: tuple = ()
    inputs: Any = None
    options: dict = field(default_factory=dict)
    keywords: dict = field(default_factory=dict)
    wrong: dict = field(default_factory=dict)
    forward: Callable | None = None
    train: bool = True
    what: str = "output"
    also: tuple[str, ...] = ()

    @property
    def ours(self) -> nn.Module:
        cls = getattr(nn, self.kind)
        if self.forward is not None:
            cls = type(f"My{self.kind}", (cls,), {"forward": self.forward})
        return between(scratchnet, cls(*self.args, **{**self.options, **self.wrong}))

    @property
    def right(self) -> nn.Module:
        return between(scratchnet, getattr(nn, self.kind)(*self.args, **self.options))

    @property
    def theirs(self) -> torch.nn.Module:
        """Weights and biases that would start as 1 and 0 are drawn, since nobody misses those."""
        layer = getattr(torch.nn, self.kind)(*self.args, **self.options)
        torch.manual_seed(0)
        for p in layer.parameters():
            torch.nn.init.normal_(p)
        return between(torch, layer)

    @property
    def given(self) -> dict[str, Any]:
        inputs = self.inputs if isinstance(self.inputs, tuple) else (self.inputs,)
        return {"args": inputs, "kwargs": self.keywords}


def between(lib: Any, layer: Any) -> Any:
    """A model in which a layer stands between two others."""

    class Model(lib.nn.Module):
        def __init__(self):
            super().__init__()
            self.before, self.layer, self.after = lib.nn.LeakyReLU(0.5), layer, lib.nn.Tanh()

        def forward(self, args, kwargs):
            x, *rest = args
            y = self.layer(self.before(x) if x.is_floating_point() else x, *rest, **kwargs)
            first, *others = y if isinstance(y, tuple) else (y,)
            return (self.after(first), *others)

    return Model()
