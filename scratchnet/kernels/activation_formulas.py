"""The formulas of the activations; `activation` says how they are read."""

from __future__ import annotations

import math

from scratchnet.kernels.activation import activation
from scratchnet.kernels.instructions import like, maximum, minimum, where
from scratchnet.kernels.vector_math import erf, exp, expm1, log1p, sigmoid, softplus, tanh

# Piecewise linear ones choose g or 0, so that the gradient is exactly 0 where they are flat, also of an infinite g.


@activation(of_output=True, work=0.5)
def relu(x):
    """max(x, 0); NaN stays NaN.

    Nair and Hinton, "Rectified Linear Units Improve Restricted Boltzmann Machines", 2010.
    """
    return where(x <= like(0, x), like(0, x), x)


@relu.gradient
def relu_gradient(g, y):
    return where(y <= like(0, y), like(0, y), g)


@activation(work=0.5)
def threshold(x, least, value):
    """x where x > least, else a value."""
    return where(x <= least, value, x)


@threshold.gradient
def threshold_gradient(g, x, least, value):
    return where(x <= least, like(0, x), g)


@activation(work=0.5)
def hardtanh(x, least, most):
    """x, but at least the one and at most the other."""
    return where(x < least, least, where(x > most, most, x))


@hardtanh.gradient
def hardtanh_gradient(g, x, least, most):
    return where((x <= least) | (x >= most), like(0, x), g)


@activation(work=0.5)
def leaky_relu(x, slope):
    """x where x > 0, else slope·x.

    Maas, Hannun and Ng, "Rectifier Nonlinearities Improve Neural Network Acoustic Models", 2013.
    """
    return where(x > like(0, x), x, slope * x)


@leaky_relu.gradient
def leaky_relu_gradient(g, x, slope):
    return where(x > like(0, x), g, slope * g)


@activation(work=0.5)
def hardshrink(x, width):
    """0 where -width <= x <= width, else x."""
    return where((x >= -width) & (x <= width), like(0, x), x)


@hardshrink.gradient
def hardshrink_gradient(g, x, width):
    return where((x >= -width) & (x <= width), like(0, x), g)


@activation(work=0.5)
def softshrink(x, width):
    """x brought nearer to 0 by width, and 0 where it would change sign.

    Donoho, "De-noising by Soft-thresholding", 1995.
    """
    return where(x > width, x - width, where(x < -width, x + width, x * like(0, x)))


@softshrink.gradient
def softshrink_gradient(g, x, width):
    return where((x >= -width) & (x <= width), like(0, x), g)


@activation(work=0.5)
def hardsigmoid(x):
    """min(max(x + 3, 0), 6) / 6, straight pieces near the sigmoid.

    Courbariaux, Bengio and David, "BinaryConnect", 2015.
    """
    return minimum(maximum(x + like(3, x), like(0, x)), like(6, x)) / like(6, x)


@hardsigmoid.gradient
def hardsigmoid_gradient(g, x):
    return where((x > like(-3, x)) & (x < like(3, x)), g / like(6, x), like(0, x))


@activation(work=0.5)
def hardswish(x):
    """x · min(max(x + 3, 0), 6) / 6.

    Howard et al., "Searching for MobileNetV3", 2019.
    """
    return x * minimum(maximum(x + like(3, x), like(0, x)), like(6, x)) / like(6, x)


@hardswish.gradient
def hardswish_gradient(g, x):
    three = like(3, x)
    return where(x <= -three, like(0, x), where(x < three, g * (x / three + like(0.5, x)), g))


@activation
def elu(x, alpha, scale, rate):
    """scale·x where x > 0, else scale·alpha·(exp(rate·x) - 1): ELU, SELU and CELU.

    Clevert, Unterthiner and Hochreiter, "Fast and Accurate Deep Network Learning by Exponential Linear Units (ELUs)",
    2015; Klambauer et al., "Self-Normalizing Neural Networks", 2017; Barron, "Continuously Differentiable Exponential
    Linear Units", 2017.
    """
    zero = like(0, x)
    return where(x <= zero, expm1(minimum(x, zero) * rate) * (alpha * scale), x * scale)


@elu.gradient
def elu_gradient(g, x, alpha, scale, rate):
    zero = like(0, x)
    return g * where(x <= zero, exp(minimum(x, zero) * rate) * (alpha * scale * rate), scale)


