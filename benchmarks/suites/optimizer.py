"""A step of every optimizer over parameters of the shapes of ResNet-18's, 11.7 million numbers."""

from __future__ import annotations

from typing import Any

from benchmarks.tasks import Step, suite

optimizer = suite("optimizer", "Optimizer steps over the parameters of ResNet-18", mean=1.0, limit=1.5)


def shapes() -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = [(64, 3, 7, 7), (64,), (64,)]
    for before, after in ((64, 64), (64, 128), (128, 256), (256, 512)):
        blocks = [(after, before, 3, 3), *[(after, after, 3, 3)] * 3]
        found += blocks if before == after else [*blocks, (after, before, 1, 1)]
        found += [(after,)] * (8 if before == after else 10)
    return [*found, (1000, 512), (1000,)]


OPTIMIZERS = {
    "SGD": ("SGD", {"lr": 0.01}),
    "SGD, momentum": ("SGD", {"lr": 0.01, "momentum": 0.9, "weight_decay": 1e-4}),
    **{name: (name, {}) for name in (
        "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "Adagrad", "Adadelta", "RMSprop", "Rprop", "ASGD", "Adafactor")},
}  # fmt: skip

for _title, (_name, _options) in OPTIMIZERS.items():

    @optimizer.task(_title, "one step")
    def step(torch: Any, name: str = _name, options: dict = _options) -> Step:
        torch.manual_seed(0)
        parameters = [torch.nn.Parameter(torch.randn(*shape)) for shape in shapes()]
        for p in parameters:
            p.grad = torch.randn(*p.shape) * 0.01
        return getattr(torch.optim, name)(parameters, **options).step
