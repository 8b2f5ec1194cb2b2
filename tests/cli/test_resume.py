"""Runs that are killed, interrupted and resumed, as processes of their own."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from scratchnet.cli import main
from scratchnet.training import checkpoint

EPOCHS = 6


@pytest.fixture(scope="module")
def options(digits):
    return [
        "--data",
        digits,
        "--epochs",
        str(EPOCHS),
        "--batch-size",
        "10",
        "--checkpoint-every",
        "3",
        "--no-pictures",
    ]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, options):
    root = tmp_path_factory.mktemp("undisturbed")
    assert main(["train", *options, "--output", str(root), "--name", "run", "--quiet"]) == 0
    return checkpoint.load(root / "run" / "checkpoint.npz")


def start(*argv):
    command = [sys.executable, "-m", "scratchnet", "train", *map(str, argv)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for_epoch(process, number):
    for line in process.stdout:
        if line.startswith("epoch") and int(line.split()[1].split("/")[0]) >= number:
            return
    raise AssertionError(f"ended before epoch {number}: {process.stderr.read()}")


def finish(process):
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def assert_same_run(path, expected):
    state = checkpoint.load(path)
    for part in ("model", "optimizer"):
        assert_same(state[part], expected[part], part)
    for a, b in zip(state["history"], expected["history"], strict=True):
        assert {**a, "seconds": 0} == {**b, "seconds": 0}


def assert_same(a, b, place):
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_same(a[key], b[key], f"{place}.{key}")
    elif hasattr(a, "array"):
        np.testing.assert_array_equal(a.array, b.array, err_msg=place, strict=True)


def test_killed_at_any_moment_and_resumed_the_weights_are_bit_identical(tmp_path, options, undisturbed):
    """SIGKILL three times, in the middle of epochs; each time the run goes on from its last checkpoint."""
    folder = tmp_path / "run"
    argv = [*options, "--output", tmp_path, "--name", "run"]
    for epoch, delay in ((1, 0.015), (2, 0.0), (3, 0.04)):
        process = start(*argv)
        wait_for_epoch(process, epoch)
        time.sleep(delay)
        process.kill()
        assert finish(process)[0] == -signal.SIGKILL
        argv = ["--resume", folder, "--no-pictures"]
    assert main(["train", "--resume", str(folder), "--quiet", "--no-pictures"]) == 0
    assert_same_run(folder / "checkpoint.npz", undisturbed)
    assert (folder / "history.csv").read_text().count("\n") == EPOCHS + 1


def test_ctrl_c_ends_the_epoch_with_a_checkpoint_and_a_message(tmp_path, options, undisturbed):
    process = start(*options, "--output", tmp_path, "--name", "run")
    wait_for_epoch(process, 1)
    process.send_signal(signal.SIGINT)
    code, _, err = finish(process)
    assert code == 130
    assert "finishing this epoch" in err and "Traceback" not in err
    assert f"train --resume {tmp_path / 'run'}" in err
    state = checkpoint.load(tmp_path / "run" / "checkpoint.npz")
    assert state["batch"] == 0 and f"stopped after epoch {state['epoch']} of {EPOCHS}" in err
    assert 1 <= state["epoch"] < EPOCHS
    assert main(["train", "--resume", str(tmp_path / "run"), "--quiet", "--no-pictures"]) == 0
    assert_same_run(tmp_path / "run" / "checkpoint.npz", undisturbed)


def test_ctrl_c_twice_stops_at_once(tmp_path, digits):
    process = start("--data", digits, "--epochs", 500, "--output", tmp_path, "--name", "run", "--quiet", "--workers", 0)
    path = tmp_path / "run" / "checkpoint.npz"
    deadline = time.monotonic() + 120
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    time.sleep(0.002)
    os.kill(process.pid, signal.SIGINT)
    code, _, err = finish(process)
    assert code == 130 and "Traceback" not in err
    assert checkpoint.load(path)["epoch"] >= 1


def test_other_settings_are_refused(finished, capsys):
    assert main(["train", "--resume", str(finished), "--lr", "0.5", "--name", "b"]) == 1
    err = capsys.readouterr().err
    assert "--resume goes on with the run as it was begun: leave out --lr, --name" in err


def test_a_finished_run_is_not_continued(finished, capsys):
    assert main(["train", "--resume", str(finished / "checkpoint.npz")]) == 1
    assert "is finished: all its 3 epochs are done" in capsys.readouterr().err
