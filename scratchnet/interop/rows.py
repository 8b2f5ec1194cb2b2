"""Every array of ours beside torch's, in the order in which they were computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from scratchnet.interop.causes import Evidence
from scratchnet.interop.measuring import Errors, measure, thinned_like, tolerance
from scratchnet.interop.observing import Call, Observation
from scratchnet.interop.packing import Thinned
from scratchnet.interop.reference import Reference


@dataclass(eq=False)
class Row:
    """One array of ours beside torch's.

    Attributes
    ----------
    layer : str
        Dotted name, "#2" behind it for a module's second call; empty for the model itself.
    layer_kind : str
        torch's class.
    kind : str
        "input", "output", "buffer", "loss" (forward); "gradient" (of an output), "parameter" (its gradient), "gradient
        of input" (backward).
    what : str
        In words: "output[0]", "gradient of weight".
    errors : Errors
    """

    layer: str
    layer_kind: str
    kind: str
    what: str
    shape: tuple[int, ...]
    errors: Errors
    ours: np.ndarray | None = field(repr=False)
    theirs: Any = field(repr=False)
    call: int | None = field(repr=False, default=None)

    @property
    def ok(self) -> bool:
        return not self.errors.problem

    @property
    def backward(self) -> bool:
        return self.kind in ("gradient", "parameter", "gradient of input")

    @property
    def label(self) -> str:
        return f"{self.layer} ({self.layer_kind})" if self.layer else self.layer_kind

    def __str__(self) -> str:
        return f"{self.what} of {self.label}"


class Pairing:
    """Which calls of the two models belong together: those of the same name and number."""

    def __init__(self, ours: Observation, reference: Reference, rtol: float | None, atol: float | None) -> None:
        self.ours, self.reference, self.rtol, self.atol = ours, reference, rtol, atol
        self._matched = {(call.name, call.number): i for i, call in enumerate(ours.calls)}

    @property
    def unmatched(self) -> tuple[list[str], list[str]]:
        """Calls that only torch's model made, and that only ours made."""
        theirs = {(call.name, call.number) for call in self.reference.observation.calls}
        return (
            [label(c) for c in self.reference.observation.calls if (c.name, c.number) not in self._matched],
            [label(c) for c in self.ours.calls if (c.name, c.number) not in theirs],
        )

    def _row(self, call: int | None, kind: str, what: str, ours: Any, theirs: Any) -> Row:
        errors = measure(ours, theirs, self.rtol, self.atol)
        some = ours if theirs is None else theirs
        name, layer_kind = "", self.reference.kind
        if call is not None:
            seen = self.reference.observation.calls[call]
            name, layer_kind = label(seen), seen.kind
        return Row(name, layer_kind, kind, what, some.shape, errors, ours, theirs, call)

    def _pairs(self, backwards: bool = False) -> Iterator[tuple[int, Call, Call, bool]]:
        """Both sides' calls as they begin and end, in the order of time or against it."""
        events = self.reference.observation.events
        for index, ended in reversed(events) if backwards else events:
            theirs = self.reference.observation.calls[index]
            if (theirs.name, theirs.number) in self._matched:
                yield index, theirs, self.ours.calls[self._matched[theirs.name, theirs.number]], ended

    def forward(self) -> Iterator[Row]:
        """Inputs, outputs and running statistics of all calls, and the loss."""
        seen = self.reference.observation
        last = {theirs.name: theirs.number for _, theirs, _, _ in self._pairs()}
        persistent = {name: b for name, b in seen.buffers.items() if name in self.reference.state}
        for index, theirs, ours, ended in self._pairs():
            if not ended:
                yield from self._places(index, "input", ours.inputs, theirs.inputs)
                continue
            yield from self._places(index, "output", ours.outputs, theirs.outputs)
            if theirs.number == last[theirs.name]:
                for name, full in self._owned(theirs.name, persistent):
                    row = self._row(index, "buffer", name, self.ours.buffers.get(full), persistent[full])
                    if not row.ok or not np.array_equal(persistent[full], self.reference.state[full]):
                        yield row
        if seen.loss is not None and self.ours.loss is not None:
            yield self._row(None, "loss", "loss", self.ours.loss, seen.loss)

    def backward(self) -> Iterator[Row]:
        """Gradients of outputs, parameters and inputs, from the last call to the first."""
        ours_too = dict.fromkeys(self.ours.parameter_gradients)
        gradients: dict[str, Any] = {**ours_too, **self.reference.observation.parameter_gradients}
        for index, theirs, ours, ended in self._pairs(backwards=True):
            if ended:
                yield from self._places(index, "gradient", ours.gradients, theirs.gradients)
                continue
            if theirs.number == 0:
                for name, full in self._owned(theirs.name, gradients):
                    got = self.ours.parameter_gradients.get(full)
                    yield self._row(index, "parameter", f"gradient of {name}", got, gradients[full])
            yield from self._places(index, "gradient of input", ours.input_gradients, theirs.input_gradients)

    @cached_property
    def called(self) -> set[str]:
        """Names of the modules that were called on both sides."""
        return {c.name for c in self.reference.observation.calls if (c.name, c.number) in self._matched}

    def _owned(self, owner: str, values: dict[str, Any]) -> list[tuple[str, str]]:
        """Short and full names of the values of a module, and of those inside that were not called."""
        found = []
        for full in values:
            holder = full.rpartition(".")[0]
            while holder not in self.called:
                holder = holder.rpartition(".")[0]
            if holder == owner:
                found.append((full.removeprefix(join(owner, "")), full))
        return found

    def _places(self, index: int, kind: str, ours: dict, theirs: dict) -> Iterator[Row]:
        # what is written over in place has no gradient in torch, but only there: of ours, outputs alone can be too many
        for place in {**theirs, **ours} if kind == "output" else theirs:
            if kind.endswith("input"):  # below [0] those given by position, below [1] those given by name
                what = kind + (place[3:] if len(self.reference.observation.calls[index].inputs) > 1 else "")
            else:
                what = kind + place
            yield self._row(index, kind, what, ours.get(place), theirs.get(place))

    def evidence(self, row: Row) -> Evidence:
        """What is known about a row, for hypotheses."""
        theirs = self.reference.observation.calls[row.call or 0]
        ours = self.ours.calls[self._matched[theirs.name, theirs.number]]
        prefix = join(theirs.name, "")
        state = {n.removeprefix(prefix): a for n, a in self.reference.state.items() if n.startswith(prefix)}
        actual, expected = row.ours, row.theirs
        if actual is not None and expected is not None:
            actual, expected = thinned_like(actual, expected)
        elif isinstance(expected, Thinned):
            expected = expected.values
        dtype = next(a.dtype for a in (expected, actual) if a is not None)
        limits = tolerance(dtype, self.rtol, self.atol)
        return Evidence(row.kind, row.what, actual, expected, ours, theirs, state, *limits)


def label(call: Call) -> str:
    return f"{call.name}{f' #{call.number + 1}' if call.number else ''}"


def join(owner: str, name: str) -> str:
    return f"{owner}.{name}" if owner else name
