"""A small data set in files, and runs on it that take a fraction of a second."""

import contextlib
import io

import pytest

from scratchnet.cli import main
from scratchnet.data.datasets import MNIST5k, write_idx


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    """The name of 200 + 100 digits as `--data` takes it."""
    folder = tmp_path_factory.mktemp("digits")
    for stem, part, n in (("train", MNIST5k(), 200), ("t10k", MNIST5k(False), 100)):
        write_idx(folder / f"{stem}-images-idx3-ubyte", part.data[:n])
        write_idx(folder / f"{stem}-labels-idx1-ubyte", part.targets[:n].astype("uint8"))
    return f"mnist:{folder}"


@pytest.fixture(scope="session")
def settings(digits):
    """A run of three epochs of 5 batches, without pictures."""
    options = "--model perceptron --epochs 3 --batch-size 40 --workers 0 --no-pictures"
    return ["--data", digits, *options.split()]


@pytest.fixture(scope="session")
def finished_and_said(tmp_path_factory, settings):
    """The folder of a finished run with its pictures, not to be written into, and what was printed."""
    root = tmp_path_factory.mktemp("finished")
    argv = ["train", *settings, "--output", str(root), "--name", "run"]
    argv.remove("--no-pictures")
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert main(argv) == 0
    return root / "run", out.getvalue()


@pytest.fixture(scope="session")
def finished(finished_and_said):
    return finished_and_said[0]
