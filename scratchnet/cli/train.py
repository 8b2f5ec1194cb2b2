"""`scratchnet train`"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import scratchnet
from scratchnet import training
from scratchnet.cli import build, report
from scratchnet.cli import run as runs
from scratchnet.cli.options import DEFAULTS, LEARNING_RATES, explicit
from scratchnet.nn.functional import cross_entropy


def run(args: argparse.Namespace) -> int:
    """Train, or go on training; then show what was learned."""
    build.require("rich", "matplotlib", "PIL")
    quiet = getattr(args, "quiet", False)
    state = _unfinished(args) if hasattr(args, "resume") else None
    settings = _settings(args) if state is None else state["config"]["settings"]

    # All that may be refused is refused before a folder is made.
    scratchnet.manual_seed(settings["seed"])
    train_set, test_set = build.datasets(settings["data"], settings["augment"])
    trainer, train_loader = _prepare(settings, train_set, quiet)
    if state is not None:
        folder = runs.checkpoint_of(args.resume).parent
        _restore(trainer, state, folder)
        _say(quiet, f"going on with {folder} after epoch {trainer.epoch} of {settings['epochs']}")
    else:
        default = f"{settings['model']}-{settings['data'].partition(':')[0]}"
        folder = runs.create(getattr(args, "output", "runs"), getattr(args, "name", None), default)
        _say(quiet, report.introduction(settings, trainer.model, train_set, test_set, folder))

    trainer.callbacks.append(training.History(folder / runs.HISTORY))
    trainer.callbacks.append(training.Checkpoint(folder / runs.CHECKPOINT, settings["checkpoint_every"]))
    test_loader = build.test_loader(test_set)
    trainer.fit(train_loader, settings["epochs"], test_loader)
    if trainer.stop_reason == "interrupted" and trainer.epoch < settings["epochs"]:
        return _interrupted(trainer, folder)
    if trainer.stop_reason:
        _say(quiet, f"stopped after epoch {trainer.epoch}: {trainer.stop_reason}")
    report.finish(trainer, test_loader, folder, quiet, getattr(args, "pictures", True))
    return 0


def _prepare(settings: dict[str, Any], train_set: Any, quiet: bool) -> tuple[training.Trainer, Any]:
    """A trainer that writes nothing yet, and its batches."""
    network = build.model(settings["model"], len(train_set.classes))
    optimizer = build.optimizer(network, settings)
    loader = build.train_loader(train_set, settings)
    callbacks: list[training.Callback] = [training.StopOnInterrupt()]
    if not quiet:
        callbacks.append(training.Progress())
    if settings["clip"] is not None:
        callbacks.append(training.GradientClipping(settings["clip"]))
    if settings["patience"] is not None:
        callbacks.append(training.EarlyStopping("test_loss", settings["patience"]))
    trainer = training.Trainer(
        network,
        optimizer,
        loss=lambda output, y: cross_entropy(output, y, label_smoothing=settings["label_smoothing"]),
        scheduler=build.schedule(optimizer, settings, len(loader)),
        callbacks=callbacks,
        config={"settings": settings, "classes": train_set.classes},
    )
    return trainer, loader


def _settings(args: argparse.Namespace) -> dict[str, Any]:
    settings = {**DEFAULTS, **explicit(args)}
    if settings["lr"] is None:
        settings["lr"] = LEARNING_RATES[settings["optimizer"]]
    return settings


def _unfinished(args: argparse.Namespace) -> dict[str, Any]:
    """The checkpoint of the run to go on with. Its settings hold: others would make it another run."""
    path = runs.checkpoint_of(args.resume)
    state = runs.load(path)
    settings = state["config"]["settings"]
    given = explicit(args) | {key: getattr(args, key) for key in ("output", "name") if hasattr(args, key)}
    other = [key for key, value in given.items() if key not in settings or settings[key] != value]
    if other:
        names = ", ".join("--" + key.replace("_", "-") for key in other)
        raise ValueError(f"--resume goes on with the run as it was begun: leave out {names}")
    if state["epoch"] >= settings["epochs"]:
        raise ValueError(f"{path.parent} is finished: all its {settings['epochs']} epochs are done")
    return state


def _restore(trainer: training.Trainer, state: dict[str, Any], folder: Path) -> None:
    try:
        trainer.load_state_dict(state)
    except (RuntimeError, ValueError, KeyError, TypeError) as error:
        raise training.CheckpointError(f"the checkpoint in {folder} does not fit its settings: {error}") from error


def _interrupted(trainer: training.Trainer, folder: Path) -> int:
    print(
        f"stopped after epoch {trainer.epoch} of {trainer.epochs}. To go on:\n"
        f"  {runs.command('train', '--resume', folder)}",
        file=sys.stderr,
    )
    return 130


def _say(quiet: bool, text: str) -> None:
    if not quiet:
        print(text, flush=True)
