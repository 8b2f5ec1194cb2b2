"""Where windows look: shared by im2col, convolution and their adjoints.

Planes are volumes [D, H, W] of `SIZE`, flat; a window is one of `OUTPUT`, a tap one of `KERNEL`, both as one flat number.
The geometry is constant when a kernel is compiled (`constants`), so divisions become multiplications and taps are
unrolled: there is one kernel a geometry, whatever the batch size.
"""

from __future__ import annotations

from typing import Any

from numpy import float32

from scratchnet.kernels.jit import jit

# stand for the values of a geometry: depth, height and width of each
SIZE = KERNEL = STRIDE = DILATION = OUTPUT = (1, 1, 1)
PADDING = (0, 0, 0)
PIXELS = TAPS = WINDOWS = 1         # of SIZE, KERNEL, OUTPUT: their products


def constants(size, kernel, stride, padding, dilation, output) -> dict[str, Any]:
    """The constants of a geometry of three axes."""
    def product(axes):
        return axes[0] * axes[1] * axes[2]

    return {"SIZE": size, "KERNEL": kernel, "STRIDE": stride, "PADDING": padding, "DILATION": dilation, "OUTPUT": output,
            "PIXELS": product(size), "TAPS": product(kernel), "WINDOWS": product(output)}


@jit
def seen(x, plane, tap, window):
    """What a window sees of a plane of x through a tap: 0 outside."""
    w = window % OUTPUT[2] * STRIDE[2] + tap % KERNEL[2] * DILATION[2] - PADDING[2]
    window, tap = window // OUTPUT[2], tap // KERNEL[2]
    h = window % OUTPUT[1] * STRIDE[1] + tap % KERNEL[1] * DILATION[1] - PADDING[1]
    d = window // OUTPUT[1] * STRIDE[0] + tap // KERNEL[1] * DILATION[0] - PADDING[0]
    if 0 <= d < SIZE[0] and 0 <= h < SIZE[1] and 0 <= w < SIZE[2]:
        return x[((plane * SIZE[0] + d) * SIZE[1] + h) * SIZE[2] + w]
    return float32(0)


@jit
def _window_along(axis, pixel, tap):
    """The window that sees a pixel of one axis through a tap; -1 if there is none."""
    start = pixel + PADDING[axis] - tap * DILATION[axis]
    window = start // STRIDE[axis]
    return window if start >= 0 and window * STRIDE[axis] == start and window < OUTPUT[axis] else -1


@jit
def window_that_sees(pixel, tap):
    """The window that sees a pixel of a plane through a tap; -1 if there is none."""
    b = _window_along(2, pixel % SIZE[2], tap % KERNEL[2])
    pixel, tap = pixel // SIZE[2], tap // KERNEL[2]
    a = _window_along(1, pixel % SIZE[1], tap % KERNEL[1])
    k = _window_along(0, pixel // SIZE[1], tap // KERNEL[1])
    return (k * OUTPUT[1] + a) * OUTPUT[2] + b if k >= 0 and a >= 0 and b >= 0 else -1
