"""Steps that need little of the gradient: Rprop, its sign; averaged SGD."""

from __future__ import annotations

import numpy as np

from scratchnet.kernels.jit import jit
from scratchnet.kernels.optimizer_pass import check_step, direction, one_pass
from scratchnet.kernels.registry import kernel


@kernel
def rprop_step(p, g, before, size, shrink=0.5, grow=1.2, least=1e-6, most=50.0, maximize=False):
    """Resilient backpropagation: each number has a step size of its own.

    size = size·grow where ±g has the sign it had before, size·shrink where the sign has changed, between `least` and
    `most`;  d = 0 where it has changed, else ±g;  p -= sign(d)·size,  before = d

    Parameters
    ----------
    p, g : of one shape and dtype; p is changed
    before, size : alike, changed

    M. Riedmiller and H. Braun, *A Direct Adaptive Method for Faster Backpropagation Learning: The RPROP Algorithm*
    (1993).
    """
    check_step("rprop_step", p, g, before, size)
    d = direction(p, g, 0, maximize)
    agreement = d * before
    size *= np.where(agreement > 0, p.dtype.type(grow), np.where(agreement < 0, p.dtype.type(shrink), 1))
    np.clip(size, least, most, out=size)
    before[...] = np.where(agreement < 0, 0, d)
    p -= ((before > 0).astype(p.dtype) - (before < 0)) * size


@kernel
def asgd_step(p, g, average, eta, mu, lambd=1e-4, weight_decay=0.0, maximize=False):
    """d = ±g + weight_decay·p,  p = (1 - λη)·p - η·d,  average += μ·(p - average), or = p where μ is 1

    Parameters
    ----------
    p, g : of one shape and dtype; p is changed
    average : alike, changed

    B. Polyak and A. Juditsky, *Acceleration of Stochastic Approximation by Averaging* (1992).
    """
    check_step("asgd_step", p, g, average)
    d = direction(p, g, weight_decay, maximize)
    p *= p.dtype.type(1 - lambd * eta)
    p -= eta * d
    if mu == 1:
        average[...] = p
    else:
        average += mu * (p - average)


@jit
def _rprop_loop(start, stop, p, g, before, size, constants):
    p, g, before, size = p[start:stop], g[start:stop], before[start:stop], size[start:stop]
    sign, shrink, grow, least, most = constants[0], constants[1], constants[2], constants[3], constants[4]
    for i in range(len(p)):
        d = sign * g[i]
        agreement, s = d * before[i], size[i]
        s = s * grow if agreement > 0 else s * shrink if agreement < 0 else s
        s = least if s < least else most if s > most else s
        d = p.dtype.type(0) if agreement < 0 else d
        before[i], size[i] = d, s
        p[i] -= s if d > 0 else -s if d < 0 else p.dtype.type(0)


@jit
def _asgd_loop(start, stop, p, g, average, constants):
    p, g, average = p[start:stop], g[start:stop], average[start:stop]
    sign, weight_decay, eta, mu, shrink = constants[0], constants[1], constants[2], constants[3], constants[4]
    for i in range(len(p)):
        d = sign * g[i]
        if weight_decay != 0:
            d += weight_decay * p[i]
        q = shrink * p[i] - eta * d
        p[i] = q
        average[i] = q if mu == 1 else average[i] + mu * (q - average[i])


@rprop_step.cpu
def _rprop_cpu(p, g, before, size, shrink=0.5, grow=1.2, least=1e-6, most=50.0, maximize=False):
    check_step("rprop_step", p, g, before, size)
    return one_pass(_rprop_loop, p, g, (before, size), (-1 if maximize else 1, shrink, grow, least, most), 4)


@asgd_step.cpu
def _asgd_cpu(p, g, average, eta, mu, lambd=1e-4, weight_decay=0.0, maximize=False):
    check_step("asgd_step", p, g, average)
    constants = (-1 if maximize else 1, weight_decay, eta, mu, 1 - lambd * eta)
    return one_pass(_asgd_loop, p, g, (average,), constants, 3)
