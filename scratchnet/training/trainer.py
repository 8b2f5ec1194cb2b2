"""The training loop.

    trainer = Trainer(model, Adam(model.parameters()), callbacks=[Progress(), Checkpoint("run/checkpoint.npz")])
    trainer.fit(train_loader, epochs=10, test=test_loader)

A callback is told of each event and may look at everything in the trainer: `loss`, `output`, `epoch`,
`history`, …
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from scratchnet import random
from scratchnet.autograd import Tensor, no_grad
from scratchnet.data import DataLoader
from scratchnet.metrics import Mean, accuracy
from scratchnet.nn import Module
from scratchnet.nn.functional import cross_entropy
from scratchnet.training import guard
from scratchnet.training.callbacks import Callback


class Trainer:
    """Minimises a loss over batches, epoch by epoch.

    Parameters
    ----------
    model : Module
    optimizer : Optimizer
    loss : callable, optional
        loss(output, target) → scalar Tensor; cross-entropy if not given.
    scheduler : LRScheduler, optional
        Is stepped after every *batch*.
    callbacks : sequence of Callback
    config : dict, optional
        What it takes to build all this again; kept in checkpoints.

    Attributes
    ----------
    epoch, batch : int
        Epochs finished, and batches finished in the present one.
    history : list of dict
        A row for each epoch: loss, accuracy, test_loss, test_accuracy, lr, seconds.
    stop_reason : str or None
        Set it in a callback (see `stop`) to end training after this epoch.
    """

    def __init__(
        self,
        model: Module,
        optimizer: Any,
        loss: Callable[[Tensor, Tensor], Tensor] | None = None,
        scheduler: Any = None,
        callbacks: Sequence[Callback] = (),
        config: dict[str, Any] | None = None,
    ) -> None:
        self.model, self.optimizer, self.scheduler = model, optimizer, scheduler
        self.loss_function = loss or cross_entropy
        self.callbacks, self.config = list(callbacks), config or {}
        self.epoch = self.batch = 0
        self.history: list[dict[str, Any]] = []
        self.mean_loss, self.mean_accuracy = Mean(), Mean()
        self.stop_reason: str | None = None
        self._loader_state: dict[str, Any] | None = None

    def fit(self, train: DataLoader, epochs: int, test: DataLoader | None = None) -> list[dict[str, Any]]:
        """Train until `epochs` epochs are finished, those before a restart included. Returns the history."""
        self.train_loader, self.test_loader, self.epochs = train, test, epochs
        if self._loader_state is not None:
            train.load_state_dict(self._loader_state)
            self._loader_state = None
        self.stop_reason = None
        self._emit("on_fit_start")
        try:
            while self.epoch < epochs and self.stop_reason is None:
                self._train_epoch()
        finally:
            self._emit("on_fit_end")
        return self.history

    def stop(self, reason: str) -> None:
        """End training when this epoch is finished."""
        self.stop_reason = reason

    def _train_epoch(self) -> None:
        self.model.train()
        self._emit("on_epoch_start")
        start = time.perf_counter()
        for x, y in self.train_loader:
            self._train_batch(x, y)
            self.batch += 1
            self._emit("on_batch_end")
        if self.batch == 0:
            raise guard.TrainingError("the training loader gave no batches: is the data set empty?")
        row = {"epoch": self.epoch + 1, "loss": self.mean_loss.value, "accuracy": self.mean_accuracy.value}
        if self.test_loader is not None:
            row |= {f"test_{name}": value for name, value in self.evaluate(self.test_loader).items()}
        row |= {"lr": float(self.optimizer.param_groups[0]["lr"]), "seconds": time.perf_counter() - start}
        self.history.append(row)
        self.epoch, self.batch = self.epoch + 1, 0
        self.mean_loss.reset()
        self.mean_accuracy.reset()
        self._emit("on_epoch_end")

    def _train_batch(self, x: Tensor, y: Tensor) -> None:
        where = f"epoch {self.epoch + 1}, batch {self.batch + 1}"
        guard.check_batch(x, y, where)
        self.optimizer.zero_grad()
        self.output = self.model(x)
        guard.check_labels(y, self.output, where)
        loss = self.loss_function(self.output, y)
        self.loss = float(loss.array)
        guard.check_loss(self.loss, where)
        loss.backward()
        self._emit("on_gradients")
        self.optimizer.step()
        if self.scheduler is not None:
            self.scheduler.step()
        self.mean_loss.update(self.loss, len(x))
        self.mean_accuracy.update(_accuracy(self.output, y), len(x))

    def evaluate(self, loader: Iterable[Any]) -> dict[str, float]:
        """Loss and accuracy over all batches of a loader, in eval mode."""
        output, target = predict(self.model, loader)
        with no_grad():
            loss = self.loss_function(output, target)
        return {"loss": float(loss.array), "accuracy": _accuracy(output, target)}

    def _emit(self, event: str) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(self)

    # ---- checkpoints ---------------------------------------------------------------------------------------
    def state_dict(self) -> dict[str, Any]:
        """All that another process needs to go on from here. For on_batch_end and on_epoch_end."""
        return {
            "config": self.config,
            "epoch": self.epoch,
            "batch": self.batch,
            "history": self.history,
            "means": [self.mean_loss.state_dict(), self.mean_accuracy.state_dict()],
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": None if self.scheduler is None else self.scheduler.state_dict(),
            "callbacks": {name: callback.state_dict() for name, callback in self._named_callbacks()},
            "loader": self.train_loader.state_dict(),
            "random": random.get_rng_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state` at the next `fit`. Restores the random state of the whole process, too."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if (self.scheduler is None) != (state["scheduler"] is None):
            raise ValueError("Trainer: only one of this trainer and the state has a scheduler")
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state["scheduler"])
        for name, callback in self._named_callbacks():
            callback.load_state_dict(state["callbacks"].get(name, {}))
        self.epoch, self.batch, self.history = state["epoch"], state["batch"], list(state["history"])
        for mean, values in zip((self.mean_loss, self.mean_accuracy), state["means"]):
            mean.load_state_dict(values)
        self._loader_state = state["loader"]
        random.set_rng_state(state["random"])

    def _named_callbacks(self) -> Iterator[tuple[str, Callback]]:
        """Callbacks by type, a second one of a type with its number: EarlyStopping, EarlyStopping 2."""
        seen: Counter[str] = Counter()
        for callback in self.callbacks:
            kind = type(callback).__name__
            seen[kind] += 1
            yield (kind if seen[kind] == 1 else f"{kind} {seen[kind]}"), callback


def predict(model: Module, loader: Iterable[Any]) -> tuple[Tensor, Tensor]:
    """Outputs [n, …] of a model in eval mode and targets [n, …], over all batches of a loader."""
    training = model.training
    model.eval()
    try:
        with no_grad():
            pairs = [(model(x).array, y.array) for x, y in loader]
    finally:
        model.train(training)
    if not pairs:
        raise guard.TrainingError("the loader gave no batches: is the data set empty?")
    outputs, targets = zip(*pairs)
    return Tensor(np.concatenate(outputs)), Tensor(np.concatenate(targets))


def _accuracy(output: Tensor, target: Tensor) -> float:
    """Accuracy for classifiers; NaN for anything else."""
    classifies = output.ndim == 2 and target.ndim == 1 and target.dtype.kind in "iu"
    return accuracy(output, target) if classifies else float("nan")
