"""Scaling of what a mask keeps: dropout, and its gradient."""

from __future__ import annotations

import numpy as np

from scratchnet.kernels.jit import jit
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, dense, kernel

_SMALL = 4096           # elements that NumPy has done with by the time a compiled loop is entered


@kernel
def masked_scale(x, keep, scale, kept=0.0, dropped=0.0):
    """y = scale·x + kept where `keep`, else 0·x + dropped: NaN and infinity are not dropped, as in torch.

    Parameters
    ----------
    x : floating
    keep : bool, x's shape, or one that is broadcast to it: a number for a channel
    scale, kept, dropped : numbers
    """
    _check(x, keep)
    numbers = x.dtype.type
    y = x * np.where(keep, numbers(scale), numbers(0))
    return y if kept == dropped == 0 else y + np.where(keep, numbers(kept), numbers(dropped))


def _check(x, keep):
    fits = keep.ndim == x.ndim and all(k in (1, n) for k, n in zip(keep.shape, x.shape))
    if not fits or keep.dtype != np.bool_:
        raise RuntimeError(f"masked_scale: expected a bool mask for x of shape {x.shape}, got {keep.dtype} {keep.shape}")


@jit
def _loop(start, stop, x, keep, scale, kept, dropped, y):
    x, keep, y = x[start:stop], keep[start:stop], y[start:stop]
    zero = scale - scale
    for i in range(len(x)):
        y[i] = x[i] * (scale if keep[i] else zero) + (kept if keep[i] else dropped)


@masked_scale.cpu
def _masked_scale_cpu(x, keep, scale, kept=0.0, dropped=0.0):
    _check(x, keep)
    if x.size < _SMALL or keep.shape != x.shape or not compilable(x) or type(keep) is not np.ndarray:
        return NotImplemented
    y = np.empty(x.shape, x.dtype)
    numbers = map(x.dtype.type, (scale, kept, dropped))
    parallel_for(_loop, x.size, 1, dense(x).reshape(-1), dense(keep).reshape(-1), *numbers, y.reshape(-1))
    return y
