"""Overlap of boxes: intersection over union of all pairs, and its generalised, distance and complete forms."""

from __future__ import annotations

import math

import numpy as np

from scratchnet.kernels.jit import jit
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, dense, kernel
from scratchnet.kernels.vector_math import like

KINDS = ("iou", "generalized", "distance", "complete")


def _check(boxes1, boxes2, kind):
    for argument, array in (("boxes1", boxes1), ("boxes2", boxes2)):
        if array.ndim < 1 or array.shape[-1] != 4:
            raise RuntimeError(f"box_iou: expected {argument} of shape [..., 4], got {array.shape}")
    if kind not in KINDS:
        raise ValueError(f"box_iou: expected kind to be one of {KINDS}, got {kind!r}")


@kernel
def box_iou(boxes1, boxes2, kind="iou", eps=1e-7):
    """The overlap of every box of one set with every box of another, in [0, 1] or (-1, 1].

    iou          I / U, the area of the intersection by that of the union
    generalized  I / U - (C - U) / C, with C the area of the smallest box around both
    distance     I / U - d² / (c² + eps), with d the distance of the centres and c the diagonal of that box
    complete     distance - α·v,  v = 4/π² (atan w1/h1 - atan w2/h2)²,  α = v / (1 - I/U + v + eps), a constant
                 to the gradient

    H. Rezatofighi et al., *Generalized Intersection over Union* (2019); Z. Zheng et al., *Distance-IoU Loss*
    (2020).

    Parameters
    ----------
    boxes1, boxes2 : [..., N, 4] and [..., M, 4], (x1, y1, x2, y2)

    Returns
    -------
    [..., N, M]
    """
    _check(boxes1, boxes2, kind)
    return overlap(boxes1[..., :, None, :], boxes2[..., None, :, :], kind, eps)


def overlap(a, b, kind, eps=1e-7, guard=0.0):
    """The formula of `box_iou` for boxes side by side, [..., 4], that broadcast.

    The lines are NumPy's, and mean the same on anything that follows its protocols.

    Parameters
    ----------
    guard : added to areas that are divided by
    """
    inside = np.clip(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0, None)
    size_a, size_b = a[..., 2:] - a[..., :2], b[..., 2:] - b[..., :2]
    intersection = inside[..., 0] * inside[..., 1]
    union = size_a[..., 0] * size_a[..., 1] + size_b[..., 0] * size_b[..., 1] - intersection
    iou = intersection / (union + guard)
    if kind == "iou":
        return iou
    around = np.clip(np.maximum(a[..., 2:], b[..., 2:]) - np.minimum(a[..., :2], b[..., :2]), 0, None)
    if kind == "generalized":
        hull = around[..., 0] * around[..., 1]
        return iou - (hull - union) / (hull + guard)
    between = (a[..., :2] + a[..., 2:]) / 2 - (b[..., :2] + b[..., 2:]) / 2
    distance = iou - _squared_length(between) / (_squared_length(around) + eps)
    if kind == "distance":
        return distance
    angle = np.arctan(size_a[..., 0] / size_a[..., 1]) - np.arctan(size_b[..., 0] / size_b[..., 1])
    v = (4 / math.pi**2) * (angle * angle)
    alpha = v / (1 - iou + v + eps)
    return distance - (alpha.detach() if hasattr(alpha, "detach") else alpha) * v


def _squared_length(v):
    return v[..., 0] * v[..., 0] + v[..., 1] * v[..., 1]


@jit
def _iou_loop(start, stop, a, b, kind, eps, angles_a, angles_b, out):
    """Rows of out [P, N, M]: box n of a [4, P·N] with all boxes b [P, 4, M] of its set."""
    per_set, count = out.shape[1:]
    for row in range(start, stop):
        s, n = row // per_set, row % per_set
        x1, y1, x2, y2 = a[0, row], a[1, row], a[2, row], a[3, row]
        area, zero, one, half = (x2 - x1) * (y2 - y1), like(0, x1), like(1, x1), like(0.5, x1)
        bx1, by1, bx2, by2, result = b[s, 0], b[s, 1], b[s, 2], b[s, 3], out[s, n]
        for m in range(count):
            w = (x2 if x2 < bx2[m] else bx2[m]) - (x1 if x1 > bx1[m] else bx1[m])
            h = (y2 if y2 < by2[m] else by2[m]) - (y1 if y1 > by1[m] else by1[m])
            w, h = zero if w < zero else w, zero if h < zero else h
            intersection = w * h
            union = area + (bx2[m] - bx1[m]) * (by2[m] - by1[m]) - intersection
            result[m] = intersection / union
            if kind > 0:
                cw = (x2 if x2 > bx2[m] else bx2[m]) - (x1 if x1 < bx1[m] else bx1[m])
                ch = (y2 if y2 > by2[m] else by2[m]) - (y1 if y1 < by1[m] else by1[m])
                cw, ch = zero if cw < zero else cw, zero if ch < zero else ch
                if kind == 1:
                    result[m] -= (cw * ch - union) / (cw * ch)
                else:
                    dx = (x1 + x2) * half - (bx1[m] + bx2[m]) * half
                    dy = (y1 + y2) * half - (by1[m] + by2[m]) * half
                    iou = result[m]
                    result[m] -= (dx * dx + dy * dy) / (cw * cw + ch * ch + eps)
                    if kind == 3:
                        angle = angles_a[row] - angles_b[s, m]
                        v = angle * angle
                        result[m] -= v / (one - iou + v + eps) * v


@box_iou.cpu
def _box_iou_cpu(boxes1, boxes2, kind="iou", eps=1e-7):
    _check(boxes1, boxes2, kind)
    if not compilable(boxes1, boxes2) or boxes1.ndim < 2 or boxes1.shape[:-2] != boxes2.shape[:-2]:
        return NotImplemented
    sets, n, m, dtype = boxes1.shape[:-2], boxes1.shape[-2], boxes2.shape[-2], boxes1.dtype
    count, out = math.prod(sets), np.empty((*sets, n, m), dtype)
    if out.size and np.isfinite(boxes1).all() and np.isfinite(boxes2).all():
        a = np.ascontiguousarray(boxes1.reshape(count * n, 4).T)
        b = np.ascontiguousarray(boxes2.reshape(count, m, 4).swapaxes(1, 2))
        angles = [np.empty((0,), dtype), np.empty((0, 0), dtype)]
        if kind == "complete":
            ratio = [(x2 - x1) / (y2 - y1) for x1, y1, x2, y2 in (a, b.swapaxes(0, 1))]
            angles = [dense((2 / math.pi) * np.arctan(r)) for r in ratio]
        parallel_for(_iou_loop, count * n, 4 * m, a, b, KINDS.index(kind), dtype.type(eps), *angles,
                     out.reshape(count, n, m))
        return out
    return NotImplemented
