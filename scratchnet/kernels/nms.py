"""Non-maximum suppression: of boxes that overlap, only the one with the highest score stays."""

from __future__ import annotations

import numpy as np

from scratchnet.kernels.jit import jit
from scratchnet.kernels.parallel import parallel_for
from scratchnet.kernels.registry import compilable, kernel
from scratchnet.kernels.vector_math import like

_BLOCK = 512                # candidates that are compared with all boxes kept before them at once, on all threads
_CHUNK = 128                # overlaps computed in one go; then we look whether one was too large


def check_scored_boxes(name, boxes, scores, groups=None):
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise RuntimeError(f"{name}: expected boxes of shape [N, 4], got {boxes.shape}")
    if scores.ndim != 1 or len(scores) != len(boxes):
        raise RuntimeError(f"{name}: expected scores of shape [{len(boxes)}], one for each box, got {scores.shape}")
    if groups is not None and groups.shape != scores.shape:
        raise RuntimeError(f"{name}: expected a category for each of the {len(boxes)} boxes, got shape {groups.shape}")


def by_score(scores, groups=None):
    """The order of falling scores, and within groups if there are any: NaN first, equal scores as they come."""
    keys = [-scores] if scores.dtype.kind == "f" else [-scores.astype(np.int64)]
    if np.isnan(scores).any():
        keys.append(~np.isnan(scores))
    if groups is not None:
        keys.append(groups)
    return np.lexsort(keys)


def corners_and_areas(boxes):
    """Boxes [N, 4] as [5, N]: x1, y1, x2, y2, area."""
    table = np.empty((5, len(boxes)), boxes.dtype)
    table[:4] = boxes.T
    np.multiply(table[2] - table[0], table[3] - table[1], out=table[4])
    return table


def iou_with(box, table):
    """Intersection over union of a box [5] with the boxes of a table [5, M]."""
    w = np.minimum(box[2], table[2]) - np.maximum(box[0], table[0])
    h = np.minimum(box[3], table[3]) - np.maximum(box[1], table[1])
    intersection = np.where((w > 0) & (h > 0), w * h, 0).astype(table.dtype)
    return intersection / (box[4] + table[4] - intersection)


@kernel
def nms(boxes, scores, iou_threshold, groups=None):
    """The boxes that stay: go through all by falling score, and drop each that overlaps one that stays.

    Two boxes overlap if the area of their intersection, divided by that of their union, is larger than the
    threshold (and not NaN); boxes of different groups never do.

    Parameters
    ----------
    boxes : [N, 4], (x1, y1, x2, y2)
    scores : [N]; NaN is the highest, equal scores keep their order
    groups : [N], optional

    Returns
    -------
    int64 [K], their indices by falling score
    """
    check_scored_boxes("nms", boxes, scores, groups)
    order = by_score(scores)
    table = corners_and_areas(boxes[order])
    group = None if groups is None else groups[order]
    stays = np.ones(len(order), bool)
    for i in range(len(order)):
        if stays[i]:
            later = slice(i + 1, None)
            overlaps = iou_with(table[:, i], table[:, later]) > np.float64(iou_threshold)
            stays[later] &= ~(overlaps if group is None else overlaps & (group[later] == group[i]))
    return order[stays]


@jit
def overlaps_of(box, table, first, last, out):
    """out[:last - first] = `iou_with` of a box [5] and the boxes first…last of a table."""
    x1, y1, x2, y2, area = table[0, first:last], table[1, first:last], table[2, first:last], table[3, first:last], \
        table[4, first:last]
    ax1, ay1, ax2, ay2, a, zero = box[0], box[1], box[2], box[3], box[4], like(0, box[0])
    for i in range(len(x1)):
        w = (ax2 if ax2 < x2[i] else x2[i]) - (ax1 if ax1 > x1[i] else x1[i])
        h = (ay2 if ay2 < y2[i] else y2[i]) - (ay1 if ay1 > y1[i] else y1[i])
        intersection = w * h if (w > zero) & (h > zero) else zero
        out[i] = intersection / (a + area[i] - intersection)


@jit
def _overlaps_any(box, table, start, stop, threshold, out):
    """Whether a box overlaps one of the boxes start…stop of a table by more than the threshold."""
    for first in range(start, stop, _CHUNK):
        last = min(first + _CHUNK, stop)
        overlaps_of(box, table, first, last, out)
        hits = 0
        for i in range(last - first):
            hits += out[i] > threshold
        if hits > 0:
            return True
    return False


@jit
def _compare_loop(start, stop, boxes, kept, count, threshold, dropped):
    """dropped[i] of boxes [n, 5] that overlap one of the boxes kept, [5, ...]."""
    out = np.empty(_CHUNK, boxes.dtype)
    for i in range(start, stop):
        dropped[i] = _overlaps_any(boxes[i], kept, 0, count, threshold, out)


@jit
def _keep_loop(boxes, dropped, kept, count, threshold, indices, offset):
    """Append to the boxes kept those of a block [n, 5] that neither were dropped nor overlap one before them in the
    block; returns how many are kept then."""
    out, before = np.empty(_CHUNK, boxes.dtype), count
    for i in range(len(boxes)):
        if not dropped[i] and not _overlaps_any(boxes[i], kept, before, count, threshold, out):
            for k in range(5):
                kept[k, count] = boxes[i, k]
            indices[count] = offset + i
            count += 1
    return count


def _kept(table, threshold):
    """Which boxes of a table [5, N], sorted by score, stay."""
    total = table.shape[1]
    boxes, kept = np.ascontiguousarray(table.T), np.empty((5, total), table.dtype)
    indices = np.empty(total, np.int64)
    dropped, count = np.empty(min(_BLOCK, total), np.bool_), 0
    for start in range(0, total, _BLOCK):
        block = boxes[start:start + _BLOCK]
        parallel_for(_compare_loop, len(block), 1.5 * count, block, kept, count, threshold, dropped)
        count = _keep_loop(block, dropped, kept, count, threshold, indices, start)
    return indices[:count]


def _threshold_of(dtype, threshold):
    """The largest number of the dtype that is not larger: x > threshold means the same for all x of the dtype."""
    rounded = dtype.type(threshold)
    return np.nextafter(rounded, dtype.type(-np.inf)) if float(rounded) > threshold else rounded


@nms.cpu
def _nms_cpu(boxes, scores, iou_threshold, groups=None):
    check_scored_boxes("nms", boxes, scores, groups)
    if not compilable(boxes, scores):
        return NotImplemented
    if len(boxes) == 0:
        return np.empty(0, np.int64)
    threshold, order = _threshold_of(boxes.dtype, float(iou_threshold)), by_score(scores, groups)
    table = corners_and_areas(boxes[order])
    if groups is None:
        return order[_kept(table, threshold)]
    ends = np.flatnonzero(np.diff(groups[order])) + 1
    parts = [order[start + _kept(table[:, start:stop], threshold)]
             for start, stop in zip([0, *ends], [*ends, len(order)])]
    kept = np.sort(np.concatenate(parts))           # so that equal scores keep their order
    return kept[by_score(scores[kept])]
