"""Which of torch's public names are here, and what is here that torch has not: makes docs/coverage.md.

    python -m tools.coverage_table            # says what is missing and not explained, and whether the page is up to date
    python -m tools.coverage_table --write    # makes the page anew
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "coverage.md"

MODULES = (
    "nn", "nn.functional", "nn.init", "nn.utils", "nn.utils.rnn", "nn.utils.parametrize", "nn.utils.parametrizations",
    "nn.utils.prune", "nn.utils.stateless", "optim", "optim.lr_scheduler", "optim.swa_utils",
)  # fmt: skip

_QUANTISED = "there are no quantised dtypes here"
_FORMATS = "arrays have one memory format here"
_PLUMBING = "torch's own plumbing, not documented"
_FLOAT8 = "raises NotImplementedError: there are no 8-bit floating-point numbers here"
_BACKENDS = ("foreach", "capturable", "differentiable", "fused")

# What differs, and why: a name that is missing or only raises, or an argument of one that is here, `name(argument)`.
REASONS: dict[str, str] = {
    "nn.common_types": "type hints of torch's own functions",
    "nn.grad": "gradients of convolutions come from `autograd.grad`, which gives those of every order",
    "nn.intrinsic": _QUANTISED,
    "nn.qat": _QUANTISED,
    "nn.quantizable": _QUANTISED,
    "nn.quantized": _QUANTISED,
    "nn.parallel": "for several GPUs or processes; `nn.DataParallel` is here, and calls its module",
    "nn.UninitializedBuffer(persistent)": "whether a buffer is saved is said by `register_buffer`",
    "nn.functional.ScalingType": f"says how 8-bit numbers are scaled; {_FLOAT8.partition(': ')[2]}",
    "nn.functional.SwizzleType": f"says how scales of 8-bit numbers lie in memory; {_FLOAT8.partition(': ')[2]}",
    "nn.functional.scaled_mm": _FLOAT8,
    "nn.functional.scaled_grouped_mm": _FLOAT8,
    "nn.functional.assert_int_or_pair": _PLUMBING,
    "nn.functional.boolean_dispatch": _PLUMBING,
    "nn.functional.has_torch_function": _PLUMBING,
    "nn.functional.has_torch_function_unary": _PLUMBING,
    "nn.functional.has_torch_function_variadic": _PLUMBING,
    "nn.utils.convert_conv2d_weight_memory_format": _FORMATS,
    "nn.utils.convert_conv3d_weight_memory_format": _FORMATS,
    "optim.SparseAdam": "raises NotImplementedError: gradients are never sparse here",
    **{f"optim.AdamW({name})": "passed on to Adam by keyword" for name in _BACKENDS},
}


# ---- what there is ---------------------------------------------------------------------------------------
def public_names(module: ModuleType) -> list[str]:
    """`__all__`; without one the subpackages, and the functions and classes that torch wrote."""
    if hasattr(module, "__all__"):
        return sorted(set(module.__all__))
    return sorted(n for n, x in vars(module).items() if not n.startswith("_") and _is_torchs(module, x))


def _is_torchs(module: ModuleType, x: Any) -> bool:
    if inspect.ismodule(x):
        return x.__name__.startswith(module.__name__ + ".")
    home = getattr(x, "__module__", None) or "torch"
    if home == "torch":  # written in C
        return callable(x) and not inspect.isclass(x)
    return callable(x) and home.startswith(("torch.nn", "torch.optim", "torch._", "torch.functional"))


def pairs() -> Iterator[tuple[str, str, Any, Any]]:
    """Module, name, torch's and ours (None if there is none), of every public name."""
    for path in MODULES:
        theirs, ours = (importlib.import_module(f"{library}.{path}") for library in ("torch", "scratchnet"))
        for name in public_names(theirs):
            yield path, name, getattr(theirs, name), getattr(ours, name, None)


def arguments(function: Callable) -> dict[str, Any] | None:
    """Names and defaults, by the signature or, for what is written in C, by the first line of the docstring."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        line = re.match(r"\s*\w+\((.*?)\)", function.__doc__ or "")
        names = line[1].split(",") if line else []
        return {n.partition("=")[0].strip(): _UNKNOWN for n in names if n.strip() != "*"} or None
    return {p.name: p.default for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}


_UNKNOWN = object()


def _same_default(theirs: Any, ours: Any) -> bool:
    if theirs is _UNKNOWN or theirs is ours or theirs == ours:
        return True
    return callable(theirs) and getattr(theirs, "__name__", 0) == getattr(ours, "__name__", 1)


def argument_differences(theirs: Any, ours: Any) -> dict[str, str]:
    """What ails each argument of torch's that is missing here, in another place, or has another default."""
    expected, given = arguments(theirs), arguments(ours)
    if expected is None or given is None:
        return {}
    found = {n: "is missing" for n in expected if n not in given}
    shared = [n for n in expected if n in given]
    order = [n for n in given if n in expected]
    found.update({a: f"comes where {b} should" for a, b in zip(order, shared) if a != b})
    for n in shared:
        if not _same_default(expected[n], given[n]):
            found.setdefault(n, f"is {given[n]!r} by default, and not {expected[n]!r}")
    return found


