"""MTCNN with facenet-pytorch's weights, which finds the face in a photograph of an astronaut.

    pip install --no-deps facenet-pytorch==2.6.0 scikit-image==0.26.0
    python -m examples.real_weights.mtcnn
    python -m examples.real_weights.mtcnn your.jpg

The weights of its three networks are those of the package facenet-pytorch, as they were published; the photograph is
scikit-image's. The picture shows the boxes that each network leaves to the next one, and what the last one finds: the
faces, and in each the eyes, the nose and the corners of the mouth.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

import scratchnet
from examples.published import can_draw, command_line, need, save, what_is_missing
from scratchnet.interop import weights
from scratchnet.vision.models import MTCNN

LANDMARKS = ("eye", "eye", "nose", "mouth", "mouth")
NETWORKS = ("pnet", "rnet", "onet")


def load() -> MTCNN:
    """The detector with the published weights, a file for each of its networks."""
    detector = MTCNN().eval()
    for name in NETWORKS:
        getattr(detector, name).load_state_dict(scratchnet.load(weights.find(f"mtcnn_{name}")))
    return detector


def stages(detector: MTCNN, image: np.ndarray) -> list[np.ndarray]:
    """The boxes [N, 4] that each of the three networks leaves."""
    with scratchnet.no_grad():
        planes = detector.planes(image)
        proposed = detector.propose(planes)
        refined = detector.refine(planes, proposed)
        return [proposed.numpy(), refined.numpy(), detector.decide(planes, refined)[0].numpy()]


def draw(image: np.ndarray, boxes: Sequence[np.ndarray], landmarks: np.ndarray, path: Path) -> None:
    """The photograph three times, with the boxes of each network; with the landmarks at last."""
    from matplotlib.collections import PolyCollection
    from matplotlib.figure import Figure

    titles = ("PNet proposes {}", "RNet leaves {}", "ONet finds {}")
    grey = np.clip(image.mean(2) * 0.6 + 96, 0, 255)  # so that colour is what was found
    height, width = grey.shape
    figure = Figure(figsize=(9, 3 * height / width + 0.35), layout="constrained")
    for axes, title, found in zip(figure.subplots(1, 3), titles, boxes):
        axes.imshow(grey, cmap="gray", vmin=0, vmax=255)
        corners = found[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
        axes.add_collection(PolyCollection(corners, facecolors="none", edgecolors="#e4702e", linewidths=1.2))
        axes.set(xlim=(0, width), ylim=(height, 0))
        axes.set_axis_off()
        axes.set_title(title.format(len(found)), fontsize=10, color="#1f2430")
    axes.plot(*landmarks.reshape(-1, 2).T, "o", color="#1b998b", markersize=2.5)
    save(figure, path)


def main(argv: Sequence[str] | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes [N, 4], probabilities [N] and landmarks [N, 5, 2]."""
    parser = command_line("mtcnn", __doc__)
    parser.add_argument("photograph", type=Path, nargs="?", help="any image file (default: scikit-image's astronaut)")
    arguments = parser.parse_args(argv)
    with what_is_missing(parser):
        detector = load()
        photograph = arguments.photograph or weights.inside("skimage", "data/astronaut.png")
    need(parser, "PIL", "Pillow reads the photograph: pip install pillow")
    from PIL import Image

    try:
        image = np.array(Image.open(photograph).convert("RGB"))
    except OSError as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    boxes, probabilities, landmarks = (found.numpy() for found in detector.detect(image))

    print("face  probability" + "".join(f"{name:>8}" for name in ("left", "top", "right", "bottom")), end="")
    print("".join(f"{name:>14}" for name in LANDMARKS))
    for number, (p, box, points) in enumerate(zip(probabilities, boxes, landmarks), 1):
        places = "".join(f"{f'{x:.1f}, {y:.1f}':>14}" for x, y in points)
        print(f"{number:4}  {p:11.6f}" + "".join(f"{side:8.1f}" for side in box) + places)
    if not len(boxes):
        print(f"no face of {detector.min_face_size} pixels or more")
    if can_draw():
        draw(image, stages(detector, image), landmarks, arguments.output / f"{photograph.stem}.png")
    return boxes, probabilities, landmarks


if __name__ == "__main__":
    main()
