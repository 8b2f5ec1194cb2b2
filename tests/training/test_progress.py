"""What is shown of a run, on a terminal and elsewhere."""

import io
import sys
import time

import numpy as np

from scratchnet import Tensor, nn, optim
from scratchnet.data import DataLoader, TensorDataset
from scratchnet.training import Callback, Progress, Trainer

DATA = TensorDataset(Tensor(np.ones((20, 2), np.float32)), Tensor(np.arange(20) % 2))


def fit(callback, epochs=2, callbacks=()):
    model = nn.Linear(2, 2)
    trainer = Trainer(model, optim.SGD(model.parameters(), lr=0.1), callbacks=[callback, *callbacks])
    trainer.fit(DataLoader(DATA, 5), epochs, DataLoader(DATA, 10))
    return trainer


def test_plain_lines(capsys):
    fit(Callback())  # compiles what it needs, of which the first run tells
    capsys.readouterr()
    fit(Progress())
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("epoch   1/2  loss 0.") and "test loss" in lines[0]
    assert lines[1].endswith("0:00 left") and "samples/s" in lines[1]


def test_lines_within_a_long_epoch(capsys):
    fit(Progress(every=0.0), epochs=1)
    lines = capsys.readouterr().out.splitlines()
    assert [line[:22] for line in lines[:-1]] == [f"epoch   1/1  batch {n}/4" for n in (1, 2, 3, 4)]


def test_bar(monkeypatch):
    output = io.StringIO()
    monkeypatch.setattr(sys, "stdout", output)
    monkeypatch.setenv("COLUMNS", "120")
    fit(Progress(bar=True))
    assert output.getvalue().count("test loss") == 2


def test_without_rich_there_are_lines(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "rich", None)
    fit(Progress(bar=True))
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_a_first_batch_that_takes_long_is_explained(capsys):
    class Slow(Callback):
        def on_gradients(self, trainer):
            while trainer.batch == 0 and trainer.epoch == 0 and not progress.notice.finished.is_set():
                time.sleep(0.001)

    progress = Progress(patience=0.01)
    fit(progress, callbacks=[Slow()])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and lines[0].startswith("compiling the kernels")
