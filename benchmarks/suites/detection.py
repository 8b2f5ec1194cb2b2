"""Non-maximum suppression, overlaps and RoI Align.

torch has none of them: beside scratchnet's stand the same algorithms written in torch's operations, and NumPy's usual loop.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.tasks import Step, suite

detection = suite(
    "detection",
    "Suppression and overlap of boxes",
    mean=0.9,
    limit=1.0,
    note="torch's column is the same algorithm in torch's operations, numpy's the usual loop over the boxes that are left.",
)


def scattered(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Boxes of 5 to 100 pixels on a picture of 2000, about a fifth of them near another."""
    rng = np.random.default_rng(0)
    corner, size = rng.uniform(0, 2000, (count, 2)), rng.uniform(5, 100, (count, 2))
    return np.concatenate([corner, corner + size], 1).astype(np.float32), rng.random(count).astype(np.float32)


def nms_in_torch(torch: Any, boxes: Any, scores: Any, threshold: float) -> Any:
    order = scores.argsort(descending=True, stable=True)
    x1, y1, x2, y2 = boxes[order].unbind(1)
    area, stays = (x2 - x1) * (y2 - y1), torch.ones(len(order), dtype=torch.bool)
    for i in range(len(order)):
        if stays[i]:
            w = (torch.minimum(x2[i], x2[i + 1 :]) - torch.maximum(x1[i], x1[i + 1 :])).clamp_(min=0)
            h = (torch.minimum(y2[i], y2[i + 1 :]) - torch.maximum(y1[i], y1[i + 1 :])).clamp_(min=0)
            shared = w * h
            stays[i + 1 :] &= shared / (area[i] + area[i + 1 :] - shared) <= threshold
    return order[stays]


def nms_in_numpy(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> list:
    x1, y1, x2, y2 = boxes.T
    area, order, kept = (x2 - x1) * (y2 - y1), scores.argsort()[::-1], []
    while order.size:
        i, rest = order[0], order[1:]
        kept.append(i)
        w = np.maximum(0, np.minimum(x2[i], x2[rest]) - np.maximum(x1[i], x1[rest]))
        h = np.maximum(0, np.minimum(y2[i], y2[rest]) - np.maximum(y1[i], y1[rest]))
        order = rest[w * h / (area[i] + area[rest] - w * h) <= threshold]
    return kept


for _count in (1000, 10_000, 50_000):

    @detection.task(
        f"nms of {_count:,}",
        "threshold 0.5",
        against={"numpy": 0.05} if _count == 10_000 else {},
        rounds=1 if _count == 50_000 else 3,
    )
    def suppress(torch: Any, count: int = _count) -> Step:
        boxes, scores = (torch.from_numpy(a) for a in scattered(count))
        if torch.__name__ == "torch":
            return lambda: nms_in_torch(torch, boxes, scores, 0.5)
        ops = torch.vision.ops
        return lambda: ops.nms(boxes, scores, 0.5)

    if _count < 50_000:

        @suppress.on("numpy")
        def suppress_in_numpy(count: int = _count) -> Step:
            boxes, scores = scattered(count)
            return lambda: nms_in_numpy(boxes, scores, 0.5)


@detection.task("box_iou", "1000 × 1000, generalised")
def overlap(torch: Any) -> Step:
    a, b = (torch.from_numpy(scattered(2000)[0][i : i + 1000]) for i in (0, 1000))
    if torch.__name__ != "torch":
        ops = torch.vision.ops
        return lambda: ops.generalized_box_iou(a, b)

    def step() -> Any:
        inside = (torch.minimum(a[:, None, 2:], b[:, 2:]) - torch.maximum(a[:, None, :2], b[:, :2])).clamp(min=0)
        around = torch.maximum(a[:, None, 2:], b[:, 2:]) - torch.minimum(a[:, None, :2], b[:, :2])
        area_a, area_b = ((x[:, 2] - x[:, 0]) * (x[:, 3] - x[:, 1]) for x in (a, b))
        shared, hull = inside[..., 0] * inside[..., 1], around[..., 0] * around[..., 1]
        union = area_a[:, None] + area_b - shared
        return shared / union - (hull - union) / hull

    return step


@detection.task("roi_align", "256 regions of 1×256×50×68, 7×7 bins, forward and backward")
def pool(torch: Any) -> Step:
    """torch's is `grid_sample` at the same 2×2 samples of each bin, on the region's share of a batch, then a mean."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    corner, size = rng.uniform(0, 30, (256, 2)), rng.uniform(4, 18, (256, 2))
    boxes = np.concatenate([np.zeros((256, 1)), corner, corner + size], 1).astype(np.float32)
    x, g = torch.randn(1, 256, 50, 68).requires_grad_(), torch.randn(256, 256, 7, 7)
    if torch.__name__ != "torch":
        regions, ops = torch.from_numpy(boxes), torch.vision.ops

        def step() -> None:
            x.grad = None
            ops.roi_align(x, regions, 7, sampling_ratio=2, aligned=True).backward(g)

        return step
    steps = (np.arange(14) + 0.5) / 14
    points = [2 * (boxes[:, [i]] + (boxes[:, [i + 2]] - boxes[:, [i]]) * steps) / n - 1 for i, n in ((1, 68), (2, 50))]
    columns, rows = np.broadcast_arrays(points[0][:, None, :], points[1][:, :, None])
    grid = torch.from_numpy(np.stack([columns, rows], -1).reshape(1, 256 * 14, 14, 2).astype(np.float32))

    def in_torch() -> None:
        x.grad = None
        samples = torch.nn.functional.grid_sample(x, grid, padding_mode="border", align_corners=False)
        bins = samples.reshape(256, 256, 7, 2, 7, 2).mean((3, 5))
        bins.transpose(0, 1).backward(g)

    return in_torch
