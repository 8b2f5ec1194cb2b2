"""The detector of faces, beside the package that its weights come from."""

import importlib
import sys
import warnings
from unittest import mock

import numpy as np
import pytest
import torch

from scratchnet.interop import weights
from tests.examples.real_weights import needs, run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def reference():
    """The package's own `MTCNN`. Of torchvision, which may not load here, it takes suppression; of requests nothing."""
    needs("facenet_pytorch", "skimage")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what torch thinks of the package
        for name in ("torchvision", "torchvision.transforms", "torchvision.ops", "requests", "requests.adapters"):
            patch.setitem(sys.modules, name, mock.MagicMock())
        patch.setitem(sys.modules, "torchvision.ops.boxes", mock.MagicMock(batched_nms=batched_nms))
        yield importlib.import_module("facenet_pytorch").MTCNN
        for name in [name for name in sys.modules if name.partition(".")[0] == "facenet_pytorch"]:
            del sys.modules[name]  # it knows the stand-ins


def batched_nms(boxes, scores, categories, threshold):
    """torchvision's, for boxes of one category."""
    assert not categories.any()
    areas, alive, keep = (boxes[:, 2:] - boxes[:, :2]).prod(1), torch.ones(len(boxes), dtype=torch.bool), []
    for best in scores.argsort(descending=True, stable=True).tolist():
        if alive[best]:
            keep.append(best)
            ends, begins = torch.minimum(boxes[best], boxes)[:, 2:], torch.maximum(boxes[best], boxes)[:, :2]
            shared = (ends - begins).clamp(min=0).prod(1)
            alive &= shared <= threshold * (areas[best] + areas - shared)
    return torch.tensor(keep, dtype=torch.int64)


def compare(ours, theirs):
    """Boxes, probabilities and landmarks of the same faces in the same order; how many."""
    tolerances = (1e-3, 1e-5, 1e-3)  # pixels, but for the probabilities
    for found, expected, atol in zip(ours, theirs, tolerances, strict=True):
        expected = np.array(expected, np.float64)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=0, atol=atol)
    return len(ours[0])


def detected(reference, image, **options):
    """By both, with the same options."""
    ours = importlib.import_module("examples.real_weights.mtcnn").load()
    for name, value in options.items():
        setattr(ours, name, value)
    return [found.numpy() for found in ours.detect(image)], reference(**options).detect(image, landmarks=True)


def astronaut():
    from PIL import Image

    return np.array(Image.open(weights.inside("skimage", "data/astronaut.png")).convert("RGB"))


def test_the_astronaut(reference, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    ours = run("mtcnn")
    assert compare(ours, reference().detect(astronaut(), landmarks=True)) == 1
    (box,), (probability,), ((right_eye, left_eye, nose, *mouth),) = ours
    assert probability > 0.9999
    np.testing.assert_allclose(box, [181.05, 62.16, 267.75, 172.05], atol=0.01)
    assert right_eye[0] < nose[0] < left_eye[0] and left_eye[1] < nose[1] < min(corner[1] for corner in mouth)
    assert "   1     0.999998   181.1    62.2   267.7   172.1" in capsys.readouterr().out
    assert (tmp_path / "runs" / "mtcnn" / "astronaut.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    "cut, options, faces",
    [
        (np.s_[:300, 100:], {}, 1),
        (np.s_[:, ::-1], {"min_face_size": 60, "factor": 0.5, "thresholds": [0.3, 0.3, 0.3]}, 1),
        (np.s_[:], {"thresholds": [0.5, 0.1, 0.05]}, 11),
        (np.s_[100:, 180:], {"min_face_size": 10}, 1),
    ],
    ids=["oblong", "mirrored", "unsure", "half outside"],
)
def test_parts_and_options(reference, cut, options, faces):
    ours, theirs = detected(reference, astronaut()[cut].copy(), **options)
    assert compare(ours, theirs) == faces


def test_upside_down_it_is_no_face(reference, tmp_path, monkeypatch, capsys):
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    image = astronaut()[::-1].copy()
    Image.fromarray(image).save("turned.png")
    assert len(run("mtcnn", "turned.png")[0]) == 0
    assert "no face of 20 pixels or more" in capsys.readouterr().out
    assert reference().detect(image)[0] is None


def test_a_hundred_faces_side_by_side(reference):
    """Small grey portraits of Labelled Faces in the Wild, enlarged."""
    from PIL import Image

    portraits = np.load(weights.inside("skimage", "data/lfw_subset.npy"))[:100]
    wall = (portraits.reshape(10, 10, 25, 25).swapaxes(1, 2).reshape(250, 250) * 255).clip(0, 255).astype(np.uint8)
    image = np.array(Image.fromarray(wall).resize((700, 600), Image.Resampling.BICUBIC).convert("RGB"))
    assert compare(*detected(reference, image)) == 100
