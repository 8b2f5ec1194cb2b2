"""Steps from running moments of the gradient, kin of Adam: Adamax, NAdam, RAdam."""

from __future__ import annotations

import math

import numpy as np

from scratchnet.kernels.jit import jit
from scratchnet.kernels.optimizer_pass import check_step, direction, one_pass
from scratchnet.kernels.registry import kernel


@kernel
def adamax_step(p, g, m, u, step, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0, maximize=False):
    """d = ±g + weight_decay·p,  m += (1 - β₁)·(d - m),  u = max(β₂·u, |d| + ε),  p -= lr/(1 - β₁ᵗ)·m / u

    Parameters
    ----------
    p, g : of one shape and dtype; p is changed
    m, u : alike, changed
    step : t, 1 at the first step

    D. Kingma and J. Ba, *Adam: A Method for Stochastic Optimization* (2015), section 7.
    """
    check_step("adamax_step", p, g, m, u)
    d = direction(p, g, weight_decay, maximize)
    m += (1 - beta1) * (d - m)
    np.maximum(beta2 * u, np.abs(d) + eps, out=u)
    p -= lr / (1 - beta1**step) * (m / u)


@kernel
def moments_step(p, g, m, v, gradient_rate, moment_rate, root, eps, beta1, beta2, weight_decay=0.0, shrink=1.0,
                 maximize=False):
    """Adam's running moments, and a step along the gradient and its mean: NAdam and RAdam differ in the rates.

    p = shrink·p,  d = ±g + weight_decay·p,  m += (1 - β₁)·(d - m),  v = β₂·v + (1 - β₂)·d²
    p -= (gradient_rate·d + moment_rate·m) / (√v·root + ε)        root None: there is no divisor

    Parameters
    ----------
    p, g : of one shape and dtype; p is changed
    m, v : alike, changed

    T. Dozat, *Incorporating Nesterov Momentum into Adam* (2016); L. Liu et al., *On the Variance of the Adaptive
    Learning Rate and Beyond* (2020).
    """
    check_step("moments_step", p, g, m, v)
    p *= p.dtype.type(shrink)
    d = direction(p, g, weight_decay, maximize)
    m += (1 - beta1) * (d - m)
    v *= beta2
    v += (1 - beta2) * d * d
    towards = gradient_rate * d + moment_rate * m if gradient_rate else moment_rate * m
    p -= towards if root is None else towards / (np.sqrt(v) * root + eps)


@jit
def _adamax_loop(start, stop, p, g, m, u, constants):
    p, g, m, u = p[start:stop], g[start:stop], m[start:stop], u[start:stop]
    sign, weight_decay, rate = constants[0], constants[1], constants[2]
    eps, rest1, beta2 = constants[3], constants[4], constants[5]
    for i in range(len(p)):
        d = sign * g[i]
        if weight_decay != 0:
            d += weight_decay * p[i]
        a = m[i] + rest1 * (d - m[i])
        b, c = beta2 * u[i], abs(d) + eps
        b = b if b > c or b != b else c
        m[i], u[i] = a, b
        p[i] -= rate * (a / b)


@jit
def _moments_loop(start, stop, p, g, m, v, constants):
    p, g, m, v = p[start:stop], g[start:stop], m[start:stop], v[start:stop]
    sign, weight_decay, shrink = constants[0], constants[1], constants[2]
    gradient_rate, moment_rate, root, eps = constants[3], constants[4], constants[5], constants[6]
    rest1, beta2, rest2, divided = constants[7], constants[8], constants[9], constants[10] != 0
    for i in range(len(p)):
        q = shrink * p[i]
        d = sign * g[i]
        if weight_decay != 0:
            d += weight_decay * q
        a = m[i] + rest1 * (d - m[i])
        b = beta2 * v[i] + rest2 * d * d
        m[i], v[i] = a, b
        towards = moment_rate * a
        if gradient_rate != 0:
            towards += gradient_rate * d
        if divided:
            towards /= math.sqrt(b) * root + eps
        p[i] = q - towards


@adamax_step.cpu
def _adamax_cpu(p, g, m, u, step, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0, maximize=False):
    check_step("adamax_step", p, g, m, u)
    constants = (-1 if maximize else 1, weight_decay, lr / (1 - beta1**step), eps, 1 - beta1, beta2)
    return one_pass(_adamax_loop, p, g, (m, u), constants, 6)


@moments_step.cpu
def _moments_cpu(p, g, m, v, gradient_rate, moment_rate, root, eps, beta1, beta2, weight_decay=0.0, shrink=1.0,
                 maximize=False):
    check_step("moments_step", p, g, m, v)
    constants = (-1 if maximize else 1, weight_decay, shrink, gradient_rate, moment_rate, root or 0, eps, 1 - beta1,
                 beta2, 1 - beta2, root is not None)
    return one_pass(_moments_loop, p, g, (m, v), constants, 8)
