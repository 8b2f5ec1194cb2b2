"""Resizing and sampling of images: forward with the gradients to the input (and to the grid)."""

from __future__ import annotations

from typing import Any

from benchmarks.tasks import Step, suite

IMAGES = (8, 64, 56, 56)
RESIZINGS = {
    "nearest": (IMAGES, dict(scale_factor=2, mode="nearest")),
    "bilinear": (IMAGES, dict(scale_factor=2, mode="bilinear")),
    "bicubic": (IMAGES, dict(scale_factor=2, mode="bicubic")),
    "bilinear, half": (IMAGES, dict(scale_factor=0.5, mode="bilinear")),
    "area": (IMAGES, dict(size=(20, 20), mode="area")),
    "one large map": ((1, 21, 65, 65), dict(size=(513, 513), mode="bilinear")),
    "photographs, antialiased": ((4, 3, 224, 224), dict(size=(96, 96), mode="bilinear", antialias=True)),
    "trilinear": ((2, 8, 8, 28, 28), dict(scale_factor=2, mode="trilinear")),
}
SAMPLINGS = {
    "grid_sample": (IMAGES, "bilinear", "zeros"),
    "grid_sample, reflection": (IMAGES, "bilinear", "reflection"),
    "grid_sample, nearest": (IMAGES, "nearest", "border"),
    "grid_sample, bicubic": ((8, 64, 28, 28), "bicubic", "zeros"),
    "grid_sample, photographs": ((8, 3, 224, 224), "bilinear", "zeros"),
}

interpolation = suite(
    "interpolation",
    "Resizing and sampling, forward and backward",
    mean=0.9,
    limit=2.0,
    note="Sampling at scattered points is bound by reading single numbers, for which torch has gather instructions that the "
    "compiler does not emit here: it shows where there are few channels or one tap.",
)

for _name, (_shape, _options) in RESIZINGS.items():

    @interpolation.task(_name, "×".join(map(str, _shape)))
    def resize(torch: Any, shape: tuple = _shape, options: dict = _options) -> Step:
        x = torch.randn(*shape).requires_grad_()
        g = torch.randn(*torch.nn.functional.interpolate(x, **options).shape)

        def step() -> None:
            x.grad = None
            torch.nn.functional.interpolate(x, **options).backward(g)

        return step


for _name, (_shape, _mode, _padding) in SAMPLINGS.items():

    @interpolation.task(_name, "×".join(map(str, _shape)))
    def sample(torch: Any, shape: tuple = _shape, mode: str = _mode, padding: str = _padding) -> Step:
        """A rotation by a few degrees, with some noise, of which a tenth looks beyond the image."""
        torch.manual_seed(0)
        x, g = torch.randn(*shape).requires_grad_(), torch.randn(*shape)
        theta = torch.tensor([[[1.05, 0.1, 0.0], [-0.1, 1.05, 0.0]]]).repeat(shape[0], 1, 1)
        grid = torch.nn.functional.affine_grid(theta, shape, align_corners=False)
        grid = (grid + 0.01 * torch.randn(*grid.shape)).detach().requires_grad_()

        def step() -> None:
            x.grad = grid.grad = None
            torch.nn.functional.grid_sample(x, grid, mode, padding, align_corners=False).backward(g)

        return step
