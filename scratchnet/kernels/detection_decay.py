"""Suppression that lowers scores instead of dropping boxes: soft NMS and matrix NMS."""

from __future__ import annotations

import numpy as np

from scratchnet.kernels.jit import jit
from scratchnet.kernels.nms import by_score, check_scored_boxes, corners_and_areas, iou_with, overlaps_of
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, kernel
from scratchnet.kernels.vector_math import exp, like


def _check_method(name, method):
    if method not in ("linear", "gaussian"):
        raise ValueError(f"{name}: expected method 'linear' or 'gaussian', got {method!r}")


@kernel
def soft_nms(boxes, scores, iou_threshold=0.3, sigma=0.5, score_threshold=0.001, method="linear"):
    """Take the box with the highest score, lower the scores of those that overlap it, and so on.

    linear    s_j ← s_j (1 - iou) if iou >= iou_threshold
    gaussian  s_j ← s_j exp(-iou² / sigma)

    N. Bodla, B. Singh, R. Chellappa, L. Davis, *Soft-NMS: Improving Object Detection with One Line of Code* (2017).

    Parameters
    ----------
    boxes : [N, 4], (x1, y1, x2, y2)
    scores : [N]
    score_threshold : boxes whose score is not larger are dropped

    Returns
    -------
    int64 [K], the boxes in the order they were taken (of equal scores the first), and [K], their lowered scores
    """
    check_scored_boxes("soft_nms", boxes, scores)
    _check_method("soft_nms", method)
    left = np.flatnonzero(scores > score_threshold)
    table, scores = corners_and_areas(boxes)[:, left], scores[left]
    taken, lowered = [], []
    while len(left):
        best = scores.argmax()
        taken.append(left[best])
        lowered.append(scores[best])
        iou = iou_with(table[:, best], table)
        factor = np.where(iou >= iou_threshold, 1 - iou, 1) if method == "linear" else np.exp(-(iou * iou) / sigma)
        scores = scores * factor.astype(scores.dtype)
        stays = scores > score_threshold
        stays[best] = False
        left, table, scores = left[stays], table[:, stays], scores[stays]
    return np.array(taken, np.int64), np.array(lowered, boxes.dtype)


@jit
def _soft_nms_loop(table, scores, left, iou_threshold, inverse_sigma, score_threshold, gaussian, taken, lowered):
    """Tables of the boxes that are left [5, N], shortened in place; returns how many boxes were taken."""
    count, total, iou = left.shape[0], 0, np.empty(left.shape[0], scores.dtype)
    box, one = np.empty(5, scores.dtype), like(1, score_threshold)
    while count > 0:
        best = 0
        for i in range(1, count):
            if scores[i] > scores[best]:
                best = i
        taken[total], lowered[total] = left[best], scores[best]
        total += 1
        for k in range(5):
            box[k] = table[k, best]
        overlaps_of(box, table, 0, count, iou)
        stay = 0
        for i in range(count):
            score = scores[i]
            if gaussian:
                score *= exp(-(iou[i] * iou[i]) * inverse_sigma)
            elif iou[i] >= iou_threshold:
                score *= one - iou[i]
            if i != best and score > score_threshold:
                scores[stay], left[stay] = score, left[i]
                for k in range(5):
                    table[k, stay] = table[k, i]
                stay += 1
        count = stay
    return total


@soft_nms.cpu
def _soft_nms_cpu(boxes, scores, iou_threshold=0.3, sigma=0.5, score_threshold=0.001, method="linear"):
    check_scored_boxes("soft_nms", boxes, scores)
    _check_method("soft_nms", method)
    if not compilable(boxes, scores):
        return NotImplemented
    left, real = np.flatnonzero(scores > score_threshold), boxes.dtype.type
    taken, lowered = np.empty(len(left), np.int64), np.empty(len(left), boxes.dtype)
    count = _soft_nms_loop(np.ascontiguousarray(corners_and_areas(boxes)[:, left]), scores[left], left,
                           real(iou_threshold), real(1 / sigma), real(score_threshold), method == "gaussian",
                           taken, lowered)
    return taken[:count], lowered[:count]


