"""Jacobians, analytic (from backward) and numeric (from differences), and where they differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from heapq import heappop, heappush
from typing import Any

import numpy as np

from scratchnet.autograd.gradcheck_problem import Problem

WIDER = 64  # how much longer the second step is, by which kinks, jumps and noise are told apart
SAMPLE = 16  # elements of a large input that are looked at one by one
INSPECTED = 256  # columns looked at for kinks, at most


@dataclass(frozen=True)
class Tolerance:
    atol: float
    rtol: float
    eps: float

    def close(self, a: Any, b: Any) -> Any:
        with np.errstate(invalid="ignore"):  # inf − inf: not close
            return np.abs(a - b) <= self.atol + self.rtol * np.abs(b)


@dataclass
class Block:
    """One Jacobian. Rows are elements of the output (or one projection of it), columns of the input."""

    output: str
    input: str
    out_shape: tuple[int, ...]
    in_shape: tuple[int, ...]
    analytic: Any
    numeric: Any
    left: Any  # slopes to the left and to the right of the point
    right: Any
    columns: Any  # which elements of the input the columns are
    unused: bool  # backward gave None
    projected: bool = False
    wrong: Any = None
    kink: Any = None
    noise: Any = None


# ---- comparing ---------------------------------------------------------------------------------------------
def compare(problem: Problem, tolerance: Tolerance) -> list[Block]:
    """All of every Jacobian: a backward for each element of an output, two calls for each of an input."""
    outputs = problem.outputs()
    n = len(problem.points)
    rows: list[list] = []
    for j, y in enumerate(outputs):
        unit = np.zeros_like(y.array)
        found = []
        for k in np.ndindex(y.array.shape):
            unit[k] = 1
            found.append(problem.gradient(outputs, j, unit))
            unit[k] = 0
        rows.append(found)
    blocks: list[list[Block]] = [[] for _ in outputs]
    for i, x in enumerate(problem.points):
        columns = np.arange(x.array.size)
        slopes = _slopes(problem.values, x.array, columns, tolerance.eps)
        for j, (left, right) in enumerate(slopes):
            analytic = np.zeros((outputs[j].array.size, x.array.size))
            unused = all(row[i] is None for row in rows[j])
            for r, row in enumerate(rows[j]):
                if row[i] is not None:
                    analytic[r] = row[i].reshape(-1)
            block = Block(
                problem.output_name(j), problem.names[i], outputs[j].shape, x.shape,
                analytic, (left + right) / 2, left, right, columns, unused,
            )  # fmt: skip
            _mark(block, problem.values, x.array, j, tolerance)
            blocks[j].append(block)
    assert all(len(row) == n for row in blocks)
    return [block for row in blocks for block in row]


def compare_projected(problem: Problem, tolerance: Tolerance) -> list[Block]:
    """vᵀJu for random v and u; the elements of vᵀJ that make it differ are found by bisection."""
    outputs = problem.outputs()
    rng = np.random.default_rng(1)
    cotangents = [rng.standard_normal(y.shape).astype(y.dtype) for y in outputs]
    gradients = problem.gradients(outputs, cotangents)

    def projections() -> list[Any]:
        return [v.reshape(-1)[None] @ y for v, y in zip(cotangents, problem.values())]

    def projection(j: int) -> Any:
        return projections()[j]

    blocks = []
    for j in range(len(outputs)):
        for i, x in enumerate(problem.points):
            g = gradients[j][i]
            row = np.zeros(x.array.size) if g is None else g.reshape(-1)
            columns = _bisect(partial(projection, j), x.array, row, tolerance, rng)
            left, right = _slopes(projections, x.array, columns, tolerance.eps)[j]
            block = Block(
                problem.output_name(j), problem.names[i], (), x.shape,
                row[None, columns], (left + right) / 2, left, right, columns, g is None, projected=True,
            )  # fmt: skip
            _mark(block, projections, x.array, j, tolerance)
            blocks.append(block)
    return blocks


def _slopes(values: Callable[[], list], array: Any, columns: Any, eps: float) -> list[tuple[Any, Any]]:
    """For each output: its slopes to the left and to the right, (elements of the output) × (columns)."""
    here = values()
    left = [np.zeros((y.size, len(columns))) for y in here]
    right = [np.zeros((y.size, len(columns))) for y in here]
    for c, k in enumerate(columns):
        index = np.unravel_index(k, array.shape)
        before = array[index]
        for sides, step in ((left, -eps), (right, eps)):
            try:
                array[index] = before + step
                taken = array[index] - before or step  # what is left of the step after rounding
                there = values()
            finally:
                array[index] = before
            for side, y0, y1 in zip(sides, here, there):
                with np.errstate(invalid="ignore", over="ignore"):
                    side[:, c] = (y1 - y0) / taken
    return list(zip(left, right))


def _bisect(project: Callable[[], Any], array: Any, row: Any, tolerance: Tolerance, rng: Any) -> Any:
    """Elements of the input to look at: those that make a directional derivative differ, and a few others."""
    n = array.size
    if n <= 2 * SAMPLE:
        return np.arange(n)
    direction = rng.standard_normal(n)
    queue: list[tuple[float, int, int]] = []  # (−mismatch, start, stop): the worst range is halved first

    def try_range(start: int, stop: int) -> None:
        u = np.zeros(n)
        u[start:stop] = direction[start:stop]
        numeric = _directional(project, array, u.reshape(array.shape), tolerance.eps)
        allowed = tolerance.atol + 1e-3 * tolerance.rtol * np.linalg.norm(row * u)
        mismatch = abs(row @ u - numeric)
        if not mismatch <= allowed:
            heappush(queue, (-float(np.nan_to_num(mismatch, nan=np.inf)), start, stop))

    found = set(rng.choice(n, SAMPLE, replace=False).tolist())
    try_range(0, n)
    for _ in range(SAMPLE * int(np.log2(n) + 1)):
        if not queue:
            break
        _, start, stop = heappop(queue)
        if stop - start == 1:
            found.add(start)
        else:
            try_range(start, (start + stop) // 2)
            try_range((start + stop) // 2, stop)
    return np.array(sorted(found))


def _directional(project: Callable[[], Any], array: Any, u: Any, eps: float) -> float:
    before = array.copy()
    try:
        array[...] = before + eps * u
        ahead = project()
        array[...] = before - eps * u
        behind = project()
    finally:
        array[...] = before
    return float((ahead - behind)[0] / (2 * eps))


def _mark(block: Block, values: Callable[[], list], array: Any, j: int, tolerance: Tolerance) -> None:
    """Which elements are wrong; and which of those lie on a kink, or are lost in noise.

    With a longer step h, the difference of the slopes to both sides stays the same at a kink, grows with h
    where the function is merely curved, and falls as 1/h at a jump or where it is noise.
    """
    block.wrong = ~tolerance.close(block.analytic, block.numeric)
    block.kink, block.noise = np.zeros_like(block.wrong), np.zeros_like(block.wrong)
    smooth = tolerance.close(block.left, block.right)
    suspicious = block.wrong & ~smooth
    columns = np.flatnonzero(suspicious.any(0))[:INSPECTED]
    if not len(columns):
        return
    left, right = _slopes(values, array, block.columns[columns], WIDER * tolerance.eps)[j]
    size = max(1e-300, float(np.nanmax(np.abs(np.nan_to_num(values()[j])), initial=0.0)))
    with np.errstate(invalid="ignore", divide="ignore"):
        bend = np.abs(block.right - block.left)[:, columns]
        persistence = np.abs(right - left) / bend
        second_difference = bend * tolerance.eps / size
    low = np.minimum(block.left, block.right)[:, columns]
    high = np.maximum(block.left, block.right)[:, columns]
    slack = tolerance.atol + tolerance.rtol * np.maximum(np.abs(low), np.abs(high))
    analytic = block.analytic[:, columns]
    undefined = ~np.isfinite(bend)  # the edge of the domain
    kink = (persistence > 1 / 8) & (persistence < 8)
    jump = (persistence <= 1 / 8) & (second_difference > 1e-4)
    noise = (persistence <= 1 / 8) & ~jump
    between = (analytic >= low - slack) & (analytic <= high + slack)
    block.noise[:, columns] = suspicious[:, columns] & noise
    block.kink[:, columns] = suspicious[:, columns] & (((kink | jump) & between) | undefined)
    block.wrong &= ~block.kink
