"""`scratchnet train`: what it learns, writes and says."""

import csv

import numpy as np
import pytest
from PIL import Image

from scratchnet.cli import main
from scratchnet.training import checkpoint


def test_learns_digits_in_two_epochs(tmp_path, capsys):
    """The short form of what `make train` does; the long one is below."""
    assert main(["train", "--epochs", "2", "--no-augment", "--quiet", "--no-pictures", "--output", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert float(out.split()[2].rstrip("%")) > 90 and not err
    assert out.split()[3] == str(tmp_path / "lenet5-mnist5k")


@pytest.mark.slow
def test_reaches_the_accuracy_promised(tmp_path, capsys):
    assert main(["train", "--quiet", "--no-pictures", "--output", str(tmp_path)]) == 0
    assert float(capsys.readouterr().out.split()[2].rstrip("%")) >= 97.5


def test_what_is_written_and_said(finished_and_said):
    folder, out = finished_and_said
    assert "perceptron, 101,770 parameters: learns from 200 images" in out
    assert out.count("samples/s") == 3 and "0:00 left" in out
    assert "recognised" in out and "test accuracy" in out and f"predict {folder} {folder / 'digit.png'}" in out
    expected = "checkpoint.npz confusion_matrix.png curves.png digit.png filters.png history.csv worst_mistakes.png"
    assert sorted(path.name for path in folder.iterdir()) == expected.split()
    for path in folder.glob("*.png"):
        with Image.open(path) as image:
            assert np.asarray(image).std() > 5, f"{path.name} is blank"
    rows = list(csv.DictReader((folder / "history.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    config = checkpoint.load(folder / "checkpoint.npz")["config"]
    assert config["settings"]["batch_size"] == 40 and config["classes"] == list("0123456789")


@pytest.mark.parametrize(
    "options",
    [
        ["--model", "lenet5", "--optimizer", "sgd", "--schedule", "step", "--warmup", "0", "--clip", "1"],
        [
            "--model",
            "lenet5-1998",
            "--optimizer",
            "adam",
            "--schedule",
            "constant",
            "--label-smoothing",
            "0.1",
        ],
        ["--epochs", "1", "--warmup", "5", "--schedule", "cosine", "--workers", "2", "--weight-decay", "0"],
    ],
)
def test_options(tmp_path, settings, options):
    assert main(["train", *settings, "--epochs", "2", *options, "--output", str(tmp_path), "--quiet"]) == 0


def test_patience_ends_a_run_early(tmp_path, settings, capsys):
    argv = [
        "train",
        *settings,
        "--epochs",
        "30",
        "--lr",
        "1e-12",
        "--patience",
        "2",
        "--output",
        str(tmp_path),
    ]
    assert main(argv) == 0
    out = capsys.readouterr().out
    assert "stopped after epoch" in out and "test_loss has not become better for 2 epochs" in out
    assert "test accuracy" in out


def test_same_seed_same_weights(tmp_path, settings):
    weights = []
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        argv = [
            "train",
            *settings,
            "--epochs",
            "1",
            "--workers",
            "1",
            "--seed",
            seed,
            "--quiet",
            "--no-pictures",
        ]
        assert main([*argv, "--output", str(tmp_path), "--name", name]) == 0
        weights.append(checkpoint.load(tmp_path / name / "checkpoint.npz")["model"]["hidden.weight"].array)
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_a_second_run_gets_a_folder_of_its_own(tmp_path, settings, capsys):
    argv = ["train", *settings, "--epochs", "1", "--quiet", "--output", str(tmp_path)]
    assert main(argv) == main(argv) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["perceptron-mnist", "perceptron-mnist-2"]
