"""The folder of a run: a name that is free, and what is in it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

CHECKPOINT, HISTORY = "checkpoint.npz", "history.csv"


def create(output: str, name: str | None, default: str) -> Path:
    """Make the folder of a new run. Nothing is ever overwritten.

    A name that was asked for must be free; the default one gets a number if it is not.
    """
    root = Path(output)
    root.mkdir(parents=True, exist_ok=True)
    if name is not None:
        folder = root / name
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ValueError(f"{folder} exists: choose another --name, or go on with that run: --resume {folder}")
        folder.mkdir(exist_ok=True)
        return folder
    number = 1
    while True:
        folder = root / (default if number == 1 else f"{default}-{number}")
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            number += 1


def checkpoint_of(path: str) -> Path:
    """The checkpoint file of a run, named by its folder or by itself."""
    file = Path(path)
    if file.is_dir():
        file = file / CHECKPOINT
    if not file.is_file():
        raise ValueError(f"there is no checkpoint {file}")
    return file


def load(path: Path) -> dict[str, Any]:
    """A checkpoint that `train` wrote."""
    from scratchnet.training import CheckpointError, checkpoint

    state = checkpoint.load(path)
    if not isinstance(state, dict) or "settings" not in state.get("config", {}):
        raise CheckpointError(f"{path} was not written by `scratchnet train`: it does not say what network it holds")
    return state


def load_model(path: Path) -> tuple[Any, dict[str, Any]]:
    """The trained network of a checkpoint, in eval mode, and the checkpoint's config."""
    from scratchnet.cli import build
    from scratchnet.training import CheckpointError

    state = load(path)
    config = state["config"]
    name = config["settings"]["model"]
    network = build.model(name, len(config["classes"]))
    try:
        network.load_state_dict(state["model"])
    except (RuntimeError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} does not hold the weights of {name}: {error}") from error
    return network.eval(), config


def command(*words: Any) -> str:
    """A command as it can be typed here: `scratchnet …` if that is on the path, else through this Python."""
    if shutil.which("scratchnet"):
        return " ".join(["scratchnet", *map(str, words)])
    python = os.path.relpath(sys.executable) if Path(sys.executable).is_relative_to(Path.cwd()) else sys.executable
    return " ".join([python, "-m", "scratchnet", *map(str, words)])
