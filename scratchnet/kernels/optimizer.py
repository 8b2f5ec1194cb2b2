"""One fused pass over a parameter for a step of SGD, Adam or AdamW, in place.

Each multiply-add is rounded where torch's single-tensor CPU path rounds it: once, by fused multiply-add.
"""

from __future__ import annotations

import math

import numpy as np

from scratchnet.kernels.instructions import Intrinsic
from scratchnet.kernels.jit import jit
from scratchnet.kernels.optimizer_pass import check_step, direction, one_pass
from scratchnet.kernels.registry import kernel


@kernel
def sgd_step(p, g, buf, lr, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False, maximize=False,
             first=False):
    """Stochastic gradient descent.

    d = ±g + weight_decay·p
    buf = d at the first step, then momentum·buf + (1 - dampening)·d
    p -= lr·(d + momentum·buf if nesterov else buf);  without momentum p -= lr·d

    Parameters
    ----------
    p, g : of one shape and dtype; p is changed
    buf : alike, changed; None without momentum
    first : the first step, whose buf need not be initialised

    I. Sutskever et al., *On the importance of initialization and momentum in deep learning* (2013).
    """
    check_step("sgd_step", p, g, buf)
    _check_momentum(momentum, buf)
    d = direction(p, g, weight_decay, maximize)
    if momentum != 0:
        if first:
            buf[...] = d
        else:
            buf *= momentum
            buf += (1 - dampening) * d
        d = d + momentum * buf if nesterov else buf
    p -= lr * d


def _check_momentum(momentum, buf):
    if momentum != 0 and buf is None:
        raise RuntimeError("sgd_step: momentum needs a buffer")


@kernel
def adam_step(p, g, m, v, step, lr, beta1, beta2, eps, weight_decay=0.0, decoupled=False, maximize=False,
              v_max=None):
    """Adam, and AdamW where decoupled.

    d = ±g, then p -= lr·weight_decay·p if decoupled else d += weight_decay·p
    m += (1 - β₁)·(d - m),  v = β₂·v + (1 - β₂)·d²,  v_max = max(v_max, v) with AMSGrad
    p -= lr/(1 - β₁ᵗ)·m / (√(v or v_max)/√(1 - β₂ᵗ) + ε)

    Parameters
    ----------
    p, g : of one shape and dtype; p is changed
    m, v : alike, changed
    step : t, 1 at the first step
    v_max : alike, changed; None without AMSGrad

    D. Kingma and J. Ba, *Adam: A Method for Stochastic Optimization* (2015); I. Loshchilov and F. Hutter,
    *Decoupled Weight Decay Regularization* (2019); S. Reddi et al., *On the Convergence of Adam and Beyond*
    (2018). """
    check_step("adam_step", p, g, m, v, v_max)
    step_size, root = _bias_corrections(step, lr, beta1, beta2)
    d = direction(p, g, 0 if decoupled else weight_decay, maximize)
    if decoupled and weight_decay != 0:
        p *= 1 - lr * weight_decay
    m += (1 - beta1) * (d - m)
    v *= beta2
    v += (1 - beta2) * d * d
    if v_max is not None:
        np.maximum(v_max, v, out=v_max)
    p -= step_size * m / (np.sqrt(v if v_max is None else v_max) / root + eps)


def _bias_corrections(step, lr, beta1, beta2):
    if step < 1:
        raise RuntimeError(f"adam_step: expected step >= 1, got {step}")
    return lr / (1 - beta1**step), math.sqrt(1 - beta2**step)


def _fma(a, b, c):
    """a·b + c with one rounding: the product of two float32 numbers is exact in float64."""
    return a.dtype.type(np.float64(a) * np.float64(b) + np.float64(c))


def _emit_fma(typingctx, a, b, c):
    def codegen(context, builder, signature, args):
        return builder.fma(*args)
    return a(a, a, a), codegen


fma = Intrinsic(_fma, _emit_fma)


@jit
def _sgd_loop(start, stop, p, g, buf, constants):
    p, g, buf = p[start:stop], g[start:stop], buf[start:stop]       # indices from 0 are what vectorises
    sign, weight_decay, lr, momentum, keep = constants[0], constants[1], constants[2], constants[3], constants[4]
    nesterov, first = constants[5] != 0, constants[6] != 0
    to = p.dtype.type
    for i in range(len(p)):
        d = sign * g[i]
        if weight_decay != 0:
            d = fma(weight_decay, p[i], d)
        if momentum != 0:
            b = d if first else fma(keep, d, to(momentum * buf[i]))
            buf[i] = b
            d = fma(momentum, b, d) if nesterov else b
        p[i] = fma(-lr, d, p[i])


@jit
def _adam_loop(start, stop, p, g, m, v, v_max, constants):
    p, g, m, v, v_max = p[start:stop], g[start:stop], m[start:stop], v[start:stop], v_max[start:stop]
    sign, weight_decay, shrink, step_size, root = constants[0], constants[1], constants[2], constants[3], constants[4]
    eps, lerp, beta2, keep2, amsgrad = constants[5], constants[6], constants[7], constants[8], constants[9] != 0
    to = p.dtype.type
    back = to(lerp - 1)
    for i in range(len(p)):
        d, q = sign * g[i], to(shrink * p[i])
        if weight_decay != 0:
            d = fma(weight_decay, q, d)
        # torch's lerp counts from the nearer end
        a = fma(lerp, d - m[i], m[i]) if lerp < 0.5 else fma(back, d - m[i], d)
        b = fma(keep2 * d, d, beta2 * v[i])
        m[i], v[i] = a, b
        if amsgrad:
            b = b if b > v_max[i] or b != b else v_max[i]
            v_max[i] = b
        denominator = to(math.sqrt(b)) / root + eps
        p[i] = q - step_size * a / denominator


@sgd_step.cpu
def _sgd_step_cpu(p, g, buf, lr, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False,
                  maximize=False, first=False):
    check_step("sgd_step", p, g, buf)
    _check_momentum(momentum, buf)
    constants = (-1 if maximize else 1, weight_decay, lr, momentum, 1 - dampening, nesterov, first)
    return one_pass(_sgd_loop, p, g, (buf,), constants, 2)


@adam_step.cpu
def _adam_step_cpu(p, g, m, v, step, lr, beta1, beta2, eps, weight_decay=0.0, decoupled=False, maximize=False,
                   v_max=None):
    check_step("adam_step", p, g, m, v, v_max)
    step_size, root = _bias_corrections(step, lr, beta1, beta2)
    decay, shrink = (0, 1 - lr * weight_decay) if decoupled else (weight_decay, 1)
    constants = (-1 if maximize else 1, decay, shrink, step_size, root, eps, 1 - beta1, beta2, 1 - beta2,
                 v_max is not None)
    return one_pass(_adam_loop, p, g, (m, v, v_max), constants, 8)
