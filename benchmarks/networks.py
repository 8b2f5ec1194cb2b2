"""Networks of the benchmarks, each written once for both libraries: they get the library as `torch`."""

from __future__ import annotations

from typing import Any


def lenet(torch: Any) -> Any:
    """LeNet-5 as it is usually written for 28×28 digits (LeCun et al., 1998)."""
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
    )  # fmt: skip
