"""What does not fit between a checkpoint and a module, in one table; and names that differ by a prefix only."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
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
        if name in given and _shape(own[name]) != _shape(given[name]):
            problems[name] = "other shape"
    if not problems:
        return ""
    rows = [("key", "module", "checkpoint", "")]
    rows += [(name, _shape(own.get(name)), _shape(given.get(name)), what) for name, what in problems.items()]
    left_out = len(rows) - 1 - _MOST_ROWS
    rows = rows[: _MOST_ROWS + 1]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines + [f"… and {left_out} more"] * (left_out > 0))


def _shape(value: Any) -> str:
    if value is None:
        return "-"
    return "×".join(map(str, value.shape)) or "scalar" if hasattr(value, "shape") else type(value).__name__
