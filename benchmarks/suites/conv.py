"""Convolutions of well-known networks: forward with both gradients, and forward alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from benchmarks.tasks import Step, suite


@dataclass(frozen=True)
class Shape:
    """batch × channels × size…, `out` kernels of kernel…"""

    batch: int
    channels: int
    out: int
    size: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: int = 1
    padding: int | tuple[int, ...] = 0
    dilation: int = 1
    groups: int = 1
    transposed: bool = False

    def __str__(self) -> str:
        times = "×".join
        text = f"{times(map(str, (self.batch, self.channels, *self.size)))} → {self.out}, {times(map(str, self.kernel))}"
        text += f", stride {self.stride}" * (self.stride > 1) + f", dilation {self.dilation}" * (self.dilation > 1)
        return text + f", {self.groups} groups" * (self.groups > 1)

    @property
    def gflop(self) -> float:
        """Two operations for each product of a forward pass."""
        pixels = math.prod(self.size) if self.transposed else math.prod(self.output_size)
        return 2e-9 * self.batch * self.out * pixels * (self.channels // self.groups) * math.prod(self.kernel)

    @property
    def output_size(self) -> list[int]:
        padding = self.padding if isinstance(self.padding, tuple) else (self.padding,) * len(self.size)
        return [
            (n + 2 * p - self.dilation * (k - 1) - 1) // self.stride + 1
            for n, k, p in zip(self.size, self.kernel, padding)
        ]

    def call(self, torch: Any) -> tuple:
        """The call to measure, and its arguments: input, weight and bias."""
        pair = (self.channels, self.out) if self.transposed else (self.out, self.channels)
        weight = torch.randn(pair[0], pair[1] // self.groups, *self.kernel) * (self.channels * math.prod(self.kernel)) ** -0.5
        x, bias = torch.randn(self.batch, self.channels, *self.size), torch.randn(self.out)
        name = f"conv{'_transpose' if self.transposed else ''}{len(self.size)}d"
        convolve, rest = getattr(torch.nn.functional, name), {"groups": self.groups, "dilation": self.dilation}
        return (
            lambda x, w, b: convolve(x, w, b, stride=self.stride, padding=self.padding, **rest),
            x.requires_grad_(), weight.requires_grad_(), bias.requires_grad_(),
        )  # fmt: skip


def square(batch: int, channels: int, out: int, size: int, kernel: int, stride: int = 1, **rest: Any) -> Shape:
    """Two-dimensional, padded so that stride 1 keeps the size."""
    rest = {"padding": rest.get("dilation", 1) * (kernel // 2), **rest}
    return Shape(batch, channels, out, (size, size), (kernel, kernel), stride, **rest)


SHAPES = {
    "LeNet 1": square(64, 1, 6, 28, 5),
    "LeNet 2": square(64, 6, 16, 14, 5, padding=0),
    "CIFAR ResNet stem": square(64, 3, 16, 32, 3),
    "CIFAR ResNet 16": square(64, 16, 16, 32, 3),
    "CIFAR ResNet 32": square(64, 32, 32, 16, 3),
    "CIFAR ResNet 64": square(64, 64, 64, 8, 3),
    "CIFAR ResNet 16→32": square(64, 16, 32, 32, 3, 2),
    "CIFAR ResNet 32→64": square(64, 32, 64, 16, 3, 2),
    "ResNet stem": square(1, 3, 64, 224, 7, 2),
    "ResNet stem, batch 4": square(4, 3, 64, 224, 7, 2),
    "ResNet 3×3 64, batch 1": square(1, 64, 64, 56, 3),
    "ResNet 3×3 64": square(8, 64, 64, 56, 3),
    "ResNet 3×3 128": square(8, 128, 128, 28, 3),
    "ResNet 3×3 256": square(8, 256, 256, 14, 3),
    "ResNet 3×3 512, batch 1": square(1, 512, 512, 7, 3),
    "ResNet 3×3 512": square(8, 512, 512, 7, 3),
    "ResNet 3×3 128, stride 2": square(8, 128, 128, 56, 3, 2),
    "ResNet 3×3 512, stride 2": square(8, 512, 512, 14, 3, 2),
    "ResNet 1×1 64→256": square(8, 64, 256, 56, 1),
    "ResNet 1×1 256→64": square(8, 256, 64, 56, 1),
    "ResNet 1×1 256→64, batch 1": square(1, 256, 64, 56, 1),
    "ResNet 1×1 1024→256": square(8, 1024, 256, 14, 1),
    "ResNet 1×1 2048→512": square(8, 2048, 512, 7, 1),
    "ResNet 1×1 256→512, stride 2": square(4, 256, 512, 56, 1, 2),
    "VGG 64": square(1, 64, 64, 112, 3),
    "VGG 256": square(1, 256, 256, 56, 3),
    "MobileNet 1×1 24→144": square(8, 24, 144, 48, 1),
    "depthwise 32": square(8, 32, 32, 96, 3, groups=32),
    "depthwise 144": square(8, 144, 144, 48, 3, groups=144),
    "depthwise 144, stride 2": square(8, 144, 144, 48, 3, 2, groups=144),
    "depthwise 576, batch 1": square(1, 576, 576, 14, 3, groups=576),
    "ResNeXt 32×4d": square(8, 128, 128, 56, 3, groups=32),
    "dilated": square(1, 256, 256, 28, 3, dilation=2),
    "1×3": Shape(8, 64, 64, (56, 56), (1, 3), padding=(0, 1)),
    "3×1": Shape(8, 64, 64, (56, 56), (3, 1), padding=(1, 0)),
    "transposed": square(8, 128, 64, 16, 4, 2, padding=1, transposed=True),
    "1-D": Shape(8, 64, 64, (1024,), (9,), padding=4),
    "3-D": Shape(8, 16, 16, (16, 28, 28), (3, 3, 3), padding=1),
}

both = suite(
    "conv", "Convolution: forward and both gradients", mean=1.0, limit=1.5,
    note="Small maps of 64 images come off worst.  Of the step with a stride, timed apart, the gradient to the "
    "input takes 55%: it goes in four passes, for pixels that 1, 2, 2 and 4 taps reach, and each fills patches and scatters "
    "its results anew.  Every other way was timed too, and is slower: by pixels forward 1.7 and backward 1.2 times as long "
    "as by channels, the gradient to the weight by dots 2.9 times.",
)  # fmt: skip
forward = suite("conv_forward", "Convolution: forward alone", mean=1.15, limit=1.8)

for _name, _shape in SHAPES.items():

    @both.task(_name, str(_shape), gflop=3 * _shape.gflop)
    def conv(torch: Any, shape: Shape = _shape) -> Step:
        convolve, x, weight, bias = shape.call(torch)
        g = torch.randn(convolve(x, weight, bias).shape)

        def step() -> None:
            x.grad = weight.grad = bias.grad = None
            convolve(x, weight, bias).backward(g)

        return step

    @forward.task(_name, str(_shape), gflop=_shape.gflop)
    def conv_forward(torch: Any, shape: Shape = _shape) -> Step:
        convolve, x, weight, bias = shape.call(torch)

        def step() -> None:
            with torch.no_grad():
                convolve(x, weight, bias)

        return step
