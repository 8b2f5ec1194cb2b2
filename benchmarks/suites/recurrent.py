"""Recurrent layers: whole sequences forward and backward, single steps, inference of one sequence."""

from __future__ import annotations

from typing import Any

from benchmarks.tasks import Step, suite

# time, batch, input size, hidden size, layers
SHAPES = {
    "language model": (35, 20, 200, 200, 2),
    "wide": (50, 64, 128, 256, 2),
    "short": (10, 32, 32, 64, 1),
}
KINDS = ("LSTM", "GRU", "RNN")

training = suite("recurrent", "LSTM, GRU and Elman's network, forward and backward", mean=1.0, limit=1.5)
inference = suite("recurrent inference", "LSTM, GRU and Elman's network, one sequence, forward alone", mean=1.0, limit=1.5)


def _text(length: int, batch: int, features: int, size: int, layers: int) -> str:
    return f"{length} steps, batch {batch}, {features} → {size}, {layers} layer{'s' * (layers > 1)}"


def _training(kind: str, shape: tuple) -> Any:
    def prepare(torch: Any) -> Step:
        length, batch, features, size, layers = shape
        torch.manual_seed(0)
        net = getattr(torch.nn, kind)(features, size, layers)
        x, g = torch.randn(length, batch, features, requires_grad=True), torch.randn(length, batch, size)

        def step() -> None:
            net.zero_grad()
            x.grad = None
            net(x)[0].backward(g)

        return step

    return prepare


def _inference(kind: str, shape: tuple) -> Any:
    def prepare(torch: Any) -> Step:
        length, _, features, size, layers = shape
        torch.manual_seed(0)
        net, x = getattr(torch.nn, kind)(features, size, layers), torch.randn(length, 1, features)

        def step() -> None:
            with torch.no_grad():
                net(x)

        return step

    return prepare


def _cell(kind: str) -> Any:
    def prepare(torch: Any) -> Step:
        torch.manual_seed(0)
        net, x = getattr(torch.nn, kind)(64, 64), torch.randn(16, 64)

        def step() -> None:
            net.zero_grad()
            y = net(x)
            (y[0] if kind == "LSTMCell" else y).sum().backward()

        return step

    return prepare


for _kind in KINDS:
    for _name, _shape in SHAPES.items():
        training.task(f"{_kind}, {_name}", _text(*_shape))(_training(_kind, _shape))
        inference.task(f"{_kind}, {_name}", _text(_shape[0], 1, *_shape[2:]))(_inference(_kind, _shape))
    training.task(f"{_kind}Cell", "batch 16, 64 → 64")(_cell(f"{_kind}Cell"))
