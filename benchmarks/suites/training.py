"""Whole networks: training steps, inference of one, and the memory of a step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from benchmarks import networks
from benchmarks.tasks import Step, suite

training = suite(
    "training", "A training step: forward, loss, backward, optimizer", mean=1.0, limit=1.3,
)  # fmt: skip
inference = suite(
    "inference", "Inference of one, without gradients", mean=1.0,
    note="With one image a convolution takes some 100 µs, and the Python around it counts. Loops of less stay on the calling "
    "thread: waking another takes half of that (when they were divided from 20 µs on, ResNet-20 took 4.2 ms instead of 3.2). "
    "Threads that wait awake, in a loop without Python's lock, were tried: they are late too, as they queue for the lock when "
    "they are called. ViT's products of 65 rows go by panels, in 150 to 480 µs each; OpenBLAS on two threads took 260 to 650.",
)  # fmt: skip
memory = suite(
    "memory", "Memory of a training step", measure="memory",
    note="How far a step takes a fresh process, which has built the network and its data, above what it held before: its first "
    "step after one of a narrow network, which loads the code; and its first step of all, which imports Numba and loads compiled "
    "kernels (130 MB of it), where torch loaded its libraries with `import torch`, before the count begins.",
)  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """A network, and what it is trained on: images or words."""

    network: Callable[[Any], Any]
    batch: int
    shape: tuple[int, ...]  # of one example; (time,) for words
    classes: int
    optimizer: str = "SGD"
    title: str = ""

    def data(self, torch: Any, batch: int) -> tuple[Any, Any]:
        """Examples, and the classes that they are of (or the words that follow)."""
        if len(self.shape) == 1:
            words = torch.randint(0, self.classes, (batch, self.shape[0] + 1))
            return words[:, :-1], words[:, 1:].flatten()
        return torch.randn(batch, *self.shape), torch.randint(0, self.classes, (batch,))

    def text(self, batch: int, *rest: str) -> str:
        return ", ".join(["×".join(map(str, (batch, *self.shape))), *([self.title] if self.title else []), *rest])

    def training_step(self, torch: Any) -> Step:
        torch.manual_seed(0)
        net, criterion, optim = self.network(torch), torch.nn.CrossEntropyLoss(), torch.optim
        x, y = self.data(torch, self.batch)
        parameters = net.parameters()
        optimizer = {
            "SGD": lambda: optim.SGD(parameters, lr=0.01, momentum=0.9),
            "Adam": lambda: optim.Adam(parameters, lr=1e-4),
            "AdamW": lambda: optim.AdamW(parameters, lr=1e-4),
        }[self.optimizer]()

        def step() -> None:
            optimizer.zero_grad()
            criterion(net(x), y).backward()
            optimizer.step()

        return step

    def inference(self, torch: Any) -> Step:
        torch.manual_seed(0)
        net, (x, _) = self.network(torch).eval(), self.data(torch, 1)

        def step() -> None:
            with torch.no_grad():
                net(x)

        return step


PROBLEMS = {
    "LeNet-5": Problem(networks.lenet, 64, (1, 28, 28), 10),
    "LeNet-5, Adam": Problem(networks.lenet, 64, (1, 28, 28), 10, "Adam"),
    "ResNet-20": Problem(networks.resnet20, 64, (3, 32, 32), 10),
    "ResNet-18": Problem(networks.resnet18, 4, (3, 224, 224), 1000),
    "MobileNetV2": Problem(networks.mobilenet_v2, 8, (3, 96, 96), 1000),
    "ViT": Problem(networks.vision_transformer, 8, (3, 32, 32), 10, "AdamW", "6 layers of 384, 6 heads, 65 tokens"),
    "LSTM": Problem(networks.lstm_language_model, 20, (35,), 10_000, "SGD", "2 layers of 200, 10,000 words"),
}

for _name, _problem in PROBLEMS.items():
    training.task(_name, _problem.text(_problem.batch, _problem.optimizer))(_problem.training_step)
    if "Adam" not in _name:
        inference.task(_name, _problem.text(1))(_problem.inference)

for _name, _warm in {"ResNet-18": True, "ResNet-18, first step": False}.items():

    @memory.task(_name, PROBLEMS["ResNet-18"].text(4), limit=1.1 if _warm else None)
    def peak(torch: Any, warm: bool = _warm) -> Step:
        problem = PROBLEMS["ResNet-18"]
        if warm:
            narrow = partial(networks.resnet18, width=8)
            replace(problem, network=narrow, batch=1, shape=(3, 64, 64)).training_step(torch)()
        return problem.training_step(torch)
