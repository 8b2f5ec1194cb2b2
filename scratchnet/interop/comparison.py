"""What a comparison found: a row for every array, the first that differs, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from scratchnet.interop.causes import Cause, Evidence, explain
from scratchnet.interop.measuring import Errors, measure, thinned_like, tolerance
from scratchnet.interop.observing import Call, Observation
from scratchnet.interop.reference import Reference


@dataclass
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


class Comparison:
    """The answer of `compare` and `replay`. As a string, a table and what it means.

    Attributes
    ----------
    rows : list of Row
        In the order in which the numbers were computed: forward, then backward.
    ok : bool
        Whether all agree.
    first_difference : Row or None
        The first that does not. What comes after it may differ only because of it.
    likely_cause : Cause or None
        A known mistake whose prediction equals our numbers. None if there is none: nothing is guessed.
    causes : list of Cause
        All of them, if several explain the same numbers.
    facts : list of str
        What the error looks like, where no cause is known.
    """

    def __init__(
        self, ours: Observation, reference: Reference, rtol: float | None = None, atol: float | None = None
    ) -> None:
        self.ours, self.reference, self.rtol, self.atol = ours, reference, rtol, atol
        self._matched = {(call.name, call.number): i for i, call in enumerate(ours.calls)}
        self.rows = list(self._forward())
        self.rows += self._backward()

    @property
    def ok(self) -> bool:
        return self.first_difference is None

    @cached_property
    def first_difference(self) -> Row | None:
        return next((row for row in self.rows if not row.ok), None)

    @property
    def likely_cause(self) -> Cause | None:
        return self.causes[0] if self.causes else None

    @property
    def causes(self) -> list[Cause]:
        return self._explanation[0]

    @property
    def facts(self) -> list[str]:
        return self._explanation[1]

    @cached_property
    def _explanation(self) -> tuple[list[Cause], list[str]]:
        row = self.first_difference
        if row is None:
            return [], []
        return explain(self._evidence(row))

    @property
    def unmatched(self) -> tuple[list[str], list[str]]:
        """Calls that only torch's model made, and that only ours made."""
        theirs = {(call.name, call.number) for call in self.reference.observation.calls}
        return (
            [_label(c) for c in self.reference.observation.calls if (c.name, c.number) not in self._matched],
            [_label(c) for c in self.ours.calls if (c.name, c.number) not in theirs],
        )

    # ---- rows --------------------------------------------------------------------------------------------
    def _row(self, call: int | None, kind: str, what: str, ours: Any, theirs: Any, layer: str | None = None) -> Row:
        errors = measure(ours, theirs, self.rtol, self.atol)
        some = ours if theirs is None else theirs
        name, layer_kind = "", self.reference.kind
        if call is not None:
            seen = self.reference.observation.calls[call]
            name, layer_kind = _label(seen), seen.kind
        return Row(name if layer is None else layer, layer_kind, kind, what, some.shape, errors, ours, theirs, call)

    def _pairs(self, backwards: bool = False) -> Iterator[tuple[int, Call, Call, bool]]:
        """Both sides' calls as they begin and end, in the order of time or against it."""
        events = self.reference.observation.events
        for index, ended in reversed(events) if backwards else events:
            theirs = self.reference.observation.calls[index]
            if (theirs.name, theirs.number) in self._matched:
                yield index, theirs, self.ours.calls[self._matched[theirs.name, theirs.number]], ended

    def _forward(self) -> Iterator[Row]:
        seen = self.reference.observation
        last = {call.name: call.number for call in seen.calls}
        for index, theirs, ours, ended in self._pairs():
            if not ended:
                yield from self._places(index, "input", ours.inputs, theirs.inputs)
                continue
            yield from self._places(index, "output", ours.outputs, theirs.outputs)
            if theirs.number == last[theirs.name]:
                for name, full in self._owned(theirs.name, seen.buffers):
                    buffer = seen.buffers[full]
                    changed = full not in self.reference.state or not np.array_equal(
                        buffer, self.reference.state[full], equal_nan=buffer.dtype.kind == "f"
                    )
                    row = self._row(index, "buffer", name, self.ours.buffers.get(full), buffer)
                    if changed or not row.ok:
                        yield row
        if seen.loss is not None and self.ours.loss is not None:
            yield self._row(None, "loss", "loss", self.ours.loss, seen.loss)

    def _backward(self) -> Iterator[Row]:
        ours_too = dict.fromkeys(self.ours.parameter_gradients)
        gradients: dict[str, Any] = {**ours_too, **self.reference.observation.parameter_gradients}
        for index, theirs, ours, ended in self._pairs(backwards=True):
            if ended:
                yield from self._places(index, "gradient", ours.gradients, theirs.gradients)
                continue
            if theirs.number == 0:
                for name, full in self._owned(theirs.name, gradients):
                    got = self.ours.parameter_gradients.get(full)
                    yield self._row(index, "parameter", f"gradient of {name}", got, gradients[full], theirs.name)
            yield from self._places(index, "gradient of input", ours.input_gradients, theirs.input_gradients)

    @cached_property
    def _called(self) -> set[str]:
        """Names of the modules that were called on both sides."""
        return {c.name for c in self.reference.observation.calls if (c.name, c.number) in self._matched}

    def _owned(self, owner: str, values: dict[str, Any]) -> list[tuple[str, str]]:
        """Short and full names of the values of a module, and of those inside that were not called."""
        found = []
        for full in values:
            holder = full.rpartition(".")[0]
            while holder not in self._called:
                holder = holder.rpartition(".")[0]
            if holder == owner:
                found.append((full.removeprefix(_join(owner, "")), full))
        return found

    def _places(self, index: int, kind: str, ours: dict, theirs: dict) -> Iterator[Row]:
        for place, array in theirs.items():
            if kind.endswith("input"):  # below [0] those given by position, below [1] those given by name
                what = kind + (place[3:] if len(self.reference.observation.calls[index].inputs) > 1 else "")
            else:
                what = kind + place
            yield self._row(index, kind, what, ours.get(place), array)

    # ---- why ---------------------------------------------------------------------------------------------
    def _evidence(self, row: Row) -> Evidence:
        theirs = self.reference.observation.calls[row.call or 0]
        ours = self.ours.calls[self._matched[theirs.name, theirs.number]]
        prefix = _join(theirs.name, "")
        state = {n.removeprefix(prefix): a for n, a in self.reference.state.items() if n.startswith(prefix)}
        actual, expected = thinned_like(row.ours, row.theirs)
        dtype = next(a.dtype for a in (expected, actual) if a is not None)
        limits = tolerance(dtype, self.rtol, self.atol)
        return Evidence(row.kind, row.what, actual, expected, ours, theirs, state, *limits)

    @property
    def place(self) -> str:
        """Where the first difference comes from: in a layer, or in the code between layers."""
        row = self.first_difference
        if row is None or row.call is None:
            return ""
        call = self.reference.observation.calls[row.call]
        parent = _parent(call.name) if call.name else ""
        around = f"the forward of {parent}" if parent else f"the forward of {self.reference.kind}"
        if row.kind == "input" and call.name:
            return f"all that was computed before agrees: look at what {around} does before it calls {_label(call)}"
        if row.kind == "output" and any(n != call.name and n.startswith(_join(call.name, "")) for n in self._called):
            return f"the layers inside agree: look at {_label(call) or self.reference.kind}'s own forward"
        if row.kind == "output":
            return "its input agrees"
        if row.kind == "gradient" and call.name:
            return f"all outputs agree: look at what {around} does with this output"
        if row.backward:
            return "all outputs agree, and the gradient that reaches this layer: look at its backward"
        return ""

    # ---- text --------------------------------------------------------------------------------------------
    @property
    def shown(self) -> list[Row]:
        """The rows of the table. What a layer gets is what another gave: it is shown where it is the first to differ."""
        return [
            row
            for row in self.rows
            if row is self.first_difference
            or not (row.kind == "input" or (row.kind == "gradient of input" and row.layer))
        ]

    @property
    def headline(self) -> str:
        reference = self.reference
        mode = "training" if reference.modes.get("", True) else "evaluation"
        return (
            f"{reference.kind} beside torch {reference.torch_version}: {reference.dtype or 'mixed dtypes'}, "
            f"seed {reference.seed}, {mode} mode"
        )

    def cells(self, row: Row) -> tuple[str, ...]:
        """A row of the table as text."""
        e = row.errors
        numbers = ["-" if np.isnan(x) else f"{x:.1e}" if x else "0" for x in (e.absolute, e.relative)] + [
            "-" if np.isnan(e.ulps) else f"{e.ulps:.0f}" if e.ulps < 1e6 else f"{e.ulps:.0e}"
        ]
        shape = "×".join(map(str, row.shape)) or "scalar"
        return (row.layer, row.layer_kind, row.what, shape, *numbers, e.problem or "same")

    @property
    def verdict(self) -> list[str]:
        """What the table means, a sentence a line."""
        row = self.first_difference
        if row is None:
            return [f"no difference: {len(self.rows)} arrays agree"]
        problem = "" if row.errors.problem == "differs" else f": it {row.errors.problem}"
        lines = [f"first difference: {row}{problem}"]
        if self.place:
            lines.append(f"  {self.place}")
        for i, cause in enumerate(self.causes):
            lines.append(f"{'likely cause' if i == 0 else 'or'}: {cause}")
        if not self.causes:
            lines.append("no known mistake gives these numbers")
        return lines + [f"  {fact}" for fact in self.facts] + self._notes()

    def _notes(self) -> list[str]:
        return [
            f"called only {where}, and not compared: {', '.join(n or 'the model' for n in names)}"
            for where, names in zip(("in torch's model", "in ours"), self.unmatched)
            if names
        ]

    def __str__(self) -> str:
        titles = ("layer", "", "what", "shape", "absolute", "relative", "ulps", "")
        body: list[tuple[str, ...]] = [titles]
        for i, row in enumerate(self.shown):
            if i and row.backward and not self.shown[i - 1].backward:
                body.append(("",) * len(titles))
            body.append(self.cells(row))
        widths = [max(len(r[column]) for r in body) for column in range(len(titles))]
        lines = [
            "  ".join(c.rjust(w) if 3 <= k <= 6 else c.ljust(w) for k, (c, w) in enumerate(zip(r, widths))).rstrip()
            for r in body
        ]
        notes = self._notes() if self.ok else []
        return "\n".join([self.headline, "", *lines, "", *self.verdict, *notes])

    def __repr__(self) -> str:
        return f"<Comparison: {self.verdict[0]}>"

    def to_dict(self) -> dict[str, Any]:
        """Everything as dicts, lists, strings and numbers, for JSON; numbers that do not exist are None."""

        def number(x: float) -> float | None:
            return x if np.isfinite(x) else None

        return {
            "ok": self.ok,
            "model": self.reference.kind,
            "torch": self.reference.torch_version,
            "rows": [
                {
                    "layer": row.layer, "class": row.layer_kind, "kind": row.kind, "what": row.what,
                    "shape": list(row.shape), "absolute": number(row.errors.absolute),
                    "relative": number(row.errors.relative), "ulps": number(row.errors.ulps),
                    "problem": row.errors.problem,
                }
                for row in self.rows
            ],
            "first_difference": None if self.first_difference is None else self.rows.index(self.first_difference),
            "place": self.place,
            "causes": [{"cause": cause.text, "evidence": cause.evidence} for cause in self.causes],
            "facts": self.facts,
        }  # fmt: skip


def _label(call: Call) -> str:
    return f"{call.name}{f' #{call.number + 1}' if call.number else ''}"


def _join(owner: str, name: str) -> str:
    return f"{owner}.{name}" if owner else name


def _parent(name: str) -> str:
    return name.rpartition(".")[0]
