"""The loop: what it computes, when it refuses, and that a restart changes nothing."""

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet import Tensor, nn, optim
from scratchnet.data import DataLoader, TensorDataset
from scratchnet.optim.lr_scheduler import CosineAnnealingLR
from scratchnet.training import (
    Callback,
    Checkpoint,
    EarlyStopping,
    GradientClipping,
    Trainer,
    TrainingError,
    checkpoint,
    predict,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 6)).astype(np.float32)
Y = (X[:, 0] + 0.3 * X[:, 1] > 0).astype(np.int64) + (X[:, 2] > 1)


def loaders(workers=0, x=X, y=Y):
    data = TensorDataset(Tensor(x), Tensor(y))
    return DataLoader(data, 8, shuffle=True, num_workers=workers), DataLoader(data, 50)


def make(seed=0, callbacks=(), normalised=True):
    scratchnet.manual_seed(seed)
    more = [nn.BatchNorm1d(9), nn.Dropout(0.2)] if normalised else []
    model = nn.Sequential(nn.Linear(6, 9), *more, nn.Tanh(), nn.Linear(9, 3))
    optimizer = optim.AdamW(model.parameters(), lr=0.02)
    return Trainer(model, optimizer, scheduler=CosineAnnealingLR(optimizer, 40), callbacks=callbacks)


def weights(trainer):
    return {name: tensor.array.copy() for name, tensor in trainer.model.state_dict().items()}


def assert_same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name, strict=True)


