"""The pictures of a run: curves, confusion matrix, worst mistakes, first-layer filters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from scratchnet.autograd import no_grad
from scratchnet.data.datasets import ImageDataset
from scratchnet.training.files import replacing

SAMPLE = "digit.png"  # a test image, to try `predict` on

INK, BLUE, ORANGE, GREY = "#1f2430", "#2f6fde", "#e4702e", "#8a909c"
STYLE: dict[str, Any] = {"color": INK, "fontsize": 10}
BLUES = LinearSegmentedColormap.from_list("blues", ["#ffffff", "#c9dcfa", BLUE, "#173b7d"])
SIGNED = LinearSegmentedColormap.from_list("signed", [ORANGE, "#ffffff", BLUE])


def draw_all(history: list[dict], network: Any, logits: np.ndarray, test: ImageDataset, folder: Path) -> list[str]:
    """Write all pictures into a folder; return their names."""
    figures = {
        "curves.png": curves(history),
        "confusion_matrix.png": confusion(logits, test),
        "worst_mistakes.png": mistakes(logits, test),
        "filters.png": filters(network, test),
    }
    for name, figure in figures.items():
        with replacing(folder / name) as file:
            figure.savefig(file, format="png", dpi=120, facecolor="white", bbox_inches="tight")
    with replacing(folder / SAMPLE) as file:
        _on_paper(test.data[0]).save(file, format="png")
    return [*figures, SAMPLE]


def _on_paper(image: np.ndarray) -> Any:
    """A digit as somebody would draw it: large, dark on white."""
    from PIL import Image

    return Image.fromarray(255 - image).resize((224, 224), Image.Resampling.BICUBIC)


def _plain(axes: Any, grid: bool = False) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#c8ccd4")
    axes.tick_params(colors=GREY, labelcolor=INK, labelsize=9)
    if grid:
        axes.grid(axis="y", color="#eceef2", linewidth=0.8)
        axes.set_axisbelow(True)


def curves(history: list[dict]) -> Figure:
    """Loss and error rate, in training and on the test images, over the epochs."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    epochs = [row["epoch"] for row in history]
    left, right = figure.subplots(1, 2)
    for axes, key, title, unit in (
        (left, "loss", "loss", 1),
        (right, "accuracy", "wrong, per cent", 100),
    ):
        for prefix, colour, name in (("", GREY, "training (augmented)"), ("test_", BLUE, "test")):
            values = np.array([row.get(prefix + key, np.nan) for row in history]) * unit
            values = 100 - values if key == "accuracy" else values
            axes.plot(epochs, values, color=colour, linewidth=2, marker="o", markersize=3.5, label=name)
        axes.set_title(title, loc="left", **STYLE)
        axes.set_xlabel("epoch", **STYLE)
        axes.xaxis.get_major_locator().set_params(integer=True)
        _plain(axes, grid=True)
    right.set_yscale("log")
    right.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    right.yaxis.set_minor_locator(NullLocator())
    right.yaxis.set_major_formatter("{x:g}")
    left.set_ylim(bottom=0)
    left.legend(frameon=False, labelcolor=INK, fontsize=9)
    if "test_accuracy" in history[-1]:
        right.set_title(f"{history[-1]['test_accuracy']:.2%} right at the end", loc="right", color=BLUE, fontsize=10)
    return figure


