"""Convolution: `reference` declares the kernels, `compiled` computes them, each the way that `costs` finds cheapest.

`explain` says which that is, for shapes that you give it.
"""

from scratchnet.kernels.conv import compiled
from scratchnet.kernels.conv.explanation import Explanation, explain
from scratchnet.kernels.conv.geometry import Geometry, geometry_of
from scratchnet.kernels.conv.reference import conv_forward, conv_grad_bias, conv_grad_input, conv_grad_weight

__all__ = [
    "Explanation", "Geometry", "compiled", "conv_forward", "conv_grad_bias", "conv_grad_input", "conv_grad_weight",
    "explain", "geometry_of",
]
