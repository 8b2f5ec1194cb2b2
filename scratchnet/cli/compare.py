"""`scratchnet compare`"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from typing import Any

import numpy as np

from scratchnet import interop, nn
from scratchnet.cli import build
from scratchnet.cli.options import MODELS
from scratchnet.interop.arguments import full_name
from scratchnet.interop.comparison import Comparison
from scratchnet.interop.reference import import_torch

_OF_TORCH = ("inputs", "dtype", "train", "seed", "record")


def run(args: argparse.Namespace) -> int:
    """A table of all layers beside torch's. The exit code is 1 if one differs."""
    sys.path.insert(0, os.getcwd())
    ours = build.model(args.model, 10) if args.model in MODELS else _make(args.model)
    if not isinstance(ours, nn.Module):
        raise ValueError(f"{args.model} gives {full_name(ours)}, expected a scratchnet.nn.Module")
    try:
        comparison = _with_torch(ours, args) if hasattr(args, "theirs") else _with_reference(ours, args)
    except RuntimeError as error:
        head, blank, table = str(error).partition("\n\n")
        if not (blank and head.startswith("Error(s) in loading state_dict")):
            raise
        print(
            f"scratchnet: error: the weights do not fit {args.model}, which needs the names and shapes of torch's model"
            f"\n\n{table}",
            file=sys.stderr,
        )
        return 1
    if getattr(args, "json", False):
        print(json.dumps(comparison.to_dict()))
    elif getattr(args, "quiet", False):
        print("\n".join(line for line in comparison.verdict if not line.startswith(" ")))
    elif sys.stdout.isatty():
        _show(comparison)
    else:
        print(comparison)
    return 0 if comparison.ok else 1


def _with_torch(ours: nn.Module, args: argparse.Namespace) -> Comparison:
    if not hasattr(args, "inputs"):
        raise ValueError("--with needs --input: the shape of each argument, such as --input 8x1x28x28")
    seed = getattr(args, "seed", 0)
    try:
        import_torch().manual_seed(seed)  # a model draws its weights: the same each time
    except ImportError as error:
        raise ValueError(str(error)) from error
    theirs = _make(args.theirs)
    rng = np.random.default_rng(seed)
    inputs = tuple(
        rng.standard_normal(shape).astype(np.float32) if below is None else rng.integers(0, below, shape)
        for shape, below in args.inputs
    )
    options = {"seed": seed, "dtype": getattr(args, "dtype", None), "train": getattr(args, "train", False)}
    if hasattr(args, "record"):
        interop.record(theirs, inputs, args.record, **options)
    return interop.compare(ours, theirs, inputs, **options)


def _with_reference(ours: nn.Module, args: argparse.Namespace) -> Comparison:
    if given := [name for name in _OF_TORCH if hasattr(args, name)]:
        raise ValueError(f"--{given[0].removesuffix('s')} goes together with --with FACTORY, torch's model")
    if not hasattr(args, "reference") and args.model not in interop.references():
        raise ValueError(
            f"what is {args.model} to be compared with? --with FACTORY names torch's model, --reference FILE what was "
            f"recorded of one; with the package come {', '.join(interop.references())}"
        )
    return interop.replay(ours, getattr(args, "reference", args.model))


def _make(name: str) -> Any:
    """The model that "package.module:factory" names: what it returns, or is."""
    where, colon, what = name.partition(":")
    if not (where and colon and what):
        raise ValueError(f"expected {', '.join(MODELS)} or package.module:factory, got {name!r}")
    try:
        value: Any = importlib.import_module(where)
    except ModuleNotFoundError as error:
        raise ValueError(f"cannot import {where}: {error}") from error
    except Exception as error:
        raise ValueError(f"cannot import {where}: {type(error).__name__}: {error}") from error
    for part in what.split("."):
        if not hasattr(value, part):
            raise ValueError(f"{where} has no {what}")
        value = getattr(value, part)
    is_model = hasattr(value, "state_dict") and not isinstance(value, type)
    if is_model or not callable(value):
        return value
    try:
        return value()
    except Exception as error:
        raise ValueError(f"{name}() raises {type(error).__name__}: {error}") from error


def _show(comparison: Comparison) -> None:
    """The table in colours."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold")
    for i, title in enumerate(("layer", "", "what", "shape", "absolute", "relative", "ulps", "")):
        table.add_column(title, justify="right" if 3 <= i <= 6 else "left", no_wrap=title != "what")
    previous = None
    for row in comparison.shown:
        if previous is not None and row.backward and not previous.backward:
            table.add_section()
        first = row is comparison.first_difference
        style = "bold red" if first else "" if row.ok else "red"
        table.add_row(*map(Text, comparison.cells(row)), style=style)
        previous = row
    console = Console(highlight=False)
    console.print(comparison.headline, style="bold", markup=False)
    console.print(table)
    for line in comparison.verdict:
        console.print(line, style="green" if comparison.ok else "", markup=False)
