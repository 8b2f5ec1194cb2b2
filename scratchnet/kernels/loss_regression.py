"""Losses of a pair of numbers, element by element, and their gradients to the first; see `activation` for the formulas."""

from __future__ import annotations

from scratchnet.kernels.activation import pointwise
from scratchnet.kernels.instructions import like, maximum, minimum, sign
from scratchnet.kernels.vector_math import exp, log1p, sigmoid


def squared(a, b):
    """(a - b)²"""
    d = a - b
    return d * d


def squared_gradient(g, a, b):
    """2·g·(a - b)"""
    return g * (a - b) * like(2, a)


def absolute(a, b):
    """|a - b|"""
    return abs(a - b)


def absolute_gradient(g, a, b):
    """g·sign(a - b)"""
    return g * sign(a - b)


def huber(a, b, delta, scale):
    """scale·m·(|a - b| - m / 2), m = min(|a - b|, delta): a parabola, and from delta on its tangent."""
    d = abs(a - b)
    m = minimum(d, delta)
    return scale * m * (d - m * like(0.5, a))


def huber_gradient(g, a, b, delta, scale):
    """g·scale·(a - b), but a - b from -delta to delta"""
    return g * scale * maximum(minimum(a - b, delta), -delta)


def logit(x, t):
    """(1 - t)·x - ln σ(x)"""
    return (like(1, x) - t) * x - (minimum(x, like(0, x)) - log1p(exp(-abs(x))))


def logit_gradient(g, x, t):
    """g·(σ(x) - t)"""
    return g * (sigmoid(x) - t)


squared_error = pointwise(squared, "squared_error", 2, 0.5)
squared_error_backward = pointwise(squared_gradient, "squared_error_backward", 3, 0.5)
absolute_error = pointwise(absolute, "absolute_error", 2, 0.5)
absolute_error_backward = pointwise(absolute_gradient, "absolute_error_backward", 3, 0.5)
huber_error = pointwise(huber, "huber_error", 2, 0.5)
huber_error_backward = pointwise(huber_gradient, "huber_error_backward", 3, 0.5)
logit_error = pointwise(logit, "logit_error", 2, 4)
logit_error_backward = pointwise(logit_gradient, "logit_error_backward", 3, 4)
