"""`scratchnet evaluate`"""

from __future__ import annotations

import argparse

from scratchnet.cli import build, report
from scratchnet.cli import run as runs
from scratchnet.metrics import accuracy, confusion_matrix
from scratchnet.training import predict


def run(args: argparse.Namespace) -> int:
    """Accuracy of a trained network on the test images of its data set, or of another."""
    build.require("rich")
    from rich.console import Console

    path = runs.checkpoint_of(args.checkpoint)
    network, config = runs.load_model(path)
    data = getattr(args, "data", config["settings"]["data"])
    _, test = build.datasets(data, augment=False)
    if len(test.classes) != len(config["classes"]):
        raise ValueError(f"{data} has {len(test.classes)} classes, the network of {path} {len(config['classes'])}")
    logits, labels = predict(network, build.test_loader(test))
    right = f"{accuracy(logits, labels):.2%} of the {len(test):,} test images of {data} are recognised"
    if getattr(args, "quiet", False):
        print(right)
        return 0
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{config['settings']['model']} from {path}, {report.parameters(network):,} parameters", markup=False)
    console.print(report.class_table(confusion_matrix(logits, labels), test.classes))
    top = accuracy(logits, labels, top_k=2)
    console.print(f"{right}; {top:.2%} are among the network's first two guesses", markup=False)
    return 0
