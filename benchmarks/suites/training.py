"""Whole networks: training steps, inference of one image, and the memory of a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks import networks
from benchmarks.tasks import Step, suite

training = suite("training", "A training step: forward, loss, backward, optimizer", mean=1.0, limit=1.3)
inference = suite("inference", "Inference of one, without gradients", mean=1.0)


def classification_step(torch: Any, net: Any, x: Any, y: Any, make_optimizer: Callable) -> Step:
    optimizer, criterion = make_optimizer(torch.optim, net.parameters()), torch.nn.CrossEntropyLoss()

    def step() -> None:
        optimizer.zero_grad()
        criterion(net(x), y).backward()
        optimizer.step()

    return step


def sgd(optim: Any, parameters: Any) -> Any:
    return optim.SGD(parameters, lr=0.01, momentum=0.9)


def adam(optim: Any, parameters: Any) -> Any:
    return optim.Adam(parameters, lr=1e-3)


for _name, _make_optimizer in {"lenet": sgd, "lenet-adam": adam}.items():

    @training.task(_name, f"LeNet-5, 64×1×28×28, {'Adam' if _make_optimizer is adam else 'SGD with momentum'}")
    def lenet_step(torch: Any, make_optimizer: Callable = _make_optimizer) -> Step:
        torch.manual_seed(0)
        net, x, y = networks.lenet(torch), torch.randn(64, 1, 28, 28), torch.randint(0, 10, (64,))
        return classification_step(torch, net, x, y, make_optimizer)


@inference.task("lenet", "LeNet-5, 1×1×28×28")
def lenet_inference(torch: Any) -> Step:
    torch.manual_seed(0)
    net, x = networks.lenet(torch).eval(), torch.randn(1, 1, 28, 28)

    def step() -> None:
        with torch.no_grad():
            net(x)

    return step
