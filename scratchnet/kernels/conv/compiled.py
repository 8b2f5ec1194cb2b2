"""The compiled twins of the kernels in `reference`: which way of computing serves which convolution."""

from __future__ import annotations

import numpy as np

from scratchnet.kernels.conv import shifted_rows
from scratchnet.kernels.conv.geometry import geometry_of
from scratchnet.kernels.conv.reference import conv_forward, conv_grad_bias, conv_grad_input, conv_grad_weight
from scratchnet.kernels.conv.shifted_rows_loops import grad_bias_loop
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, dense


def _planar(s, *arrays):
    """The geometry with two spatial dimensions; None for what shifted rows do not serve."""
    if s.dims > 2 or not compilable(*arrays):
        return None
    s = s.lifted(2)
    return s if shifted_rows.serves(s) else None


@conv_forward.cpu
def _forward_cpu(x, w, stride=1, padding=0, dilation=1, groups=1, bias=None):
    s = geometry_of(x.shape, w.shape, stride, padding, dilation, groups)
    s.check_bias(bias)
    plane = _planar(s, x, w, *(() if bias is None else (bias,)))
    return NotImplemented if plane is None else shifted_rows.forward(plane, x, w, bias).reshape(s.output_shape)


@conv_grad_input.cpu
def _grad_input_cpu(g, w, input_shape, stride=1, padding=0, dilation=1, groups=1):
    s = geometry_of(input_shape, w.shape, stride, padding, dilation, groups)
    s.check_output_gradient(g)
    plane = _planar(s, g, w)
    return NotImplemented if plane is None else shifted_rows.grad_input(plane, g, w).reshape(s.input_shape)


@conv_grad_weight.cpu
def _grad_weight_cpu(g, x, weight_shape, stride=1, padding=0, dilation=1, groups=1):
    s = geometry_of(x.shape, weight_shape, stride, padding, dilation, groups)
    s.check_output_gradient(g)
    plane = _planar(s, g, x)
    return NotImplemented if plane is None else shifted_rows.grad_weight(plane, g, x).reshape(s.weight_shape)


@conv_grad_bias.cpu
def _grad_bias_cpu(g):
    if not compilable(g) or g.size == 0:
        return NotImplemented
    gb = np.empty(g.shape[1], g.dtype)
    parallel_for(grad_bias_loop, g.shape[1], g.size // g.shape[1], dense(g).reshape(*g.shape[:2], -1), gb)
    return gb
