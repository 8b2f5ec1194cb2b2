"""Layers that move numbers without computing: padding, unfold and fold, shuffles; forward and backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.tasks import Step, suite

rearranging = suite("rearranging", "Padding, unfold, fold and shuffles, forward and backward", mean=0.9, limit=1.5)


def measured(name: str, shape: tuple[int, ...], make: Callable[[Any], Callable], text: str = "") -> None:
    """A task: `make(torch)` gives the function of a tensor of this shape."""

    def prepare(torch: Any) -> Step:
        function, x = make(torch), torch.randn(*shape).requires_grad_()
        g = torch.randn(*function(x).shape)

        return lambda: torch.autograd.grad(function(x), x, g)

    rearranging.task(name, "×".join(map(str, shape)) + text)(prepare)


SHAPES = {"1-D": ((16, 64, 400), (3, 3)), "2-D": ((8, 64, 56, 56), (1,) * 4), "3-D": ((2, 16, 16, 32, 32), (1,) * 6)}
for mode in ("constant", "reflect", "replicate", "circular"):
    for dims, (shape, widths) in SHAPES.items():
        measured(
            f"pad {mode} {dims}",
            shape,
            lambda torch, widths=widths, mode=mode: lambda x: torch.nn.functional.pad(x, widths, mode=mode),
        )

WINDOWS = {
    "3×3": ((4, 64, 56, 56), (3, 1, 1, 1)),
    "3×3, stride 2": ((4, 64, 56, 56), (3, 1, 1, 2)),
    "3×3, dilation 2": ((8, 256, 14, 14), (3, 2, 2, 1)),
    "5×5": ((16, 32, 14, 14), (5, 1, 2, 1)),
    "16×16 patches": ((4, 3, 224, 224), (16, 1, 0, 16)),
}
for text, (shape, (kernel, dilation, padding, stride)) in WINDOWS.items():
    settings = (kernel, dilation, padding, stride)
    count = (shape[2] + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    columns = (shape[0], shape[1] * kernel**2, count**2)
    measured(f"unfold {text}", shape, lambda torch, s=settings: lambda x: torch.nn.functional.unfold(x, *s))
    measured(
        f"fold {text}", columns, lambda torch, n=shape[2], s=settings: lambda x: torch.nn.functional.fold(x, (n, n), *s)
    )

measured("pixel_shuffle", (8, 64, 56, 56), lambda torch: lambda x: torch.nn.functional.pixel_shuffle(x, 2), ", 2")
measured("pixel_unshuffle", (8, 16, 112, 112), lambda torch: lambda x: torch.nn.functional.pixel_unshuffle(x, 2), ", 2")
measured("channel_shuffle", (8, 64, 56, 56), lambda torch: lambda x: torch.nn.functional.channel_shuffle(x, 4), ", 4 groups")