@kernel
def matrix_nms(boxes, scores, groups=None, method="gaussian", sigma=2.0):
    """Lower all scores at once: each box pays for the overlap with the higher ones, as far as those are not
    themselves lowered.

    s_j ← s_j · min over i before j of f(iou_ij) / f(c_i),  c_i = max over k before i of iou_ki

    linear  f(x) = 1 - x;   gaussian  f(x) = exp(-sigma·x²)

    X. Wang, R. Zhang, T. Kong, L. Li, C. Shen, *SOLOv2: Dynamic and Fast Instance Segmentation* (2020).

    Parameters
    ----------
    boxes : [N, 4], (x1, y1, x2, y2)
    scores : [N]
    groups : [N], optional; boxes of different groups do not overlap

    Returns
    -------
    [N], the lowered scores in the order of the boxes
    """
    check_scored_boxes("matrix_nms", boxes, scores, groups)
    _check_method("matrix_nms", method)
    order = by_score(scores)
    table, group = corners_and_areas(boxes[order]), None if groups is None else groups[order]
    iou = np.stack([iou_with(box, table) for box in table.T]) if len(order) else np.empty((0, 0), boxes.dtype)
    iou = np.triu(np.nan_to_num(iou), 1)
    if group is not None:
        iou[group[:, None] != group] = 0
    covered = iou.max(0, initial=0)[:, None]
    ratio = (1 - iou) / (1 - covered) if method == "linear" else np.exp(sigma * (covered * covered - iou * iou))
    factor = np.fmin.reduce(np.triu(ratio - 1, 1), 0, initial=0) + 1
    result = np.empty_like(scores)
    result[order] = scores[order] * factor.astype(scores.dtype)
    return result


@jit
def _covered_loop(start, stop, boxes, table, covered):
    """covered[j] = the largest overlap of box j of [N, 5] with one before it."""
    iou = np.empty(table.shape[1], table.dtype)
    for j in range(start, stop):
        overlaps_of(boxes[j], table, 0, j, iou)
        largest = like(0, iou[0])
        for i in range(j):
            largest = iou[i] if iou[i] > largest else largest
        covered[j] = largest


@jit
def _price_loop(start, stop, boxes, table, covered, linear, price):
    """price[j] = the largest, over all i before j, of (iou - c_i) / (1 - c_i) or of iou² - c_i²; 0 if none is
    positive."""
    iou = np.empty(table.shape[1], table.dtype)
    for j in range(start, stop):
        overlaps_of(boxes[j], table, 0, j, iou)
        largest, one = like(0, iou[0]), like(1, iou[0])
        for i in range(j):
            c = covered[i]
            paid = (iou[i] - c) / (one - c) if linear else iou[i] * iou[i] - c * c
            largest = paid if paid > largest else largest
        price[j] = largest


@matrix_nms.cpu
def _matrix_nms_cpu(boxes, scores, groups=None, method="gaussian", sigma=2.0):
    check_scored_boxes("matrix_nms", boxes, scores, groups)
    _check_method("matrix_nms", method)
    if not compilable(boxes, scores):
        return NotImplemented
    order = by_score(scores, groups)
    sorted_boxes = corners_and_areas(boxes[order])
    ends = [] if groups is None else np.flatnonzero(np.diff(groups[order])) + 1
    price = np.empty(len(order), boxes.dtype)
    for start, stop in zip([0, *ends], [*ends, len(order)]):
        table, count = np.ascontiguousarray(sorted_boxes[:, start:stop]), stop - start
        rows, covered = np.ascontiguousarray(table.T), np.empty(count, boxes.dtype)
        parallel_for(_covered_loop, count, 2 * count, rows, table, covered)
        parallel_for(_price_loop, count, 2 * count, rows, table, covered, method == "linear", price[start:stop])
    factor = 1 - price if method == "linear" else np.exp(-sigma * price)
    result = np.empty_like(scores)
    result[order] = scores[order] * factor.astype(scores.dtype)
    return result
