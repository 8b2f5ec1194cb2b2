"""Convolution: `reference` declares the kernels, `compiled` chooses among the compiled ways to compute them."""

from scratchnet.kernels.conv import compiled
from scratchnet.kernels.conv.geometry import Geometry, geometry_of
from scratchnet.kernels.conv.reference import conv_forward, conv_grad_bias, conv_grad_input, conv_grad_weight

__all__ = [
    "Geometry", "compiled", "conv_forward", "conv_grad_bias", "conv_grad_input", "conv_grad_weight", "geometry_of",
]
