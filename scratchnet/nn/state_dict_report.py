"""What does not fit between a checkpoint and a module, in one table; and names that differ by a prefix only."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

_MOST_ROWS = 40
_PREFIX = "module."


def without_prefix(state_dict: Mapping[str, Any], own_keys: Iterable[str]) -> OrderedDict:
    """The values without the `module.` that DataParallel puts before every name, unless the module has such names."""
    wrapped = bool(state_dict) and all(isinstance(key, str) and key.startswith(_PREFIX) for key in state_dict)
    if not wrapped or any(key.startswith(_PREFIX) for key in own_keys):
        return OrderedDict(state_dict)
    return OrderedDict((key[len(_PREFIX) :], value) for key, value in state_dict.items())


def table(own: Mapping[str, Any], given: Mapping[str, Any], missing: Iterable[str], unexpected: Iterable[str]) -> str:
    """One row for each name that does not fit: its shape here, its shape in the checkpoint, and what is wrong.

    Parameters
    ----------
    own, given : mapping
        From names to values: the module's and the checkpoint's.
    missing, unexpected : iterable of str
        Names that are to be reported, besides those whose shapes differ.

    Returns
    -------
    str
        Empty if there is no row.
    """
    problems = {**dict.fromkeys(missing, "missing"), **dict.fromkeys(unexpected, "unexpected")}
    for name in own:
        if name in given and shape_of(own[name]) != shape_of(given[name]):
            problems[name] = "other shape"
    if not problems:
        return ""
    rows = [("key", "module", "checkpoint", "")]
    rows += [(name, shape_of(own.get(name)), shape_of(given.get(name)), what) for name, what in problems.items()]
    left_out = len(rows) - 1 - _MOST_ROWS
    rows = rows[: _MOST_ROWS + 1]
    return "\n".join([*aligned(rows), *[f"… and {left_out} more"] * (left_out > 0)])


def aligned(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> list[str]:
    """Lines of columns that are as wide as they must be; those in `right` end below one another."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def shape_of(value: Any) -> str:
    if value is None:
        return "-"
    return "×".join(map(str, value.shape)) or "scalar" if hasattr(value, "shape") else type(value).__name__
