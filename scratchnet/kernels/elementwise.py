"""Elementwise functions where one fused pass beats NumPy's several."""

from __future__ import annotations

import numpy as np

from scratchnet.kernels.jit import jit
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, dense, kernel


@kernel
def relu(x):
    """y = max(x, 0); NaN stays NaN."""
    return np.maximum(x, 0)


@kernel
def relu_backward(g, y):
    """The gradient of relu, from its result or its argument y: 0 where y <= 0, else g."""
    _check("relu_backward", g, y)
    return np.where(y <= 0, 0, g).astype(g.dtype, copy=False)


@kernel
def tanh(x):
    """y = (exp(x) - exp(-x)) / (exp(x) + exp(-x))"""
    return np.tanh(x)


@kernel
def tanh_backward(g, y):
    """The gradient of tanh, from its result y: g·(1 - y²)."""
    _check("tanh_backward", g, y)
    return g * (1 - y * y)


@kernel
def sigmoid_backward(g, y):
    """The gradient of the logistic function, from its result y: g·(1 - y)·y."""
    _check("sigmoid_backward", g, y)
    return g * (1 - y) * y


def _check(name, g, y):
    if g.shape != y.shape:
        raise RuntimeError(f"{name}: expected g and y of one shape, got {g.shape} and {y.shape}")


# The loops cut their range out of the arrays first: the compiler vectorises indices that count from 0.

@jit
def _relu_loop(start, stop, x, y):
    x, y = x[start:stop], y[start:stop]
    for i in range(len(x)):
        y[i] = 0 if x[i] <= 0 else x[i]


@jit
def _relu_backward_loop(start, stop, g, y, gx):
    g, y, gx = g[start:stop], y[start:stop], gx[start:stop]
    for i in range(len(g)):
        gx[i] = 0 if y[i] <= 0 else g[i]


def _tanh_range(start, stop, x, y):
    """Not compiled: NumPy's own is vectorised, and lets go of Python's lock."""
    np.tanh(x[start:stop], y[start:stop])


@jit
def _tanh_backward_loop(start, stop, g, y, gx):
    g, y, gx = g[start:stop], y[start:stop], gx[start:stop]
    for i in range(len(g)):
        gx[i] = g[i] * (1 - y[i] * y[i])


@jit
def _sigmoid_backward_loop(start, stop, g, y, gx):
    g, y, gx = g[start:stop], y[start:stop], gx[start:stop]
    for i in range(len(g)):
        gx[i] = g[i] * (1 - y[i]) * y[i]


def _map(loop, *arrays, work=0.5):
    """Run an elementwise loop over arrays of one shape; ``work`` as in parallel_for, of one element."""
    if not compilable(*arrays):
        return NotImplemented
    out = np.empty(arrays[0].shape, arrays[0].dtype)
    parallel_for(loop, out.size, work, *(dense(a).reshape(-1) for a in arrays), out.reshape(-1))
    return out


@relu.cpu
def _relu_cpu(x):
    return _map(_relu_loop, x)


@relu_backward.cpu
def _relu_backward_cpu(g, y):
    _check("relu_backward", g, y)
    return _map(_relu_backward_loop, g, y)


@tanh.cpu
def _tanh_cpu(x):
    return _map(_tanh_range, x, work=5)


@tanh_backward.cpu
def _tanh_backward_cpu(g, y):
    _check("tanh_backward", g, y)
    return _map(_tanh_backward_loop, g, y)


@sigmoid_backward.cpu
def _sigmoid_backward_cpu(g, y):
    _check("sigmoid_backward", g, y)
    return _map(_sigmoid_backward_loop, g, y)
