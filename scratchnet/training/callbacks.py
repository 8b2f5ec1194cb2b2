"""What can be hung into the training loop."""

from __future__ import annotations

import csv
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scratchnet.training import checkpoint
from scratchnet.training.files import replacing
from scratchnet.training.guard import check_weights

if TYPE_CHECKING:
    from scratchnet.training.trainer import Trainer


class Callback:
    """Base class: a subclass defines events it cares about, and in `state_dict` what survives a restart."""

    def on_fit_start(self, trainer: Trainer) -> None: ...
    def on_epoch_start(self, trainer: Trainer) -> None: ...
    def on_gradients(self, trainer: Trainer) -> None:
        """Gradients are there, the optimizer has not used them yet."""

    def on_batch_end(self, trainer: Trainer) -> None: ...
    def on_epoch_end(self, trainer: Trainer) -> None: ...
    def on_fit_end(self, trainer: Trainer) -> None:
        """Also called when training ends with an error."""

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class Checkpoint(Callback):
    """Writes the trainer's whole state after each epoch, and every so many batches.

    Put it last: the state then holds what the other callbacks did in the same event.

    Parameters
    ----------
    path : path
    every : int, optional
        Also after so many batches of an epoch.
    """

    def __init__(self, path: str | Path, every: int | None = None) -> None:
        if every is not None and every < 1:
            raise ValueError(f"Checkpoint: expected every >= 1, got {every}")
        self.path, self.every = Path(path), every

    def on_batch_end(self, trainer: Trainer) -> None:
        if self.every is not None and trainer.batch % self.every == 0:
            self.save(trainer)

    def on_epoch_end(self, trainer: Trainer) -> None:
        self.save(trainer)

    def save(self, trainer: Trainer) -> None:
        check_weights(trainer.model, f"after epoch {trainer.epoch}, batch {trainer.batch}")
        checkpoint.save(self.path, trainer.state_dict())


class History(Callback):
    """Writes the trainer's history as a table of comma-separated values after each epoch."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def on_epoch_end(self, trainer: Trainer) -> None:
        with replacing(self.path, "w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, list(trainer.history[-1]), lineterminator="\n")
            table.writeheader()
            for row in trainer.history:
                table.writerow(
                    {key: f"{value:.6g}" if isinstance(value, float) else value for key, value in row.items()}
                )


class EarlyStopping(Callback):
    """Ends training when a number in the history has not become better for `patience` epochs.

    Parameters
    ----------
    monitor : str
        Key of the history, e.g. "test_loss" or "test_accuracy".
    patience : int
    min_delta : float
        What counts as better: a change of more than this.
    mode : "min" or "max", optional
        "max" for accuracies, "min" for everything else, if not given.
    """

    def __init__(
        self, monitor: str = "test_loss", patience: int = 5, min_delta: float = 0.0, mode: str | None = None
    ) -> None:
        if patience < 1 or mode not in (None, "min", "max"):
            raise ValueError(f"EarlyStopping: expected patience >= 1 and mode min or max, got {patience} and {mode!r}")
        self.monitor, self.patience, self.min_delta = monitor, patience, abs(min_delta)
        self.sign = -1.0 if mode == "max" or (mode is None and "accuracy" in monitor) else 1.0
        self.best, self.waited = float("inf"), 0

    def on_epoch_end(self, trainer: Trainer) -> None:
        row = trainer.history[-1]
        if self.monitor not in row:
            raise ValueError(f"EarlyStopping: the history has no {self.monitor!r}, only {', '.join(row)}")
        value = self.sign * row[self.monitor]
        if value < self.best - self.min_delta:
            self.best, self.waited = value, 0
            return
        self.waited += 1
        if self.waited >= self.patience:
            trainer.stop(f"{self.monitor} has not become better for {self.waited} epochs")

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "waited": self.waited}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best, self.waited = state.get("best", self.best), state.get("waited", self.waited)


class GradientClipping(Callback):
    """Scales all gradients down together when their joint norm exceeds `max_norm`."""

    def __init__(self, max_norm: float) -> None:
        if not max_norm > 0:
            raise ValueError(f"GradientClipping: expected max_norm > 0, got {max_norm}")
        self.max_norm = max_norm

    def on_gradients(self, trainer: Trainer) -> None:
        from scratchnet.nn.utils import clip_grad_norm_

        clip_grad_norm_(trainer.model.parameters(), self.max_norm)


class StopOnInterrupt(Callback):
    """The first Ctrl-C ends training after the present epoch; a second one, at once."""

    def on_fit_start(self, trainer: Trainer) -> None:
        self.before: Any = None
        if threading.current_thread() is not threading.main_thread():
            return  # only the main thread may set handlers

        def first(number: int, frame: Any) -> None:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            trainer.stop("interrupted")
            print("\nfinishing this epoch, then stopping; press Ctrl-C again to stop at once", file=sys.stderr)

        self.before = signal.signal(signal.SIGINT, first)

    def on_fit_end(self, trainer: Trainer) -> None:
        if self.before is not None:
            signal.signal(signal.SIGINT, self.before)