def problems() -> list[str]:
    """Names and arguments that are neither here nor explained, and explanations of what is here."""
    unexplained, used = [], set()
    for path, name, theirs, ours in pairs():
        key = f"{path}.{name}"
        if ours is None:
            used.add(key)
            if key not in REASONS:
                unexplained.append(f"{key} is missing")
        elif REASONS.get(key, "").startswith("raises "):
            used.add(key)
        elif callable(theirs):
            for argument, what in argument_differences(theirs, ours).items():
                used.add(f"{key}({argument})")
                if f"{key}({argument})" not in REASONS:
                    unexplained.append(f"{key}: {argument} {what}")
    return unexplained + [f"{key} is explained, but nothing is wrong with it" for key in REASONS if key not in used]


# ---- the page --------------------------------------------------------------------------------------------
def _status(path: str, name: str, ours: Any) -> tuple[str, str]:
    """"done", "alias" or "not", and a remark."""
    key = f"{path}.{name}"
    if ours is None or key in REASONS:
        return "not", REASONS.get(key, "**unexplained**")
    reasons: dict[str, list[str]] = {}
    for k, reason in REASONS.items():
        if k.startswith(key + "("):
            reasons.setdefault(reason, []).append(f"`{k[len(key) + 1 : -1]}`")
    notes = [f"{', '.join(names)}: {reason}" for reason, names in reasons.items()]
    own = getattr(ours, "__name__", name).rpartition(".")[2]
    new = getattr(ours, "__wrapped__", None)
    if own != name or (new is not None and hasattr(new, "__name__") and not inspect.isclass(ours)):
        other = own if own != name else new.__name__
        if other != name:
            return "alias", "; ".join([f"of `{other}`", *notes])
    return "done", "; ".join(notes)


def first_line(x: Any) -> str:
    """The first line of a docstring, for a cell of a table."""
    return (inspect.getdoc(x) or "").partition("\n")[0].replace("|", "\\|")


def beyond() -> Iterator[tuple[str, dict[str, Any]]]:
    """What is here and not in torch, by package."""
    known = {name for path in MODULES for name in dir(importlib.import_module(f"torch.{path}"))}
    for path in ("nn.blocks", "nn.losses"):
        package = importlib.import_module(f"scratchnet.{path}")
        yield path, {name: getattr(package, name) for name in sorted(package.__all__)}
    for path in ("nn", "nn.functional", "nn.init", "nn.utils", "optim", "optim.lr_scheduler", "optim.swa_utils"):
        ours = importlib.import_module(f"scratchnet.{path}")
        yield path, {
            name: x
            for name, x in sorted(vars(ours).items())
            if name not in known and _is_ours(name, x, path)
        }


def _is_ours(name: str, x: Any, path: str) -> bool:
    """Made here, and not a tool that the module itself uses: initialisers end in "_"."""
    home = getattr(x, "__module__", None) or ""
    public = not name.startswith("_") and (path != "nn.init" or name.endswith("_"))
    return public and callable(x) and home.startswith(f"scratchnet.{path.partition('.')[0]}.")


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    return [_row(heads), _row(("---",) * len(heads)), *map(_row, rows), ""]


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


def _section(path: str, rows: list[tuple[str, ...]]) -> list[str]:
    """The names of a module that need no remark, and a table of the others."""
    plain = [name for name, status, remark in rows if (status, remark) == ("done", "")]
    others = [row for row in rows if row[0] not in plain]
    table = _table(("name", "here", "remark"), others) if others else []
    return [f"## torch.{path}", "", f"Done: {', '.join(plain)}.", "", *table]


def page() -> str:
    """The whole of docs/coverage.md."""
    version = importlib.import_module("torch").__version__.partition("+")[0]
    by_module: dict[str, list[tuple[str, ...]]] = {path: [] for path in MODULES}
    for path, name, _, ours in pairs():
        by_module[path].append((f"`{name}`", *_status(path, name, ours)))
    lines = [
        f"# Coverage of torch {version}",
        "",
        "Every public name of torch's packages for networks and optimizers: *done*, an *alias* of another name (as in torch), "
        "or *not*, and why. Arguments have torch's names, order and defaults, but where a remark says otherwise. Then what "
        "is here and not in torch.",
        "",
        "Made by `python -m tools.coverage_table --write`; a test compares it with torch and with what is here.",
        "",
        *_table(
            ("module", "names", "done", "alias", "not"),
            [
                (f"`torch.{path}`", str(len(rows)), *(str(sum(r[1] == s for r in rows)) for s in ("done", "alias", "not")))
                for path, rows in by_module.items()
            ],
        ),
    ]
    for path, rows in by_module.items():
        lines += _section(path, rows)
    lines += ["# Beyond torch", ""]
    for path, things in beyond():
        if things:
            rows = [(f"`{name}`", first_line(x)) for name, x in things.items()]
            lines += [f"## scratchnet.{path}", "", *_table(("name", "what it is"), rows)]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    found = problems()
    print(*found, sep="\n", end="\n" if found else "")
    if "--write" in arguments:
        PAGE.write_text(page(), "utf-8")
    elif PAGE.read_text("utf-8") != page():
        found.append("stale")
        print(f"{PAGE.name} is out of date: python -m tools.coverage_table --write")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
