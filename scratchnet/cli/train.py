"""`scratchnet train`"""

from __future__ import annotations

import argparse
import sys
import time
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
    state = _state_to_resume(args) if hasattr(args, "resume") else None
    settings = _settings(args) if state is None else state["config"]["settings"]

    scratchnet.manual_seed(settings["seed"])
    train, test = build.datasets(settings["data"], settings["augment"])
    network = build.model(settings["model"], len(train.classes))
    optimizer = build.optimizer(network, settings)
    train_loader, test_loader = build.loaders(train, test, settings)
    scheduler = build.schedule(optimizer, settings, len(train_loader))

    if state is None:
        default = f"{settings['model']}-{settings['data'].partition(':')[0]}"
        folder = runs.create(getattr(args, "output", "runs"), getattr(args, "name", None), default)
    else:
        folder = runs.checkpoint_of(args.resume).parent
    trainer = training.Trainer(
        network,
        optimizer,
        loss=lambda output, target: cross_entropy(
            output, target, label_smoothing=settings["label_smoothing"]
        ),
        scheduler=scheduler,
        callbacks=_callbacks(folder, settings, quiet),
        config={"settings": settings, "classes": train.classes},
    )
    if state is not None:
        trainer.load_state_dict(state)
        _say(quiet, f"going on with {folder} after epoch {trainer.epoch} of {settings['epochs']}")
    else:
        _say(quiet, report.introduction(settings, network, train, test, folder))
    return _train(trainer, settings, train_loader, test_loader, folder, quiet)


def _train(
    trainer: Any, settings: dict, train_loader: Any, test_loader: Any, folder: Path, quiet: bool
) -> int:
    start = time.perf_counter()
    trainer.fit(train_loader, settings["epochs"], test_loader)
    seconds = time.perf_counter() - start
    if trainer.stop_reason == "interrupted" and trainer.epoch < settings["epochs"]:
        print(
            f"stopped after epoch {trainer.epoch} of {settings['epochs']}. To go on:\n"
            f"  {runs.command('train', '--resume', folder)}",
            file=sys.stderr,
        )
        return 130
    if trainer.stop_reason:
        _say(quiet, f"stopped after epoch {trainer.epoch}: {trainer.stop_reason}")
    report.finish(trainer, test_loader.dataset, test_loader, folder, seconds, quiet)
    return 0


def _callbacks(folder: Path, settings: dict[str, Any], quiet: bool) -> list[training.Callback]:
    callbacks: list[training.Callback] = [training.StopOnInterrupt()]
    if not quiet:
        callbacks.append(training.Progress())
    if settings["clip"] is not None:
        callbacks.append(training.GradientClipping(settings["clip"]))
    if settings["patience"] is not None:
        callbacks.append(training.EarlyStopping("test_loss", settings["patience"]))
    callbacks.append(training.History(folder / runs.HISTORY))
    callbacks.append(training.Checkpoint(folder / runs.CHECKPOINT, settings["checkpoint_every"]))
    return callbacks


def _settings(args: argparse.Namespace) -> dict[str, Any]:
    settings = {**DEFAULTS, **explicit(args)}
    if settings["lr"] is None:
        settings["lr"] = LEARNING_RATES[settings["optimizer"]]
    return settings


def _state_to_resume(args: argparse.Namespace) -> dict[str, Any]:
    """The checkpoint of a run that is not finished. Its settings hold: others would make it another run."""
    path = runs.checkpoint_of(args.resume)
    state = runs.load(path)
    settings = state["config"]["settings"]
    given = {
        **explicit(args),
        **{key: getattr(args, key) for key in ("output", "name") if hasattr(args, key)},
    }
    other = [key for key, value in given.items() if key not in settings or settings[key] != value]
    if other:
        names = ", ".join("--" + key.replace("_", "-") for key in other)
        raise ValueError(f"--resume goes on with the run as it was begun: leave out {names}")
    if state["epoch"] >= settings["epochs"]:
        raise ValueError(f"{path.parent} is finished: all its {settings['epochs']} epochs are done")
    return state


def _say(quiet: bool, text: str) -> None:
    if not quiet:
        print(text, flush=True)
