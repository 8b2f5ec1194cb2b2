"""Normalisation, softmax and cross entropy at common sizes, forward and backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.tasks import Step, suite

norm = suite("norm", "Normalisation, forward and backward", mean=0.9, limit=1.5)
softmax = suite("softmax", "Softmax and cross entropy, forward and backward", mean=0.9, limit=1.5)

# name: layer, shape
NORMS: dict[str, tuple[Callable, tuple[int, ...]]] = {
    "batch, CIFAR": (lambda nn: nn.BatchNorm2d(64), (64, 64, 32, 32)),
    "batch, CIFAR ResNet": (lambda nn: nn.BatchNorm2d(16), (64, 16, 32, 32)),
    "batch, ImageNet": (lambda nn: nn.BatchNorm2d(64), (8, 64, 56, 56)),
    "batch, small maps": (lambda nn: nn.BatchNorm2d(512), (8, 512, 7, 7)),
    "batch, evaluation": (lambda nn: nn.BatchNorm2d(64).eval(), (8, 64, 56, 56)),
    "batch, features": (lambda nn: nn.BatchNorm1d(256), (64, 256)),
    "layer, ViT": (lambda nn: nn.LayerNorm(384), (8, 197, 384)),
    "layer, language model": (lambda nn: nn.LayerNorm(768), (4096, 768)),
    "group": (lambda nn: nn.GroupNorm(32, 256), (8, 256, 28, 28)),
    "instance": (lambda nn: nn.InstanceNorm2d(64, affine=True), (8, 64, 56, 56)),
    "RMS, ViT": (lambda nn: nn.RMSNorm(384), (8, 197, 384)),
    "RMS, language model": (lambda nn: nn.RMSNorm(768), (4096, 768)),
    "local response, AlexNet": (lambda nn: nn.LocalResponseNorm(5), (8, 96, 27, 27)),
    "cosine similarity": (lambda nn: lambda x: nn.CosineSimilarity(-1)(x, x.flip(0)), (4096, 128)),
}

SOFTMAXES: dict[str, tuple[Callable, tuple[int, ...]]] = {
    "softmax, attention": (lambda nn: nn.Softmax(-1), (8, 6, 197, 197)),
    "softmax, ImageNet": (lambda nn: nn.Softmax(-1), (4096, 1000)),
    "softmax, pixels": (lambda nn: nn.Softmax(1), (8, 21, 64, 64)),
    "log-softmax, ImageNet": (lambda nn: nn.LogSoftmax(-1), (4096, 1000)),
    "log-softmax, digits": (lambda nn: nn.LogSoftmax(-1), (64, 10)),
}

# name: loss, shape of the logits
LOSSES: dict[str, tuple[Callable, tuple[int, ...]]] = {
    "cross entropy, digits": (lambda nn: nn.CrossEntropyLoss(), (64, 10)),
    "cross entropy, ImageNet": (lambda nn: nn.CrossEntropyLoss(), (4096, 1000)),
    "cross entropy, smoothed": (lambda nn: nn.CrossEntropyLoss(label_smoothing=0.1), (4096, 1000)),
    "cross entropy, pixels": (lambda nn: nn.CrossEntropyLoss(ignore_index=0), (4, 21, 64, 64)),
    "cross entropy, language model": (lambda nn: nn.CrossEntropyLoss(), (512, 32000)),
    "negative log-likelihood": (lambda nn: nn.NLLLoss(), (4096, 1000)),
}


def _layer_step(torch: Any, make: Callable, shape: tuple) -> Step:
    layer, x = make(torch.nn), torch.randn(*shape, requires_grad=True)
    g = torch.randn(layer(x).shape)
    leaves = [x, *layer.parameters()] if isinstance(layer, torch.nn.Module) else [x]

    def step() -> None:
        for leaf in leaves:
            leaf.grad = None
        layer(x).backward(g)

    return step


for _suite, _layers in ((norm, NORMS), (softmax, SOFTMAXES)):
    for _name, (_make, _shape) in _layers.items():

        @_suite.task(_name, "×".join(map(str, _shape)))
        def layer(torch: Any, make: Callable = _make, shape: tuple = _shape) -> Step:
            return _layer_step(torch, make, shape)


for _name, (_make, _shape) in LOSSES.items():

    @softmax.task(_name, "×".join(map(str, _shape)))
    def loss(torch: Any, make: Callable = _make, shape: tuple = _shape) -> Step:
        loss, x = make(torch.nn), torch.randn(*shape, requires_grad=True)
        classes = torch.randint(0, shape[1], (shape[0], *shape[2:]))

        def step() -> None:
            x.grad = None
            loss(x, classes).backward()

        return step
