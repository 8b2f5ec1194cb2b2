"""How is a word pronounced that is in no dictionary? A recurrent network that others trained spells it out.

    pip install --no-deps g2p-en==2.1.0
    python -m examples.real_weights.g2p
    python -m examples.real_weights.g2p brillig toves wabe

The network reads the letters and speaks the phonemes of the CMU dictionary, one after the other; a digit behind a vowel
is its stress. The table says how likely it finds what it says, and the picture which other phonemes of the last word it
thought of.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

import scratchnet
from examples.published import can_draw, command_line, save, what_is_missing
from scratchnet.interop import weights
from scratchnet.text.models import G2P

WORDS = "hello phoneme enough psychology queue jabberwock brillig wabe toves activationist backpropagation".split()


def probabilities(network: G2P, word: str, phonemes: Sequence[str]) -> np.ndarray:
    """Of every phoneme each time, and at last of the end, [T + 1, 74], if the word is spoken as given."""
    numbers = [network.phonemes.index(phoneme) for phoneme in ("<s>", *phonemes)]
    with scratchnet.no_grad():
        return network([word], scratchnet.tensor([numbers]))[0].softmax(1).numpy()


def likelihood(network: G2P, word: str, phonemes: Sequence[str]) -> float:
    """The probability of the phonemes, and of the end after them."""
    numbers = [network.phonemes.index(phoneme) for phoneme in (*phonemes, "</s>")]
    p = probabilities(network, word, phonemes)
    return float(p[np.arange(len(numbers)), numbers].prod())


def draw(network: G2P, word: str, phonemes: Sequence[str], path: Path) -> None:
    """What else each phoneme could have been: columns are the chosen ones, rows those with more than 2 % somewhere."""
    from matplotlib.figure import Figure

    p = probabilities(network, word, phonemes)
    shown = np.flatnonzero((p > 0.02).any(0))
    figure = Figure(figsize=(1.5 + 0.5 * len(p), 1 + 0.25 * len(shown)), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(p[:, shown].T, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_yticks(range(len(shown)), [network.phonemes[i] for i in shown])
    axes.set_xticks(range(len(p)), [*phonemes, "</s>"], rotation=90)
    axes.set_title(f"{word}: p(next phoneme)")
    figure.colorbar(image)
    save(figure, path)


def main(argv: Sequence[str] | None = None) -> list[list[str]]:
    """The phonemes of each word."""
    parser = command_line("g2p", __doc__)
    parser.add_argument("words", nargs="*", default=WORDS, help="in small letters (default: some of our own)")
    arguments = parser.parse_args(argv)
    with what_is_missing(parser):
        checkpoint = weights.find("g2p")

    network = G2P().eval()
    network.load_state_dict(G2P.state_dict_of_checkpoint(scratchnet.load(checkpoint)))
    words: list[str] = arguments.words
    spoken = network.pronounce(words)

    width = max(4, *map(len, words))
    print(f"{'word':{width}}  probability  phonemes")
    for word, phonemes in zip(words, spoken):
        print(f"{word:{width}}  {likelihood(network, word, phonemes):11.1%}  {' '.join(phonemes)}")
    if can_draw():
        draw(network, words[-1], spoken[-1], arguments.output / "probabilities.png")
    return spoken


if __name__ == "__main__":
    main()
