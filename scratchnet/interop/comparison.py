"""What a comparison found: a row for every array, the first that differs, and why."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from scratchnet.interop.causes import Cause, explain
from scratchnet.interop.observing import Observation
from scratchnet.interop.reference import Reference
from scratchnet.interop.rows import Pairing, Row, join, label
from scratchnet.nn.state_dict_report import aligned


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
    unmatched : pair of lists of str
        Calls that only torch's model made, and those that only ours made.
    """

    def __init__(
        self, ours: Observation, reference: Reference, rtol: float | None = None, atol: float | None = None
    ) -> None:
        self.reference = reference
        self._pairing = Pairing(ours, reference, rtol, atol)
        self.unmatched = self._pairing.unmatched
        self.rows = [*self._pairing.forward(), *self._pairing.backward()]

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
        return explain(self._pairing.evidence(row))

    # ---- where and why -----------------------------------------------------------------------------------
    @property
    def place(self) -> str:
        """Where the first difference comes from: in a layer, or in the code between layers."""
        row = self.first_difference
        if row is None or row.call is None:
            return ""
        call = self.reference.observation.calls[row.call]
        around = f"the forward of {call.name.rpartition('.')[0] or self.reference.kind}"
        if row.kind == "input" and call.name:
            return f"all that was computed before agrees: look at what {around} does before it calls {label(call)}"
        if row.kind == "output" and any(
            n != call.name and n.startswith(join(call.name, "")) for n in self._pairing.called
        ):
            return f"the layers inside agree: look at {label(call) or self.reference.kind}'s own forward"
        if row.kind == "output":
            return "its input agrees"
        if row.kind == "gradient":
            return f"all outputs agree: look at what {around if call.name else 'the loss'} does with this output"
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
            f"{reference.kind} beside torch {reference.torch_version}: {' and '.join(reference.dtypes) or 'no floats'}, "
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
            return [f"no difference: {len(self.rows)} arrays agree", *self._notes()]
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
        notes = [
            f"called only {where}, and not compared: {', '.join(n or 'the model' for n in names)}"
            for where, names in zip(("in torch's model", "in ours"), self.unmatched)
            if names
        ]
        if not any(row.backward for row in self.rows):
            notes.append("no gradients are compared: nothing that torch's model returned requires grad")
        return notes

    def __str__(self) -> str:
        titles = ("layer", "", "what", "shape", "absolute", "relative", "ulps", "")
        body: list[tuple[str, ...]] = [titles]
        for i, row in enumerate(self.shown):
            if i and row.backward and not self.shown[i - 1].backward:
                body.append(("",) * len(titles))
            body.append(self.cells(row))
        return "\n".join([self.headline, "", *aligned(body, right=range(3, 7)), "", *self.verdict])

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
            "causes": [
                {"cause": cause.text, "evidence": cause.evidence, "hypothesis": cause.hypothesis}
                for cause in self.causes
            ],
            "facts": self.facts,
        }  # fmt: skip
