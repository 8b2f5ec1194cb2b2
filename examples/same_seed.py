"""The same script, the same seed, two libraries: the loss curves lie on each other.

    python -m examples.same_seed docs/images/same_seed.png

trains LeNet with dropout and a small transformer, 200 steps each, once with scratchnet and once with torch. Nothing is
carried over but the seed: weights, order of samples and what dropout drops come out of each library's own generator.
"""

from __future__ import annotations

import argparse
from types import ModuleType
from typing import Any

import numpy as np

from scratchnet.data.datasets import MNIST5k

JABBERWOCKY = """\
'Twas brillig, and the slithy toves
Did gyre and gimble in the wabe;
All mimsy were the borogoves,
And the mome raths outgrabe.

"Beware the Jabberwock, my son!
The jaws that bite, the claws that catch!
Beware the Jubjub bird, and shun
The frumious Bandersnatch!"

He took his vorpal sword in hand:
Long time the manxome foe he sought--
So rested he by the Tumtum tree,
And stood awhile in thought.

And as in uffish thought he stood,
The Jabberwock, with eyes of flame,
Came whiffling through the tulgey wood,
And burbled as it came!
"""  # Lewis Carroll, Through the Looking-Glass, 1871

CONTEXT = 24


def lenet(torch: ModuleType) -> tuple[Any, Any, Any]:
    """LeNet with dropout, 4,000 digits, and its optimizer."""
    nn, digits = torch.nn, MNIST5k()
    images = digits.data[:, None].astype(np.float32) / 255
    model = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout2d(0.1),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.3),
        nn.Linear(400, 120), nn.ReLU(), nn.Dropout(0.5), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip
    return model, (images, digits.targets), torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)


def transformer(torch: ModuleType) -> tuple[Any, Any, Any]:
    """A transformer that guesses the next letter of a poem, all its contexts, and its optimizer."""
    nn = torch.nn
    alphabet = sorted(set(JABBERWOCKY))
    text = np.array([alphabet.index(letter) for letter in JABBERWOCKY])
    windows = np.lib.stride_tricks.sliding_window_view(text, CONTEXT + 1)

    class Transformer(nn.Module):
        def __init__(self, width=32):
            super().__init__()
            self.embedding, self.position = nn.Embedding(len(alphabet), width), nn.Embedding(CONTEXT, width)
            layer = nn.TransformerEncoderLayer(width, 4, 64, dropout=0.1, batch_first=True, norm_first=True)
            self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
            self.head = nn.Linear(width, len(alphabet))

        def forward(self, x):
            hidden = self.embedding(x) + self.position(torch.arange(CONTEXT))
            mask = nn.Transformer.generate_square_subsequent_mask(CONTEXT)
            return self.head(self.layers(hidden, mask, is_causal=True)).flatten(0, 1)

    model = Transformer()
    return model, (windows[:, :-1].copy(), windows[:, 1:].copy()), torch.optim.AdamW(model.parameters(), lr=1e-3)


def curve(torch: ModuleType, task: Any, steps: int = 200, seed: int = 0) -> np.ndarray:
    """The loss of every step of `lenet` or `transformer`, trained with a library that has torch's names."""
    torch.manual_seed(seed)
    model, arrays, optimizer = task(torch)
    dataset = torch.utils.data.TensorDataset(*map(torch.from_numpy, arrays))
    loader = torch.utils.data.DataLoader(dataset, batch_size=16, shuffle=True, drop_last=True)
    losses: list[float] = []
    while len(losses) < steps:
        for x, y in loader:
            loss = torch.nn.functional.cross_entropy(model(x), y.flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if len(losses) == steps:
                break
    return np.array(losses)


def draw(curves: dict[str, tuple[np.ndarray, np.ndarray]], path: str) -> None:
    """Both curves of each task, and below how far they are apart."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 5), layout="constrained")
    axes = figure.subplots(2, len(curves), sharex=True, height_ratios=(2, 1))
    for (title, (ours, theirs)), (above, below) in zip(curves.items(), axes.T):
        above.plot(theirs, color="#e4572e", linewidth=4, alpha=0.5, label="torch")
        above.plot(ours, color="#17365c", linewidth=1, label="scratchnet")
        above.set(title=title, ylabel="loss of the batch")
        above.legend(frameon=False)
        below.semilogy(np.maximum(np.abs(ours / theirs - 1), 1e-9), color="#17365c", linewidth=0.8)
        below.axhline(1e-4, color="#888888", linestyle="--", linewidth=0.8)
        below.set(xlabel="step", ylabel="relative difference", ylim=(5e-10, 1e-3))
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", nargs="?", help="where to draw the curves")
    arguments = parser.parse_args()

    import torch

    import scratchnet

    torch.set_num_threads(1)  # the networks are small: threads would wait for each other
    titles = {"LeNet with dropout, handwritten digits": lenet, "Transformer with dropout, letters of a poem": transformer}
    curves = {title: (curve(scratchnet, task), curve(torch, task)) for title, task in titles.items()}
    for title, (ours, theirs) in curves.items():
        print(f"{title}: loss {theirs[0]:.4f} -> {theirs[-1]:.4f}, apart by {np.abs(ours / theirs - 1).max():.1e} at most")
    if arguments.picture:
        draw(curves, arguments.picture)


if __name__ == "__main__":
    main()
