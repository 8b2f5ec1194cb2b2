"""Callbacks one by one, with a trainer that only pretends."""

import csv
import os
import signal
import threading
from types import SimpleNamespace

import pytest

from scratchnet.training import EarlyStopping, GradientClipping, History, StopOnInterrupt
from scratchnet.training.callbacks import Checkpoint


class Pretend(SimpleNamespace):
    def __init__(self, **attributes):
        super().__init__(history=[], stop_reason=None, **attributes)

    def stop(self, reason):
        self.stop_reason = reason


def epochs_until_stop(callback, key, values):
    trainer = Pretend()
    for n, value in enumerate(values, 1):
        trainer.history.append({"epoch": n, key: value})
        callback.on_epoch_end(trainer)
        if trainer.stop_reason:
            return n
    return None


@pytest.mark.parametrize(
    "options, key, values, expected",
    [
        ({"patience": 2}, "test_loss", [3, 2, 2, 2, 1], 4),
        ({"patience": 2}, "test_loss", [3, 2, 2, 1, 1], None),
        ({"patience": 2, "min_delta": 0.5}, "test_loss", [3, 2, 1.6, 1.7, 0], 4),
        ({"patience": 1, "monitor": "test_accuracy"}, "test_accuracy", [0.1, 0.3, 0.2], 3),
        ({"patience": 1, "monitor": "f1", "mode": "max"}, "f1", [0.1, 0.3, 0.3], 3),
        ({"patience": 2}, "test_loss", [float("nan")] * 3, 2),
    ],
)
def test_early_stopping(options, key, values, expected):
    assert epochs_until_stop(EarlyStopping(**options), key, values) == expected


def test_early_stopping_goes_on_counting_after_a_restart():
    first = EarlyStopping(patience=3)
    assert epochs_until_stop(first, "test_loss", [1, 2, 2]) is None
    second = EarlyStopping(patience=3)
    second.load_state_dict(first.state_dict())
    assert epochs_until_stop(second, "test_loss", [1.5]) == 1


def test_refusals(tmp_path):
    for call in (
        lambda: EarlyStopping(patience=0),
        lambda: EarlyStopping(mode="most"),
        lambda: GradientClipping(0),
        lambda: Checkpoint(tmp_path / "c.npz", every=0),
        lambda: epochs_until_stop(EarlyStopping("test_los"), "test_loss", [1]),
    ):
        with pytest.raises(ValueError):
            call()


def test_history_is_a_table(tmp_path):
    trainer, callback = Pretend(), History(tmp_path / "history.csv")
    for n in (1, 2):
        trainer.history.append({"epoch": n, "loss": 1 / 3 / n, "lr": 1e-9})
        callback.on_epoch_end(trainer)
    text = (tmp_path / "history.csv").read_text()
    assert text == "epoch,loss,lr\n1,0.333333,1e-09\n2,0.166667,1e-09\n"
    assert [row["epoch"] for row in csv.DictReader(text.splitlines())] == ["1", "2"]


def test_ctrl_c_once_stops_after_the_epoch_twice_at_once(capsys):
    before = signal.getsignal(signal.SIGINT)
    trainer, callback = Pretend(), StopOnInterrupt()
    callback.on_fit_start(trainer)
    os.kill(os.getpid(), signal.SIGINT)
    assert trainer.stop_reason == "interrupted"
    assert "finishing this epoch" in capsys.readouterr().err
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    callback.on_fit_end(trainer)
    assert signal.getsignal(signal.SIGINT) is before


def test_in_another_thread_ctrl_c_is_left_alone():
    before, errors = signal.getsignal(signal.SIGINT), []

    def run():
        try:
            callback = StopOnInterrupt()
            callback.on_fit_start(Pretend())
            callback.on_fit_end(Pretend())
        except ValueError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert not errors and signal.getsignal(signal.SIGINT) is before
