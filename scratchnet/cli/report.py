"""What is shown of a trained network: tables on the terminal, pictures in the run's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from scratchnet.cli import run as runs
from scratchnet.metrics import confusion_matrix, per_class_accuracy
from scratchnet.training import predict


def parameters(network: Any) -> int:
    return sum(p.numel() for p in network.parameters())


def introduction(settings: dict[str, Any], network: Any, train: Any, test: Any, folder: Path) -> str:
    return (
        f"{settings['model']}, {parameters(network):,} parameters: learns from {len(train):,} images of "
        f"{settings['data']}, is tested on {len(test):,} others\n"
        f"{settings['epochs']} epochs, batches of {settings['batch_size']}, {settings['optimizer']}, "
        f"learning rate {settings['lr']:g} ({settings['schedule']}), seed {settings['seed']}; "
        f"everything is written to {folder}"
    )


def class_table(matrix: np.ndarray, classes: list[str]) -> Any:
    """For each class: how many of its samples were recognised, and what the others were taken for."""
    from rich.table import Table

    table = Table(header_style="bold")
    for title in ("class", "images", "recognised", "accuracy"):
        table.add_column(title, justify="left" if title == "class" else "right")
    table.add_column("taken for")
    for i, accuracy in enumerate(per_class_accuracy(matrix)):
        wrong = [(count, j) for j, count in enumerate(matrix[i]) if j != i and count]
        taken = ", ".join(f"{classes[j]} ({count}×)" for count, j in sorted(wrong, key=lambda w: (-w[0], w[1])))
        table.add_row(classes[i], str(matrix[i].sum()), str(matrix[i, i]), f"{accuracy:.1%}", taken)
    table.add_section()
    total, right = int(matrix.sum()), int(np.trace(matrix))
    table.add_row("all", str(total), str(right), f"{right / total:.2%}", "", style="bold")
    return table


def finish(trainer: Any, loader: Any, folder: Path, quiet: bool, draw: bool) -> None:
    """Tables, pictures, and what to do next."""
    network, test = trainer.model, loader.dataset
    logits, labels = (x.array for x in predict(network, loader))
    matrix = confusion_matrix(logits, labels)
    written = [runs.CHECKPOINT, runs.HISTORY]
    if draw:
        from scratchnet.cli import pictures

        written += pictures.draw_all(trainer.history, network, logits, test, folder)
    accuracy = f"test accuracy {np.trace(matrix) / matrix.sum():.2%}"
    if quiet:
        print(f"{accuracy}  {folder}")
        return

    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    console.print(class_table(matrix, test.classes))
    seconds = sum(row["seconds"] for row in trainer.history)
    console.print(
        f"[bold green]{accuracy}[/]   {len(trainer.history)} epochs in {seconds:.1f} s, "
        f"{parameters(network):,} parameters"
    )
    console.print(f"\nin {folder}: {', '.join(written)}\n\nnext:", markup=False)
    for words in (
        *([("predict", folder, folder / pictures.SAMPLE)] if draw else []),
        ("evaluate", folder),
        ("train", "--model", "perceptron"),
        ("train", "--no-augment", "--seed", 1),
    ):
        console.print(f"  {runs.command(*words)}", markup=False)
