"""What a hypothesis is: a mistake that is known, and the numbers that a layer with it would give."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from scratchnet import nn
from scratchnet.autograd import Tensor, no_grad
from scratchnet.interop.nested import to_array
from scratchnet.interop.observing import Call
from scratchnet.interop.packing import Thinned


@dataclass
class Evidence:
    """The first array that differs, and what its layer was given.

    Attributes
    ----------
    kind, what : str
        As in `Row`.
    actual, expected : array or None
        Ours and torch's.
    ours, theirs : Call
    state : dict of arrays
        The layer's parameters and buffers before the call, under their short names.
    rtol, atol : float
        Within which numbers count as equal.
    """

    kind: str
    what: str
    actual: np.ndarray | None
    expected: np.ndarray | None
    ours: Call
    theirs: Call
    state: dict[str, np.ndarray]
    rtol: float
    atol: float

    @property
    def x(self) -> np.ndarray:
        """The layer's first input."""
        return next(iter(self.ours.inputs.values()))

    @property
    def y(self) -> np.ndarray:
        """Our first output."""
        return next(iter(self.ours.outputs.values()))

    @property
    def g(self) -> np.ndarray:
        """The gradient that reached torch's first output. A guess does not fit if only some of its numbers were kept."""
        gradient = next(iter(self.theirs.gradients.values()))
        if isinstance(gradient, Thinned):
            raise ValueError("not all of the gradient was recorded")
        return gradient

    @property
    def options(self) -> dict[str, Any]:
        return self.theirs.options

    @property
    def biases(self) -> list[str]:
        return [name for name in self.state if name.rpartition(".")[2].find("bias") >= 0]


@dataclass
class Result:
    """What a layer gives: its outputs in order, its buffers afterwards."""

    outputs: list[np.ndarray] = field(default_factory=list)
    buffers: dict[str, np.ndarray] = field(default_factory=dict)


class Guess(NamedTuple):
    """A mistake.

    Attributes
    ----------
    text : str
        The mistake, as a sentence about our layer.
    evidence : str
        What equals what, if it is so.
    predict : callable
        The numbers that it would give: a Result for a mistake of the forward pass, an array for one of the backward.
    """

    text: str
    evidence: str
    predict: Callable[[], Any]


class Hypothesis(NamedTuple):
    kinds: frozenset[str]
    backward: bool
    guesses: Callable[[Evidence], Iterator[Guess]]

    @property
    def name(self) -> str:
        """Where it stands: "options.eps"."""
        return f"{self.guesses.__module__.rpartition('.')[2]}.{self.guesses.__name__}"

    def concerns(self, evidence: Evidence) -> bool:
        if evidence.kind == "input" or self.backward != (evidence.kind not in ("output", "buffer")):
            return False  # an input is no layer's doing
        inside = evidence.kind not in ("gradient", "loss")
        return not self.kinds or (inside and evidence.theirs.kind in self.kinds)


ALL: list[Hypothesis] = []


def hypothesis(*kinds: str, backward: bool = False) -> Callable:
    """Put a generator of guesses into the table: for layers of these kinds, for all if none is given."""

    def register(guesses: Callable[[Evidence], Iterator[Guess]]) -> Callable:
        ALL.append(Hypothesis(frozenset(kinds), backward, guesses))
        return guesses

    return register


def kinds(*stems: str, dims: str = "123") -> tuple[str, ...]:
    """Names of the layers for 1, 2 and 3 dimensions."""
    return tuple(f"{stem}{d}d" for stem in stems for d in dims)


def rerun(
    evidence: Evidence, state: Mapping[str, np.ndarray] | None = None, kind: str | None = None, **changes: Any
) -> Result:
    """The layer that torch has, run here on our inputs with other options or parameters."""
    layer = _construct(kind or evidence.theirs.kind, {**evidence.options, **changes}, evidence.state)
    if evidence.x.dtype.kind == "f":
        layer.to(evidence.x.dtype)
    if evidence.state:
        layer.load_state_dict(evidence.state if state is None else state)
    layer.train(evidence.theirs.training)
    with no_grad():
        output = layer(*_tensors(evidence.ours.args), **_tensors(evidence.ours.kwargs))
    outputs = [to_array(t) for t in _flat(output)]
    return Result(outputs, {name: to_array(b) for name, b in layer.named_buffers()})


_RECURRENT = ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional")


def _construct(kind: str, options: dict[str, Any], state: Mapping[str, np.ndarray]) -> nn.Module:
    if kind == "Sequential":
        raise ValueError("what is in it is not among its options")
    cls = getattr(nn, kind)
    names: Any = inspect.signature(cls).parameters
    if kind in ("LSTM", "GRU", "RNN"):
        names = _RECURRENT + {"LSTM": ("proj_size",), "GRU": (), "RNN": ("nonlinearity",)}[kind]
    known = {name: options[name] for name in names if name in options}
    if "bias" in names and "bias" not in known:
        known["bias"] = any("bias" in name for name in state)
    for name in ("weight", "pos_weight"):  # of losses: of classes
        if name in names and name in state:
            known[name] = Tensor(state[name])
    return cls(**known)


def _tensors(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return Tensor(value.copy())
    if isinstance(value, dict):
        return {key: _tensors(item) for key, item in value.items()}
    return tuple(map(_tensors, value)) if isinstance(value, tuple | list) else value


def _flat(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _flat(item)
