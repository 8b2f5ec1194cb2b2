"""Settings that plans of convolutions depend on: plans are remembered, and must be forgotten when these change."""

from contextlib import contextmanager

import pytest

from scratchnet.kernels import tile
from scratchnet.kernels.conv import channels, costs, dots, passes, pixels, pointwise

REMEMBERED = (
    tile.vector_bytes, tile._instructions, tile.specialised, passes.layout_of,
    channels.plan_of, channels.pixel_table, channels._call_of, dots.plan_of, pixels.plan_of, pointwise.plan_of, costs.ways,
)  # fmt: skip


def forget():
    for function in REMEMBERED:
        function.cache_clear()


@contextmanager
def small_patches(numbers=64):
    """Several blocks of rows or images, even of small maps; the last is not full."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (channels, dots, pixels):
            patch.setattr(module, "_PATCH", numbers)
        patch.setattr(channels, "_PIXELS", 12)
        patch.setattr(channels, "_TAPS", 7)
        patch.setattr(pointwise, "_WEIGHTS", numbers)
        patch.setattr(pointwise, "_SMALL", 9)
        patch.setattr(pointwise, "_DEPTH", 12)
        forget()
        yield
    forget()


@contextmanager
def vectors_of(size):
    """Vectors of so many bytes, whatever the processor; 0 stands for plain loops."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCRATCHNET_VECTOR_BYTES", str(size))
        forget()
        yield
    forget()