def confusion(logits: np.ndarray, test: ImageDataset) -> Figure:
    """Rows are what the images are, columns what they were taken for; colour shows the mistakes."""
    from scratchnet.metrics import confusion_matrix

    matrix = confusion_matrix(logits, test.targets)
    wrong = matrix * (1 - np.eye(len(matrix), dtype=int))
    names = [name if len(name) <= 11 else name[:10] + "…" for name in test.classes]
    figure = Figure(figsize=(6.2, 6), layout="constrained")
    axes = figure.subplots()
    axes.imshow(wrong, cmap=BLUES, vmin=0, vmax=max(wrong.max(), 4))
    for (i, j), count in np.ndenumerate(matrix):
        if i == j:
            axes.add_patch(_tile(i))
            axes.text(j, i, count, ha="center", va="center", color=GREY, fontsize=10)
        elif count:
            dark = count > 0.6 * max(wrong.max(), 4)
            axes.text(
                j,
                i,
                count,
                ha="center",
                va="center",
                color="white" if dark else INK,
                fontsize=10,
                weight="bold",
            )
    slanted = max(map(len, names)) > 2
    axes.set_xticks(range(len(names)), names, rotation=45 if slanted else 0, ha="right" if slanted else "center")
    axes.set_yticks(range(len(names)), names)
    axes.set_xticks(np.arange(len(names) - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(len(names) - 1) + 0.5, minor=True)
    axes.grid(which="minor", color="#eceef2", linewidth=1)
    axes.tick_params(which="both", length=0, labelcolor=INK)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xlabel("taken for", **STYLE)
    axes.set_ylabel("is", **STYLE)
    total, errors = matrix.sum(), wrong.sum()
    axes.set_title(f"{errors} of {total:,} test images are taken for another class", loc="left", **STYLE)
    return figure


def _tile(i: int) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((i - 0.5, i - 0.5), 1, 1, facecolor="#f4f5f8", edgecolor="none")


def mistakes(logits: np.ndarray, test: ImageDataset, count: int = 12) -> Figure:
    """The images whose true class got the smallest probabilities, with what the network took them for."""
    probabilities = np.exp(logits - logits.max(1, keepdims=True))
    probabilities /= probabilities.sum(1, keepdims=True)
    true = np.take_along_axis(probabilities, test.targets[:, None], 1)[:, 0]
    wrong = np.flatnonzero(probabilities.argmax(1) != test.targets)
    worst = wrong[np.argsort(true[wrong], kind="stable")][:count]
    figure = Figure(figsize=(9.6, 6.6), layout="constrained")
    figure.suptitle(_mistakes_title(len(wrong), len(test), len(worst)), x=0.01, ha="left", color=INK, fontsize=11)
    for axes, i in zip(figure.subplots(3, 4).flat, [*worst, *[None] * (count - len(worst))]):
        axes.set_axis_off()
        if i is None:
            continue
        guess = probabilities[i].argmax()
        axes.imshow(255 - test.data[i], cmap="gray", vmin=0, vmax=255)
        axes.add_patch(_frame(test.data.shape[1:]))
        axes.text(-0.5, -2.6, test.classes[guess], color=ORANGE, fontsize=13, weight="bold")
        axes.text(-0.5, -0.9, f"{probabilities[i, guess]:.0%} sure", color=ORANGE, fontsize=8)
        axes.text(27.5, -2.6, f"is {test.classes[test.targets[i]]}", color=INK, fontsize=10, ha="right")
        axes.text(27.5, -0.9, f"gave it {true[i]:.1%}", color=GREY, fontsize=8, ha="right")
    return figure


def _mistakes_title(wrong: int, total: int, shown: int) -> str:
    if not wrong:
        return f"All {total:,} test images are recognised"
    which = f"the {shown} worst" if shown < wrong else "all of them"
    return f"{wrong} of {total:,} test images are mistaken: {which}"


def _frame(shape: tuple[int, ...]) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((-0.5, -0.5), shape[1], shape[0], facecolor="none", edgecolor="#dfe2e8", linewidth=1)


def filters(network: Any, test: ImageDataset) -> Figure:
    """What the first layer looks for: its weights, and for a convolution where it finds that in an image."""
    weight = next(iter(network.parameters())).array
    if weight.ndim == 4:
        return _convolution_filters(network, weight[:, 0], test)
    tiles = weight[:24].reshape(-1, *test.data.shape[1:])
    figure = Figure(figsize=(9.6, 5), layout="constrained")
    figure.suptitle(f"Weights of {len(tiles)} units: blue wants ink, orange wants none", x=0.01, ha="left", **STYLE)
    for axes, tile in zip(figure.subplots(3, 8).flat, tiles):
        _show_signed(axes, tile)
    return figure


def _convolution_filters(network: Any, kernels: np.ndarray, test: ImageDataset) -> Figure:
    from scratchnet.cli.build import SCALE
    from scratchnet.data.transforms import Compose

    samples = [int(np.flatnonzero(test.targets == c)[0]) for c in (2, 5, 8)]
    layer = next(m for m in network.modules() if getattr(m, "weight", None) is not None)
    with no_grad():
        maps = layer(Compose(SCALE).batch(test.data[samples])).array
    columns = len(kernels) + 1
    figure = Figure(figsize=(1.45 * columns, 6.2), layout="constrained")
    grid = figure.subplots(4, columns)
    title = "The first layer's filters (blue wants ink, orange wants none), and what each finds in three digits"
    figure.suptitle(title, x=0.01, ha="left", color=INK, fontsize=11)
    grid[0, 0].set_axis_off()
    for axes, kernel in zip(grid[0, 1:], kernels):
        _show_signed(axes, kernel)
    strongest = np.maximum(maps.max((0, 2, 3)), 1e-9)  # each filter has its own scale
    for row, sample, responses in zip(grid[1:], samples, maps):
        row[0].imshow(255 - test.data[sample], cmap="gray", vmin=0, vmax=255)
        for axes, response, limit in zip(row[1:], responses, strongest):
            axes.imshow(np.maximum(response, 0), cmap=BLUES, vmin=0, vmax=limit)
        for axes in row:
            _bare(axes)
    return figure


def _show_signed(axes: Any, values: np.ndarray) -> None:
    limit = max(float(np.abs(values).max()), 1e-9)
    axes.imshow(values, cmap=SIGNED, vmin=-limit, vmax=limit)
    _bare(axes)


def _bare(axes: Any) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color("#dfe2e8")
