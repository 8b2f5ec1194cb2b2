"""`scratchnet predict`"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import numpy as np

from scratchnet.autograd import Tensor, no_grad
from scratchnet.cli import build, images
from scratchnet.cli import run as runs
from scratchnet.data.transforms import Compose


def run(args: argparse.Namespace) -> int:
    """Class and probabilities for each image; those that cannot be read are named, and the exit code is 1."""
    build.require("rich", "PIL")
    network, config = runs.load_model(runs.checkpoint_of(args.checkpoint))
    failed = False
    for path in args.images:
        try:
            image = images.read_digit(path)
        except (OSError, ValueError) as error:
            text = f"{path}: {error.strerror}" if isinstance(error, OSError) and error.strerror else str(error)
            print(f"scratchnet: error: {text}", file=sys.stderr)
            failed = True
            continue
        probabilities = classify(network, image)
        best = int(probabilities.argmax())
        if getattr(args, "quiet", False):
            print(f"{path}: {config['classes'][best]} ({probabilities[best]:.1%})")
        else:
            _show(path, image, probabilities, config["classes"])
    return int(failed)


def classify(network: Any, image: np.ndarray) -> np.ndarray:
    """Probabilities [classes] for an image [28, 28] of bytes."""
    with no_grad():
        logits = network(Compose(build.SCALE).batch(image[None]))
    return Tensor(logits.array[0]).softmax(0).array


def _show(path: str, image: np.ndarray, probabilities: np.ndarray, classes: list[str]) -> None:
    """The image as the network sees it, and a bar for each class beside it."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    best = int(probabilities.argmax())
    bars = Table(box=None, padding=(0, 1), show_header=False)
    for i, (name, p) in enumerate(zip(classes, probabilities)):
        bar = "█" * round(30 * float(p)) or ("▏" if p >= 0.005 else "")
        bars.add_row(Text(name), f"{p:6.1%}", bar, style="bold green" if i == best else "")
    both = Table.grid(padding=(0, 2))
    both.add_row(Text("\n".join(images.sketch(image))), bars)
    console = Console(highlight=False)
    console.print(f"{path}: {classes[best]} ({probabilities[best]:.1%})", style="bold", markup=False)
    console.print(both)