@activation(of_output=True)
def sigmoid_unit(x):
    """1 / (1 + exp(-x))"""
    return sigmoid(x)


@sigmoid_unit.gradient
def sigmoid_gradient(g, y):
    return g * (like(1, y) - y) * y


@activation(of_output=True)
def tanh_unit(x):
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x))"""
    return tanh(x)


@tanh_unit.gradient
def tanh_gradient(g, y):
    return g * (like(1, y) - y * y)


@activation
def logsigmoid(x):
    """ln(1 / (1 + exp(-x))) = min(x, 0) - ln(1 + exp(-|x|)): nothing overflows."""
    return minimum(x, like(0, x)) - log1p(exp(-abs(x)))


@logsigmoid.gradient
def logsigmoid_gradient(g, x):
    return g * sigmoid(-x)


@activation
def softplus_unit(x, beta, most):
    """ln(1 + exp(beta·x)) / beta, a smooth ReLU; x where beta·x > most: the same, in floats.

    Dugas et al., "Incorporating Second-Order Functional Knowledge for Better Option Pricing", 2001.
    """
    return where(x * beta > most, x, softplus(x * beta) / beta)


@softplus_unit.gradient
def softplus_gradient(g, x, beta, most):
    return where(x * beta > most, g, g * sigmoid(x * beta))


@activation(work=0.5)
def softsign(x):
    """x / (1 + |x|)

    Turian, Bergstra and Bengio, "Quadratic Features and Deep Architectures for Chunking", 2009.
    """
    return x / (like(1, x) + abs(x))


@softsign.gradient
def softsign_gradient(g, x):
    bound = like(1, x) + abs(x)
    return g / (bound * bound)


@activation
def tanhshrink(x):
    """x - tanh(x)"""
    return x - tanh(x)


@tanhshrink.gradient
def tanhshrink_gradient(g, x):
    y = tanh(x)
    return g * (y * y)


@activation
def silu(x):
    """x·sigmoid(x), also called swish.

    Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016; Ramachandran, Zoph and Le, "Searching for Activation
    Functions", 2017.
    """
    return x * sigmoid(x)


@silu.gradient
def silu_gradient(g, x):
    one, s = like(1, x), sigmoid(x)
    return g * (s * (one + x * (one - s)))


# With e = exp(x) and n = e·(e + 2):  tanh(ln(1 + e)) = n / (n + 2), and its derivative is 4e·(1 + e) / (n + 2)²:
# one exponential for all.  Beyond 20 the first is 1 and the second 0.

@activation
def mish(x):
    """x·tanh(ln(1 + exp(x))).

    Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", 2019.
    """
    two, e = like(2, x), exp(minimum(x, like(20, x)))
    n = e * (e + two)
    return x * (n / (n + two))


@mish.gradient
def mish_gradient(g, x):
    one, two, e = like(1, x), like(2, x), exp(minimum(x, like(20, x)))
    n = e * (e + two)
    r = one / (n + two)
    return g * (n * r + x * (like(4, x) * e * (one + e) * r * r))


@activation
def gelu(x):
    """x·Φ(x), Φ the distribution function of the standard normal: Φ(x) = (1 + erf(x / √2)) / 2.

    Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016.
    """
    return x * like(0.5, x) * (like(1, x) + erf(x * like(math.sqrt(0.5), x)))


@gelu.gradient
def gelu_gradient(g, x):
    half = like(0.5, x)
    probability = half * (like(1, x) + erf(x * like(math.sqrt(0.5), x)))
    density = like(1 / math.sqrt(2 * math.pi), x) * exp(-half * x * x)
    return g * (probability + x * density)


# With u = √(2/π)·(x + 0.044715·x³):  (1 + tanh u) / 2 is sigmoid(2u), where nothing cancels when u is large and negative.

@activation
def gelu_tanh(x):
    """x·(1 + tanh(√(2/π)·(x + 0.044715·x³))) / 2, an approximation of gelu."""
    return x * sigmoid(like(2 * math.sqrt(2 / math.pi), x) * (x + like(0.044715, x) * x * x * x))


@gelu_tanh.gradient
def gelu_tanh_gradient(g, x):
    one, twice_root, cubic = like(1, x), like(2 * math.sqrt(2 / math.pi), x), like(0.044715, x)
    s = sigmoid(twice_root * (x + cubic * x * x * x))
    return g * s * (one + x * (one - s) * twice_root * (one + like(3, x) * cubic * x * x))
