"""Pooling of common shapes, forward and backward."""

from __future__ import annotations

from typing import Any

from benchmarks.tasks import Step, suite

pooling = suite(
    "pooling",
    "Pooling, forward and backward",
    mean=0.9,
    limit=1.5,
    note="Maxima over a few large regions are slower than torch's. Of the 0.1 µs that a region of 7×7 takes one thread, half "
    "goes into its largest number and the place of it, and half into reading its bounds from tables.",
)

# name: function, shape, settings
POOLINGS: dict[str, tuple[str, tuple[int, ...], tuple]] = {
    "max 2×2": ("max_pool2d", (64, 64, 32, 32), (2,)),
    "max 2×2, LeNet": ("max_pool2d", (64, 6, 28, 28), (2,)),
    "max 2×2, VGG": ("max_pool2d", (1, 64, 224, 224), (2,)),
    "max 3×3, stride 2": ("max_pool2d", (8, 64, 112, 112), (3, 2, 1)),
    "max 3×3, stride 1": ("max_pool2d", (8, 192, 28, 28), (3, 1, 1)),
    "max 5×5, stride 1": ("max_pool2d", (1, 512, 20, 20), (5, 1, 2)),
    "max 3×3, dilation 2": ("max_pool2d", (8, 64, 56, 56), (3, 1, 1, 2)),
    "max 1-D": ("max_pool1d", (64, 64, 1000), (2,)),
    "max 1-D, 3 every 2": ("max_pool1d", (32, 64, 1000), (3, 2, 1)),
    "max 3-D": ("max_pool3d", (4, 32, 16, 32, 32), (2,)),
    "avg 2×2": ("avg_pool2d", (64, 64, 32, 32), (2,)),
    "avg 2×2, DenseNet": ("avg_pool2d", (8, 128, 56, 56), (2,)),
    "avg 3×3, stride 1": ("avg_pool2d", (8, 192, 28, 28), (3, 1, 1)),
    "avg 1-D": ("avg_pool1d", (64, 64, 1000), (2,)),
    "avg 3-D": ("avg_pool3d", (4, 32, 16, 32, 32), (2,)),
    "global avg": ("adaptive_avg_pool2d", (8, 512, 7, 7), (1,)),
    "global avg, large map": ("adaptive_avg_pool2d", (8, 64, 56, 56), (1,)),
    "global max": ("adaptive_max_pool2d", (8, 512, 7, 7), (1,)),
    "adaptive avg to 7×7": ("adaptive_avg_pool2d", (8, 512, 10, 10), (7,)),
    "adaptive max to 3×3": ("adaptive_max_pool2d", (8, 256, 13, 13), (3,)),
    "lp, p = 2": ("lp_pool2d", (16, 64, 32, 32), (2, 2)),
}

for _name, (_function, _shape, _settings) in POOLINGS.items():

    @pooling.task(_name, "×".join(map(str, _shape)))
    def pool(torch: Any, function: str = _function, shape: tuple = _shape, settings: tuple = _settings) -> Step:
        call, x = getattr(torch.nn.functional, function), torch.randn(*shape, requires_grad=True)
        g = torch.randn(call(x, *settings).shape)

        def step() -> None:
            x.grad = None
            call(x, *settings).backward(g)

        return step
