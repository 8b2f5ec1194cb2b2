"""`scratchnet predict` and `scratchnet evaluate`."""

import numpy as np
import pytest
from PIL import Image

from scratchnet.cli import main
from scratchnet.cli import run as runs
from scratchnet.cli.predict import classify
from scratchnet.data.datasets import MNIST5k

TEST = MNIST5k(False)


def test_predict_shows_a_bar_for_each_class(finished, capsys):
    assert main(["predict", str(finished), str(finished / "digit.png")]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{finished / 'digit.png'}: ")
    assert "█" in out and out.count("%") == 11


def test_predict_agrees_with_the_network(finished, tmp_path, capsys):
    network, config = runs.load_model(finished / "checkpoint.npz")
    for i in range(3):
        Image.fromarray(TEST.data[i]).save(tmp_path / f"{i}.png")
    assert main(["predict", str(finished), *(str(tmp_path / f"{i}.png") for i in range(3)), "--quiet"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for i, line in enumerate(lines):
        probabilities = classify(network, TEST.data[i])
        assert probabilities.sum() == pytest.approx(1, abs=1e-5)
        best = int(probabilities.argmax())
        assert line == f"{tmp_path / f'{i}.png'}: {config['classes'][best]} ({probabilities[best]:.1%})"


def test_one_bad_image_does_not_stop_the_others(finished, tmp_path, capsys):
    (tmp_path / "a.txt").write_text("no image")
    argv = [
        "predict",
        str(finished),
        str(tmp_path / "a.txt"),
        str(tmp_path / "none.png"),
        str(finished / "digit.png"),
    ]
    assert main([*argv, "--quiet"]) == 1
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 1
    assert [line.rpartition(": ")[2] for line in err.splitlines()] == [
        "it is of no known format",
        "No such file or directory",
    ]


def test_evaluate_counts_the_same(finished, capsys):
    history = (finished / "history.csv").read_text().splitlines()
    accuracy = float(history[-1].split(",")[history[0].split(",").index("test_accuracy")])
    assert main(["evaluate", str(finished), "--quiet"]) == 0
    assert capsys.readouterr().out.startswith(f"{accuracy:.2%} of the 100 test images")
    assert main(["evaluate", str(finished / "checkpoint.npz"), "--data", "mnist5k"]) == 0
    out = capsys.readouterr().out
    assert "of the 1,000 test images of mnist5k" in out and "first two guesses" in out and "taken for" in out


def test_the_network_is_the_trained_one(finished):
    network, _ = runs.load_model(finished / "checkpoint.npz")
    right = sum(classify(network, TEST.data[i]).argmax() == TEST.targets[i] for i in range(100))
    assert right > 50 and not network.training
    assert np.isfinite(classify(network, np.zeros((28, 28), np.uint8))).all()