def test_learns_what_the_same_loop_in_torch_learns():
    trainer = make(normalised=False)
    twin = torch.nn.Sequential(torch.nn.Linear(6, 9), torch.nn.Tanh(), torch.nn.Linear(9, 3))
    twin.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in weights(trainer).items()})
    optimizer = torch.optim.AdamW(twin.parameters(), lr=0.02)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 40)
    dataset = torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))

    scratchnet.manual_seed(1)
    history = trainer.fit(loaders()[0], 2)
    torch.manual_seed(1)
    losses = []
    for _ in range(2):
        total = 0.0
        for x, y in torch.utils.data.DataLoader(dataset, 8, shuffle=True):
            loss = torch.nn.functional.cross_entropy(twin(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.item() * len(x)
        losses.append(total / 50)
    np.testing.assert_allclose([row["loss"] for row in history], losses, rtol=1e-4)
    for name, value in twin.state_dict().items():
        np.testing.assert_allclose(weights(trainer)[name], value.numpy(), rtol=1e-4, atol=1e-5, err_msg=name)


def test_history_and_evaluation():
    trainer = make()
    train, test = loaders()
    history = trainer.fit(train, 12, test)
    assert [row["epoch"] for row in history] == list(range(1, 13))
    assert history[-1]["test_accuracy"] > 0.8 and history[-1]["test_loss"] < history[0]["test_loss"]
    logits, labels = predict(trainer.model, test)
    np.testing.assert_array_equal(labels.array, Y)
    assert trainer.evaluate(test)["accuracy"] == (logits.array.argmax(1) == Y).mean() == history[-1]["test_accuracy"]
    expected = torch.nn.functional.cross_entropy(torch.from_numpy(logits.array), torch.from_numpy(Y)).item()
    assert history[-1]["test_loss"] == pytest.approx(expected, rel=1e-5)
    assert history[-1]["lr"] == pytest.approx(trainer.scheduler.get_last_lr()[0])


@pytest.mark.parametrize("workers", [0, 2])
def test_same_seed_same_weights(workers):
    runs = []
    for seed in (0, 0, 1):
        trainer = make(seed)
        trainer.fit(loaders(workers)[0], 2)
        runs.append(weights(trainer))
    assert_same(runs[0], runs[1])
    assert not np.array_equal(runs[0]["0.weight"], runs[2]["0.weight"])


class Die(Callback):
    """Raises after some batches, as if the process had been killed."""

    def __init__(self, after):
        self.left = after

    def on_batch_end(self, trainer):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("every", [None, 3])
@pytest.mark.parametrize("after", [1, 7, 8, 16, 20])  # an epoch has 7 batches
def test_a_restart_changes_nothing(tmp_path, workers, every, after):
    """Killed after any batch, loaded from the file into new objects: the same weights and history, bit for bit."""
    path = tmp_path / "c.npz"
    whole = make(callbacks=[EarlyStopping("loss", 9)])
    whole.fit(loaders(workers)[0], 4)

    first = make(callbacks=[EarlyStopping("loss", 9), Die(after), Checkpoint(path, every)])
    with pytest.raises(KeyboardInterrupt):
        first.fit(loaders(workers)[0], 4)
    again = make(seed=9, callbacks=[EarlyStopping("loss", 9), Checkpoint(path, every)])
    if path.exists():
        again.load_state_dict(checkpoint.load(path))
    else:
        again = make(callbacks=again.callbacks)
    again.fit(loaders(workers)[0], 4)

    assert_same(weights(again), weights(whole))
    for a, b in zip(again.history, whole.history):
        assert {k: v for k, v in a.items() if k != "seconds"} == {k: v for k, v in b.items() if k != "seconds"}
    assert again.callbacks[0].state_dict() == whole.callbacks[0].state_dict()


def test_callbacks_of_one_kind_keep_their_own_state():
    stops = [EarlyStopping("loss", 9), EarlyStopping("accuracy", 9)]
    trainer = make(callbacks=stops)
    trainer.fit(loaders()[0], 1)
    again = make(callbacks=[EarlyStopping("loss", 9), EarlyStopping("accuracy", 9)])
    again.load_state_dict(trainer.state_dict())
    assert [c.best for c in again.callbacks] == [c.best for c in stops]
    assert stops[0].best != stops[1].best


def test_a_state_with_another_model_or_scheduler_is_refused():
    trainer = make()
    trainer.fit(loaders()[0], 1)
    state = trainer.state_dict()
    other = Trainer(nn.Linear(6, 3), None)
    with pytest.raises(RuntimeError, match=r"[Mm]issing key"):
        other.load_state_dict(state)
    other = make()
    other.scheduler = None
    with pytest.raises(ValueError, match="has a scheduler"):
        other.load_state_dict(state)


def test_clipping_bounds_the_joint_norm():
    norms = []

    class Note(Callback):
        def on_gradients(self, trainer):
            norms.append(np.sqrt(sum((p.grad.array**2).sum() for p in trainer.model.parameters())))

    make(callbacks=[Note(), GradientClipping(0.05), Note()]).fit(loaders()[0], 1)
    assert max(norms[::2]) > 0.05
    assert max(norms[1::2]) <= 0.05 * (1 + 1e-5)


# ---- refusals --------------------------------------------------------------------------------------------


def spoiled(row, value, labels=False):
    x, y = X.copy(), Y.copy()
    (y if labels else x)[row] = value
    data = TensorDataset(Tensor(x), Tensor(y))
    return DataLoader(data, 8)


@pytest.mark.parametrize(
    "loader, message",
    [
        (lambda: spoiled((11, 4), np.nan), r"epoch 1, batch 2: the input holds nan at index \(3, 4\)"),
        (lambda: spoiled((40, 0), -np.inf), r"epoch 1, batch 6: the input holds -inf at index \(0, 0\)"),
        (
            lambda: spoiled(9, 3, True),
            r"batch 2: label 3 of sample 1 is out of range: the network has 3 outputs",
        ),
        (lambda: spoiled(0, -1, True), "batch 1: label -1 of sample 0"),
        (
            lambda: DataLoader(TensorDataset(Tensor(X[:0]), Tensor(Y[:0])), 8),
            "no batches: is the data set empty",
        ),
    ],
)
def test_bad_data_stops_with_the_place(loader, message):
    trainer = make(callbacks=[])
    before = weights(trainer)
    with pytest.raises(TrainingError, match=message):
        trainer.fit(loader(), 1)
    assert all(np.isfinite(w).all() for w in weights(trainer).values())
    if "batch 1" in message:
        assert_same({"w": before["0.weight"]}, {"w": weights(trainer)["0.weight"]})


def test_divergence_stops_before_it_reaches_the_checkpoint(tmp_path):
    path = tmp_path / "c.npz"
    trainer = make(callbacks=[Checkpoint(path, every=1)])
    trainer.loss_function = lambda output, target: (
        nn.functional.cross_entropy(output, target) * (1.0 if trainer.batch < 4 else float("inf"))
    )
    with pytest.raises(TrainingError, match="epoch 1, batch 5: the loss is inf, the run has diverged"):
        trainer.fit(loaders()[0], 1)
    state = checkpoint.load(path)
    assert state["batch"] == 4
    assert all(np.isfinite(w.array).all() for w in state["model"].values())


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    path = tmp_path / "c.npz"
    trainer = make(callbacks=[Checkpoint(path, every=1)])

    class Spoil(Callback):
        def on_batch_end(self, trainer):
            if trainer.batch == 3:
                next(iter(trainer.model.parameters())).array[0, 0] = np.nan

    trainer.callbacks.insert(0, Spoil())
    with pytest.raises(TrainingError, match=r"0\.weight is not finite any more; the last good checkpoint is kept"):
        trainer.fit(loaders()[0], 1)
    assert checkpoint.load(path)["batch"] == 2


def test_evaluating_nothing_is_refused():
    with pytest.raises(TrainingError, match="no batches"):
        predict(make().model, [])


def test_predict_leaves_the_mode_as_it_was():
    trainer = make()
    trainer.model.train()
    predict(trainer.model, loaders()[1])
    assert trainer.model.training
    first = predict(trainer.model, loaders()[1])[0].array
    np.testing.assert_array_equal(first, predict(trainer.model, loaders()[1])[0].array)  # dropout is off
