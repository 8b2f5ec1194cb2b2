"""Steps that divide the gradient by the root of a sum, or running mean, of its squares: Adagrad, Adadelta, RMSprop."""

from __future__ import annotations

import math

import numpy as np

from scratchnet.kernels.jit import jit
from scratchnet.kernels.optimizer_pass import check_step, direction, one_pass
from scratchnet.kernels.registry import kernel


@kernel
def adagrad_step(p, g, total, lr, eps=1e-10, weight_decay=0.0, maximize=False):
    """d = ±g + weight_decay·p,  total += d²,  p -= lr·d / (√total + ε)

    Parameters
    ----------
    p, g : of one shape and dtype; p is changed
    total : alike, changed

    J. Duchi et al., *Adaptive Subgradient Methods for Online Learning and Stochastic Optimization* (2011).
    """
    check_step("adagrad_step", p, g, total)
    d = direction(p, g, weight_decay, maximize)
    total += d * d
    p -= lr * (d / (np.sqrt(total) + eps))


@kernel
def adadelta_step(p, g, v, u, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0.0, maximize=False):
    """d = ±g + weight_decay·p,  v = ρ·v + (1 - ρ)·d²,  δ = √(u + ε) / √(v + ε)·d,  u = ρ·u + (1 - ρ)·δ²,
    p -= lr·δ

    Parameters
    ----------
    p, g : of one shape and dtype; p is changed
    v, u : alike, changed

    M. Zeiler, *ADADELTA: An Adaptive Learning Rate Method* (2012).
    """
    check_step("adadelta_step", p, g, v, u)
    d = direction(p, g, weight_decay, maximize)
    v *= rho
    v += (1 - rho) * d * d
    delta = np.sqrt(u + eps) / np.sqrt(v + eps) * d
    u *= rho
    u += (1 - rho) * delta * delta
    p -= lr * delta


@kernel
def rmsprop_step(p, g, v, buf, mean, lr, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, maximize=False):
    """d = ±g + weight_decay·p,  v = α·v + (1 - α)·d²,  r = d / (√v + ε),  p -= lr·r

    With ``mean``, mean += (1 - α)·(d - mean) and √(v - mean²) is in place of √v.  With ``buf``,
    buf = momentum·buf + r is in place of r.

    Parameters
    ----------
    p, g : of one shape and dtype; p is changed
    v, buf, mean : alike, changed; buf is None without momentum, mean unless centred

    G. Hinton, *Lecture 6e of Neural Networks for Machine Learning* (2012); A. Graves, *Generating Sequences With
    Recurrent Neural Networks* (2013), for the centred form.
    """
    check_step("rmsprop_step", p, g, v, buf, mean)
    d = direction(p, g, weight_decay, maximize)
    v *= alpha
    v += (1 - alpha) * d * d
    variance = v
    if mean is not None:
        mean += (1 - alpha) * (d - mean)
        variance = v - mean * mean
    r = d / (np.sqrt(variance) + eps)
    if buf is not None:
        buf *= momentum
        buf += r
        r = buf
    p -= lr * r


# The loops cut their range out of the arrays first: the compiler vectorises indices that count from 0.

@jit
def _adagrad_loop(start, stop, p, g, total, constants):
    p, g, total = p[start:stop], g[start:stop], total[start:stop]
    sign, weight_decay, lr, eps = constants[0], constants[1], constants[2], constants[3]
    for i in range(len(p)):
        d = sign * g[i]
        if weight_decay != 0:
            d += weight_decay * p[i]
        total[i] += d * d
        p[i] -= lr * (d / (math.sqrt(total[i]) + eps))


@jit
def _adadelta_loop(start, stop, p, g, v, u, constants):
    p, g, v, u = p[start:stop], g[start:stop], v[start:stop], u[start:stop]
    sign, weight_decay, lr = constants[0], constants[1], constants[2]
    eps, rho, rest = constants[3], constants[4], constants[5]
    for i in range(len(p)):
        d = sign * g[i]
        if weight_decay != 0:
            d += weight_decay * p[i]
        a = rho * v[i] + rest * d * d
        delta = math.sqrt(u[i] + eps) / math.sqrt(a + eps) * d
        v[i], u[i] = a, rho * u[i] + rest * delta * delta
        p[i] -= lr * delta


@jit
def _rmsprop_loop(start, stop, p, g, v, buf, mean, constants):
    p, g, v, buf, mean = p[start:stop], g[start:stop], v[start:stop], buf[start:stop], mean[start:stop]
    sign, weight_decay, lr, eps = constants[0], constants[1], constants[2], constants[3]
    alpha, rest, momentum = constants[4], constants[5], constants[6]
    with_momentum, centred = constants[7] != 0, constants[8] != 0
    for i in range(len(p)):
        q = p[i]
        d = sign * g[i]
        if weight_decay != 0:
            d += weight_decay * q
        a = alpha * v[i] + rest * d * d
        v[i] = a
        if centred:
            m = mean[i] + rest * (d - mean[i])
            mean[i] = m
            a = a - m * m
        r = d / (math.sqrt(a) + eps)
        if with_momentum:
            r = momentum * buf[i] + r
            buf[i] = r
        p[i] = q - lr * r


@adagrad_step.cpu
def _adagrad_cpu(p, g, total, lr, eps=1e-10, weight_decay=0.0, maximize=False):
    check_step("adagrad_step", p, g, total)
    return one_pass(_adagrad_loop, p, g, (total,), (-1 if maximize else 1, weight_decay, lr, eps), 4)


@adadelta_step.cpu
def _adadelta_cpu(p, g, v, u, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0.0, maximize=False):
    check_step("adadelta_step", p, g, v, u)
    constants = (-1 if maximize else 1, weight_decay, lr, eps, rho, 1 - rho)
    return one_pass(_adadelta_loop, p, g, (v, u), constants, 8)


@rmsprop_step.cpu
def _rmsprop_cpu(p, g, v, buf, mean, lr, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, maximize=False):
    check_step("rmsprop_step", p, g, v, buf, mean)
    constants = (-1 if maximize else 1, weight_decay, lr, eps, alpha, 1 - alpha, momentum, buf is not None,
                 mean is not None)
    return one_pass(_rmsprop_loop, p, g, (v, buf, mean), constants, 6)
