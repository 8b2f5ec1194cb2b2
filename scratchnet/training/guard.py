"""What stops a run with a message instead of letting it learn nonsense."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd import Tensor


class TrainingError(RuntimeError):
    """Training cannot go on. The message says what was found, and in which batch."""


def check_batch(x: Any, y: Any, where: str) -> None:
    """Refuse inputs that are not finite: one NaN in a batch makes every weight NaN."""
    for name, values in (("the input", x), ("the target", y)):
        if isinstance(values, Tensor) and values.dtype.kind == "f" and not np.isfinite(values.array).all():
            position = np.argwhere(~np.isfinite(values.array))[0]
            value = values.array[tuple(position)]
            raise TrainingError(f"{where}: {name} holds {value} at index {tuple(position.tolist())}")


def check_labels(y: Any, output: Any, where: str) -> None:
    """Refuse class numbers that the network has no output for."""
    if not (isinstance(y, Tensor) and isinstance(output, Tensor) and y.dtype.kind in "iu" and output.ndim > 1):
        return
    classes = output.array.shape[1]
    wrong = np.argwhere((y.array < 0) | (y.array >= classes))
    if len(wrong):
        position = tuple(wrong[0].tolist())
        raise TrainingError(
            f"{where}: label {y.array[position]} of sample {position[0]} is out of range: "
            f"the network has {classes} outputs, so labels are 0 to {classes - 1}"
        )


def check_loss(loss: float, where: str) -> None:
    """Refuse a loss that is not finite, before it reaches the weights."""
    if not np.isfinite(loss):
        raise TrainingError(
            f"{where}: the loss is {loss}, the run has diverged: a smaller learning rate or gradient clipping may help"
        )


def check_weights(model: Any, where: str) -> None:
    """Refuse to keep weights that are not finite."""
    for name, tensor in model.state_dict().items():
        if tensor.dtype.kind == "f" and not np.isfinite(tensor.array).all():
            raise TrainingError(f"{where}: {name} is not finite any more; the last good checkpoint is kept")
