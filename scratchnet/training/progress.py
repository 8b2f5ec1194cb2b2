"""How far a run is: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from scratchnet.training.callbacks import Callback

if TYPE_CHECKING:
    from scratchnet.training.trainer import Trainer


class Progress(Callback):
    """Loss, accuracy, samples per second and time left.

    A bar that moves if standard output is a terminal and rich is installed; else a line after each epoch, and
    now and then in a long one.

    Parameters
    ----------
    bar : bool, optional
        Ask for the bar or for lines, whatever the output is.
    every : float
        Seconds between lines within an epoch.
    patience : float
        Seconds that the first batch may take before it is said why: kernels are compiled on a machine's first run.
    """

    def __init__(self, bar: bool | None = None, every: float = 20.0, patience: float = 1.5) -> None:
        self.wants_bar, self.every, self.patience = bar, every, patience
        self.bar: Any = None

    def on_fit_start(self, trainer: Trainer) -> None:
        self.printed = time.perf_counter()
        self.batches = len(trainer.train_loader)
        wants = sys.stdout.isatty() if self.wants_bar is None else self.wants_bar
        self.bar = _make_bar(trainer.epochs * self.batches, self._done(trainer)) if wants else None
        self.notice = threading.Timer(self.patience, self._print, ["compiling the kernels: once, some seconds"])
        self.notice.daemon = True
        self.notice.start()

    def on_epoch_start(self, trainer: Trainer) -> None:
        """Speed is that of the present epoch: a run's first batch compiles kernels, and would spoil the mean."""
        self.start, self.first, self.samples = time.perf_counter(), self._done(trainer), 0

    def on_batch_end(self, trainer: Trainer) -> None:
        self.notice.cancel()
        self.samples += len(trainer.output)
        self.speed = self.samples / max(time.perf_counter() - self.start, 1e-9)
        results = _results(trainer.mean_loss.value, trainer.mean_accuracy.value)
        if self.bar is not None:
            text = f"epoch {trainer.epoch + 1}/{trainer.epochs}"
            done = self._done(trainer)
            self.bar.update(
                self.bar.task_ids[0], completed=done, description=text, text=f"{results}   {self._pace(trainer)}"
            )
        elif time.perf_counter() - self.printed > self.every:
            self._print(
                f"epoch {trainer.epoch + 1:>3}/{trainer.epochs}  batch {trainer.batch}/{self.batches}  "
                f"{results}   {self._pace(trainer)}"
            )

    def on_epoch_end(self, trainer: Trainer) -> None:
        row = trainer.history[-1]
        text = f"epoch {row['epoch']:>3}/{trainer.epochs}  {_results(row['loss'], row['accuracy'])}"
        if "test_loss" in row:
            text += f"   test {_results(row['test_loss'], row['test_accuracy'])}"
        self._print(f"{text}   {self._pace(trainer)}")

    def on_fit_end(self, trainer: Trainer) -> None:
        self.notice.cancel()
        if self.bar is not None:
            self.bar.stop()

    def _print(self, text: str) -> None:
        self.printed = time.perf_counter()
        if self.bar is not None:
            self.bar.console.print(text, highlight=False, markup=False)
        else:
            print(text, flush=True)

    def _done(self, trainer: Trainer) -> int:
        return trainer.epoch * self.batches + trainer.batch

    def _pace(self, trainer: Trainer) -> str:
        done = self._done(trainer)
        seconds = (time.perf_counter() - self.start) / max(done - self.first, 1)
        left = round(seconds * (trainer.epochs * self.batches - done))
        return f"{self.speed:,.0f} samples/s  {left // 60}:{left % 60:02d} left"


def _results(loss: float, accuracy: float) -> str:
    return f"loss {loss:.4f}  accuracy {accuracy:7.2%}"


def _make_bar(total: int, completed: int) -> Any:
    """rich's progress bar, or None where rich is not installed."""
    try:
        from rich import progress
    except ImportError:
        return None
    bar = progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.TextColumn("{task.fields[text]}", markup=False),
        transient=True,
    )
    bar.start()
    bar.add_task("starting", total=total, completed=completed, text="")
    return bar
