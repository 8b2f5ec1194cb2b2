"""The compiled twins of the kernels in `reference`: each goes the way that `costs` finds cheapest."""

from __future__ import annotations

import math

import numpy as np

from scratchnet.kernels.conv import channels, costs, depthwise, dots, pixels, pointwise
from scratchnet.kernels.conv.geometry import Geometry, geometry_of
from scratchnet.kernels.conv.passes import Weight, forward_pass, grad_input_passes
from scratchnet.kernels.conv.reference import conv_forward, conv_grad_bias, conv_grad_input, conv_grad_weight
from scratchnet.kernels.jit import jit
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, dense


def _split(array: np.ndarray, s: Geometry, per_group: int, size: tuple) -> np.ndarray:
    """[N, G·C, *size] as [N, G, C, D, H, W]"""
    return dense(array).reshape(s.batch, s.groups, per_group, *size)


@conv_forward.cpu
def _forward_cpu(x, w, stride=1, padding=0, dilation=1, groups=1, bias=None):
    s = geometry_of(x.shape, w.shape, stride, padding, dilation, groups)
    s.check_bias(bias)
    if not compilable(x, w, *(() if bias is None else (bias,))):
        return NotImplemented
    return _forward(s, costs.cheapest(s, "forward", x.dtype), x, w, bias)


def _forward(s, way, x, w, bias):
    if way == "reference":
        return NotImplemented
    if way == "matrix product":
        return pointwise.forward(s, dense(x), dense(w), bias)
    if way == "depthwise":
        return depthwise.forward(s, dense(x), dense(w), None if bias is None else dense(bias))
    lifted, area = s.lifted(3), math.prod(s.kernel)
    bias = np.zeros((s.groups, s.filters), x.dtype) if bias is None else dense(bias).reshape(s.groups, s.filters)
    y = np.empty((s.batch, s.groups, s.filters, *lifted.output), x.dtype)
    run = pixels.run if way == "pixels" else channels.forward
    weight = Weight(dense(w).reshape(-1), group=s.filters * s.taps, result=s.taps, source=area)
    run(forward_pass(s), _split(x, s, s.channels, lifted.size), weight, bias, y)
    return y.reshape(s.output_shape)


@conv_grad_input.cpu
def _grad_input_cpu(g, w, input_shape, stride=1, padding=0, dilation=1, groups=1):
    s = geometry_of(input_shape, w.shape, stride, padding, dilation, groups)
    s.check_output_gradient(g)
    if not compilable(g, w):
        return NotImplemented
    return _grad_input(s, costs.cheapest(s, "grad_input", g.dtype), g, w)


def _grad_input(s, way, g, w):
    if way == "reference":
        return NotImplemented
    if way == "matrix product":
        return pointwise.grad_input(s, dense(g), dense(w))
    if way == "depthwise":
        return depthwise.grad_input(s, dense(g), dense(w))
    lifted, area, passes = s.lifted(3), math.prod(s.kernel), grad_input_passes(s)
    everywhere = sum(p.pixels for p in passes) == math.prod(lifted.size)    # the passes write every pixel
    gx = (np.empty if everywhere else np.zeros)((s.batch, s.groups, s.channels, *lifted.size), g.dtype)
    g, bias = _split(g, s, s.filters, lifted.output), np.zeros((s.groups, s.channels), g.dtype)
    weight = Weight(dense(w).reshape(-1), group=s.filters * s.taps, result=area, source=s.taps)
    run = pixels.run if way == "pixels" else channels.forward
    for p in passes:
        run(p, g, weight, bias, gx)
    return gx.reshape(s.input_shape)


@conv_grad_weight.cpu
def _grad_weight_cpu(g, x, weight_shape, stride=1, padding=0, dilation=1, groups=1):
    s = geometry_of(x.shape, weight_shape, stride, padding, dilation, groups)
    s.check_output_gradient(g)
    if not compilable(g, x):
        return NotImplemented
    return _grad_weight(s, costs.cheapest(s, "grad_weight", g.dtype), g, x)


def _grad_weight(s, way, g, x):
    if way == "reference":
        return NotImplemented
    if way == "matrix product":
        return pointwise.grad_weight(s, dense(g), dense(x))
    if way == "depthwise":
        return depthwise.grad_weight(s, dense(g), dense(x))
    lifted = s.lifted(3)
    run = channels.grad_weight if way == "channels" else dots.grad_weight
    gw = run(forward_pass(s), _split(g, s, s.filters, lifted.output), _split(x, s, s.channels, lifted.size))
    return gw.reshape(s.weight_shape)


@conv_grad_bias.cpu
def _grad_bias_cpu(g):
    if not compilable(g) or g.size == 0:
        return NotImplemented
    gb = np.empty(g.shape[1], g.dtype)
    parallel_for(_grad_bias_loop, g.shape[1], g.size // g.shape[1], dense(g).reshape(*g.shape[:2], -1), gb)
    return gb


@jit(reassociate=True)
def _grad_bias_loop(start, stop, g, gb):
    """gb[o] = the sum of g [N, O, L] over n and l."""
    for o in range(start, stop):
        total = 0.0
        for n in range(g.shape[0]):
            for i in range(g.shape[2]):
                total += g[n, o, i]
        gb[o] = total
