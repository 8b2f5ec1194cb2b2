"""Whatever is wrong: one clear line, no traceback, an exit code, and nothing overwritten."""

import importlib.util
import os
import resource
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from scratchnet.cli import main
from scratchnet.data.datasets import read_idx, write_idx
from scratchnet.training import checkpoint

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def snapshot(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def complains(capsys, tmp_path):
    """Check that a command fails with this message, and touches nothing in the folder of the test."""

    def check(message, *argv):
        capsys.readouterr()
        before = snapshot(tmp_path)
        assert main([str(word) for word in argv]) == 1
        err = capsys.readouterr().err
        assert err.startswith("scratchnet: error: ") and err.count("\n") == 1, err
        assert message in err
        assert snapshot(tmp_path) == before

    return check


@pytest.fixture
def data(digits, tmp_path):
    """A copy of the data set that may be spoiled."""
    shutil.copytree(digits.partition(":")[2], tmp_path / "data")
    return tmp_path / "data"


def spoil_nan(folder):
    images = read_idx(folder / IMAGES).astype(np.float32)
    images[3, 5, 5] = np.nan
    write_idx(folder / IMAGES, images)


def spoil_label(folder):
    labels = read_idx(folder / LABELS)
    labels[17] = 12
    write_idx(folder / LABELS, labels)


def spoil_empty(folder):
    write_idx(folder / IMAGES, np.zeros((0, 28, 28), np.uint8))
    write_idx(folder / LABELS, np.zeros(0, np.uint8))


def spoil_size(folder):
    write_idx(folder / IMAGES, np.zeros((200, 32, 32), np.uint8))


def spoil_truncated(folder):
    os.truncate(folder / IMAGES, 5000)


def spoil_missing(folder):
    os.remove(folder / LABELS)


@pytest.mark.parametrize(
    "spoil, message",
    [
        (spoil_nan, "1 images hold NaN or infinite pixels, the first is number 3"),
        (spoil_label, "label 12 of sample 17 is out of range: expected 0 to 9"),
        (spoil_empty, "is empty"),
        (spoil_size, "has images of shape (32, 32), expected (28, 28)"),
        (spoil_truncated, "train-images-idx3-ubyte is truncated"),
        (spoil_missing, "found none of train-labels-idx1-ubyte"),
    ],
)
def test_bad_data(complains, data, tmp_path, spoil, message):
    spoil(data)
    complains(message, "train", "--data", f"mnist:{data}", "--output", tmp_path / "runs")


def test_divergence(tmp_path, settings, capsys):
    argv = [
        "train",
        *settings,
        "--lr",
        "1e30",
        "--optimizer",
        "sgd",
        "--warmup",
        "0",
        "--output",
        str(tmp_path),
        "--quiet",
    ]
    assert main(argv) == 1
    err = capsys.readouterr().err
    assert "the run has diverged" in err and "epoch 1, batch" in err and err.count("\n") == 1


# ---- checkpoints -----------------------------------------------------------------------------------------


@pytest.fixture
def run(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "run")
    return tmp_path / "run"


def other_weights(path):
    state = checkpoint.load(path)
    state["config"]["settings"]["model"] = "lenet5"
    checkpoint.save(path, state)


def unknown_model(path):
    state = checkpoint.load(path)
    state["config"]["settings"]["model"] = "vgg99"
    checkpoint.save(path, state)


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda path: os.truncate(path, path.stat().st_size - 100), "is damaged or truncated"),
        (lambda path: os.truncate(path, 0), "is no checkpoint of scratchnet: it is empty"),
        (
            lambda path: torch.save({"a": torch.ones(2)}, path),
            "is no checkpoint of scratchnet: it is a zip file",
        ),
        (lambda path: checkpoint.save(path, [1, 2]), "was not written by `scratchnet train`"),
        (lambda path: checkpoint.save(path, {"config": {}}), "was not written by `scratchnet train`"),
        (other_weights, "does not hold the weights of lenet5"),
        (unknown_model, "there is no model 'vgg99'"),
        (lambda path: path.unlink(), "there is no checkpoint"),
    ],
)
def test_bad_checkpoints(complains, run, spoil, message):
    spoil(run / "checkpoint.npz")
    complains(message, "evaluate", run)
    complains(message, "predict", run, run / "digit.png")
    if spoil not in (other_weights, unknown_model):  # which are refused because they are finished
        complains(message, "train", "--resume", run)


def test_resuming_with_the_weights_of_another_model(complains, run):
    state = checkpoint.load(run / "checkpoint.npz")
    state["config"]["settings"] |= {"model": "lenet5", "epochs": 9}
    checkpoint.save(run / "checkpoint.npz", state)
    complains("does not fit its settings: Error(s) in loading state_dict for LeNet5", "train", "--resume", run)


def test_an_existing_folder_is_not_written_into(complains, run, settings, tmp_path):
    complains(
        "exists: choose another --name, or go on with that run",
        "train",
        *settings,
        "--output",
        tmp_path,
        "--name",
        "run",
    )
    (tmp_path / "file").write_text("precious")
    complains("exists", "train", *settings, "--output", tmp_path, "--name", "file")
    complains("file", "train", *settings, "--output", tmp_path / "file")


# ---- the machine -----------------------------------------------------------------------------------------


def limited(size):
    def apply():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return apply


def test_a_full_disk(run, settings, tmp_path):
    """A limit on the size of files stands for it. The last good checkpoint stays, and can be gone on from."""
    state = checkpoint.load(run / "checkpoint.npz")
    state["config"]["settings"]["epochs"], state["epoch"], state["history"] = 4, 2, state["history"][:2]
    checkpoint.save(run / "checkpoint.npz", state)
    before = snapshot(run)
    command = [sys.executable, "-m", "scratchnet", "train", "--resume", str(run), "--quiet", "--no-pictures"]
    result = subprocess.run(command, preexec_fn=limited(100_000), capture_output=True, text=True, timeout=300)
    assert result.returncode == 1
    assert f"cannot write {run / 'checkpoint.npz'}: File too large" in result.stderr
    assert result.stderr.count("\n") == 1
    after = snapshot(run)
    assert after[run / "checkpoint.npz"] == before[run / "checkpoint.npz"] and after.keys() == before.keys()
    assert main(["train", "--resume", str(run), "--quiet", "--no-pictures"]) == 0


def test_missing_extras(complains, monkeypatch, finished):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in ("rich", "PIL") else real(name))
    complains("this command needs rich, PIL: pip install 'scratchnet[cli]'", "predict", finished, "a.png")
    complains("this command needs rich, PIL", "train")


def test_debug_shows_the_traceback(tmp_path):
    with pytest.raises(ValueError, match="there is no checkpoint"):
        main(["evaluate", str(tmp_path), "--debug"])


def test_an_error_of_ours_says_how_to_see_more(complains, monkeypatch, finished):
    def broken(*args, **kwargs):
        raise AssertionError("two and two\nis five")

    monkeypatch.setattr("scratchnet.cli.build.test_loader", broken)
    complains("AssertionError: two and two is five (--debug shows where)", "evaluate", finished)


def test_the_reader_of_a_pipe_may_leave():
    command = f"{sys.executable} -m scratchnet train --help | head -1"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=300)
    assert result.stdout.startswith("usage") and not result.stderr
