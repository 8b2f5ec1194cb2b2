"""Make scratchnet/interop/references/: what torch computes, for those who have no torch.

    python -m tools.make_references

Weights are small integers times a power of two, which a file holds in a byte each.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from scratchnet import interop
from scratchnet.data.datasets import MNIST5k

FOLDER = Path(__file__).parents[1] / "scratchnet" / "interop" / "references"
MOST = 1000  # of larger gradients inside a model so many numbers are kept


class LeNet5(nn.Module):
    """The modules of `scratchnet.vision.models.LeNet5`."""

    def __init__(self, activation: type[nn.Module] = nn.ReLU, pooling: type[nn.Module] = nn.MaxPool2d) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)
        self.activation, self.pool = activation(), pooling(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(self.activation(self.conv1(x)))
        x = self.pool(self.activation(self.conv2(x))).flatten(1)
        return self.fc3(self.activation(self.fc2(self.activation(self.fc1(x)))))


class Perceptron(nn.Module):
    """The modules of `scratchnet.vision.models.Perceptron`."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.output = nn.Linear(784, 128), nn.Linear(128, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.output(self.hidden(x.flatten(1)).relu())


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(list(shape)).standard_normal(shape).astype(np.float32)


def digit() -> np.ndarray:
    return MNIST5k().data[:1, None].astype(np.float32) / 256


def cross_entropy(logits: torch.Tensor) -> torch.Tensor:
    """Of that digit."""
    return nn.functional.cross_entropy(logits, torch.tensor([MNIST5k().targets[0]]))


def masked_tokens() -> dict[str, Any]:
    """Three words of which the second sentence lacks the last."""
    x = numbers(2, 3, 8)
    return dict(query=x, key=x, value=x, key_padding_mask=np.array([[False, False, False], [False, False, True]]))


# name: the model, its inputs, and what else `record` is told
MODELS: dict[str, tuple[Callable[[], nn.Module], Callable[[], Any], dict[str, Any]]] = {
    "softmax": (lambda: nn.Sequential(nn.Linear(6, 4), nn.Softmax(1)), lambda: numbers(5, 6), {}),
    "conv2d": (
        lambda: nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2), lambda: numbers(2, 4, 7, 6), {},
    ),
    "batchnorm_train": (lambda: nn.BatchNorm2d(3), lambda: numbers(4, 3, 5, 5), {"train": True}),
    "batchnorm_eval": (lambda: nn.BatchNorm2d(3), lambda: numbers(4, 3, 5, 5), {"train": False}),
    "layernorm": (lambda: nn.LayerNorm(6), lambda: numbers(2, 4, 6), {}),
    "lstm": (lambda: nn.LSTM(3, 4, num_layers=2), lambda: numbers(5, 2, 3), {}),
    "gru": (lambda: nn.GRU(3, 4), lambda: numbers(5, 2, 3), {}),
    "attention": (lambda: nn.MultiheadAttention(8, 2, batch_first=True), masked_tokens, {}),
    "lenet5": (LeNet5, digit, {"loss": cross_entropy}),
    "lenet5-1998": (lambda: LeNet5(nn.Tanh, nn.AvgPool2d), digit, {"loss": cross_entropy}),
    "perceptron": (Perceptron, digit, {"loss": cross_entropy}),
    "transformer": (
        lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), lambda: numbers(2, 4, 8), {"train": False},
    ),
}  # fmt: skip


def draw(model: nn.Module) -> None:
    """Weights of the usual size, 1/√fan-in or near 1, and running statistics of a net that has seen data."""
    rng = np.random.default_rng(0)
    for name, value in model.state_dict().items():
        if not value.is_floating_point():
            continue
        if name.endswith("running_var"):
            new = rng.integers(32, 128, value.shape) / 64
        elif name.endswith("running_mean"):
            new = rng.integers(-32, 33, value.shape) / 64
        elif value.ndim == 1 and name.endswith("weight"):
            new = rng.integers(48, 81, value.shape) / 64
        else:
            fan_in = value[0].numel() if value.ndim > 1 else 16
            new = rng.integers(-127, 128, value.shape) / 2 ** (7 + round(np.log2(fan_in) / 2 - 0.5))
        value.copy_(torch.as_tensor(new))


def main(folder: Path = FOLDER) -> None:
    """Write all of them."""
    for name, (model, inputs, options) in MODELS.items():
        theirs = model()
        draw(theirs)
        interop.record(theirs, inputs(), folder / f"{name}.pt", most=MOST, **options)


if __name__ == "__main__":
    main()
    for path in sorted(FOLDER.glob("*.pt")):
        sys.stdout.write(f"{path.stem:16} {path.stat().st_size:7} bytes\n")
