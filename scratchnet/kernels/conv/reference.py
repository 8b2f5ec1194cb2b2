"""Convolution (cross-correlation) in any number d of spatial dimensions, and its gradients to input, weight and bias.

Here is the specification: im2col and a matrix product.  With K = C/groups · kernel area taps:

    forward      y[n]  = w · im2col(x[n])          w [O, K]
    grad_input   gx[n] = col2im(wᵀ · g[n])
    grad_weight  gw    = Σ_n g[n] · im2col(x[n])ᵀ
"""

from __future__ import annotations

import numpy as np

from scratchnet.kernels.conv.geometry import geometry_of
from scratchnet.kernels.im2col import col2im, im2col
from scratchnet.kernels.registry import kernel


@kernel
def conv_forward(x, w, stride=1, padding=0, dilation=1, groups=1, bias=None):
    """Cross-correlation of images with filters; in two dimensions

    y[n, o, i, j] = bias[o] + Σ_{c, a, b} w[o, c, a, b] · x[n, c', i·sh + a·dh - ph, j·sw + b·dw - pw]

    with c' = c + C/groups · (group of o), and x = 0 outside the image.

    Parameters
    ----------
    x : [N, C, *size], with d sizes
    w : [O, C/groups, *kernel], of x's dtype
    stride, padding, dilation : an int, or d
    bias : [O], or None

    Returns
    -------
    [N, O, *output]
    """
    s = geometry_of(x.shape, w.shape, stride, padding, dilation, groups)
    s.check_bias(bias)
    cols = im2col(x, *s.windows).reshape(s.batch, s.groups, s.taps, s.pixels)
    y = (w.reshape(s.groups, s.filters, s.taps) @ cols).reshape(s.output_shape)
    return y if bias is None else y + bias.reshape(-1, *(1,) * s.dims)


@kernel
def conv_grad_input(g, w, input_shape, stride=1, padding=0, dilation=1, groups=1):
    """The gradient of conv_forward to x, given g [N, O, *output]: gx[n] = col2im(wᵀ · g[n]) of ``input_shape``.

    It is the transposed convolution of g with w.
    """
    s = geometry_of(input_shape, w.shape, stride, padding, dilation, groups)
    s.check_output_gradient(g)
    cols = w.reshape(s.groups, s.filters, s.taps).mT @ g.reshape(s.batch, s.groups, s.filters, s.pixels)
    return col2im(cols.reshape(s.batch, s.groups * s.taps, s.pixels), s.size, *s.windows)


@kernel
def conv_grad_weight(g, x, weight_shape, stride=1, padding=0, dilation=1, groups=1):
    """The gradient of conv_forward to w, given g [N, O, *output]: gw = Σ_n g[n] · im2col(x[n])ᵀ of
    ``weight_shape``."""
    s = geometry_of(x.shape, weight_shape, stride, padding, dilation, groups)
    s.check_output_gradient(g)
    cols = im2col(x, *s.windows).reshape(s.batch, s.groups, s.taps, s.pixels)
    g = g.reshape(s.batch, s.groups, s.filters, s.pixels)
    # one product over all images and pixels: [G, O, N·L] · [G, N·L, K]
    g, cols = (np.moveaxis(a, 0, 2).reshape(s.groups, a.shape[2], s.batch * s.pixels) for a in (g, cols))
    return (g @ cols.mT).reshape(s.weight_shape)


@kernel
def conv_grad_bias(g):
    """The gradient of conv_forward to bias: gb_o = Σ g[n, o, ...] over images and pixels, summed in float64.

    Parameters
    ----------
    g : [N, O, ...]
    """
    return g.sum((0, *range(2, g.ndim)), dtype=np.float64).astype(g.dtype)
