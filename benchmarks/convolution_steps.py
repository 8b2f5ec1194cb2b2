"""From six nested loops to the register tile: the same convolution, step by step, and how fast each step is.

`python -m benchmarks.convolution_steps` prints the table of docs/internals/convolution.md; `--write` also draws the roofline
into docs/images/.  All on one thread, in float32.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from scratchnet import kernels
from scratchnet.kernels import tile as tiles
from scratchnet.kernels.conv import compiled, geometry_of
from scratchnet.kernels.im2col import im2col
from scratchnet.kernels.jit import jit

BATCH, CHANNELS, SIZE, FILTERS, WINDOW = 2, 64, 56, 64, 3
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "convolution-roofline.png"


# ---- the steps ----------------------------------------------------------------------------------------------------------
@jit
def six_loops(x, w, y):
    """The formula, word by word."""
    for n in range(len(y)):
        for o in range(y.shape[1]):
            for i in range(y.shape[2]):
                for j in range(y.shape[3]):
                    total = y.dtype.type(0)
                    for c in range(x.shape[1]):
                        for a in range(w.shape[2]):
                            for b in range(w.shape[3]):
                                total += w[o, c, a, b] * x[n, c, i + a, j + b]
                    y[n, o, i, j] = total


@jit
def row_by_row(x, w, y):
    """The loop over a row innermost: neighbouring pixels are neighbouring lanes, and the compiler sees it."""
    for n in range(len(y)):
        for o in range(y.shape[1]):
            for i in range(y.shape[2]):
                out = y[n, o, i]
                for j in range(len(out)):
                    out[j] = 0
                for c in range(x.shape[1]):
                    for a in range(w.shape[2]):
                        for b in range(w.shape[3]):
                            factor, row = w[o, c, a, b], x[n, c, i + a, b:]
                            for j in range(len(out)):
                                out[j] += factor * row[j]


@jit
def four_filters(x, w, y):
    """Four rows of results at a time: every pixel that is loaded is used four times."""
    for n in range(len(y)):
        for o in range(0, y.shape[1], 4):
            for i in range(y.shape[2]):
                out0, out1, out2, out3 = y[n, o, i], y[n, o + 1, i], y[n, o + 2, i], y[n, o + 3, i]
                for j in range(len(out0)):
                    out0[j], out1[j], out2[j], out3[j] = 0, 0, 0, 0
                for c in range(x.shape[1]):
                    for a in range(w.shape[2]):
                        for b in range(w.shape[3]):
                            f0, f1, f2, f3 = w[o, c, a, b], w[o + 1, c, a, b], w[o + 2, c, a, b], w[o + 3, c, a, b]
                            row = x[n, c, i + a, b:]
                            for j in range(len(out0)):
                                out0[j] += f0 * row[j]
                                out1[j] += f1 * row[j]
                                out2[j] += f2 * row[j]
                                out3[j] += f3 * row[j]


def column_matrix(x, w, y):
    """im2col, and a matrix product for each image."""
    columns = im2col(x, w.shape[2:], 1, 0, 1)
    np.matmul(w.reshape(len(w), -1), columns, out=y.reshape(len(y), len(w), -1))


def by(way: str) -> Callable:
    def run(x, w, y):
        compiled._forward(geometry_of(x.shape, w.shape), way, x, w, None)

    return run


def steps() -> dict[str, Callable]:
    return {
        "six nested loops": six_loops,
        "a row innermost": row_by_row,
        "four filters at a time": four_filters,
        "im2col and a matrix product": column_matrix,
        "tile, lanes are pixels": by("pixels"),
        "tile, lanes are filters": by("channels"),
    }


# ---- the machine --------------------------------------------------------------------------------------------------------
M = V = L = 1
tile = None


@jit
def tiles_only(repeats, a, b, c):
    """The tile on operands that stay in the first-level cache: the most that can be computed."""
    for _ in range(repeats):
        tile(M, V, L, a, 1, M, b, V * L, 64, c, V * L, True)


@jit
def read_only(x):
    """The sum of an array that no cache holds: the most that can be read."""
    s0 = s1 = s2 = s3 = x.dtype.type(0)
    for i in range(0, len(x) - 63, 64):
        s0 += x[i]
        s1 += x[i + 16]
        s2 += x[i + 32]
        s3 += x[i + 48]
    return s0 + s1 + s2 + s3


def seconds(call: Callable[[], object], rounds: int = 7) -> float:
    call()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def peak() -> float:
    """GFLOP/s of one core."""
    shape = tiles.Shape(6 if tiles.registers() == 32 else 5, 4 if tiles.registers() == 32 else 2, tiles.lanes(np.float32))
    loop = tiles.specialised(tiles_only, shape)
    a, b, c = np.ones(64 * shape.M, "f"), np.ones(64 * shape.width, "f"), np.ones(shape.M * shape.width, "f")
    return 2 * 64 * shape.M * shape.width * 3000 / seconds(lambda: loop(3000, a, b, c)) / 1e9


def bandwidth() -> float:
    """GB/s that one core reads from memory."""
    x = np.ones(64 << 20, "f")
    return x.nbytes / seconds(lambda: read_only(x), 5) / 1e9


def measure() -> tuple[dict[str, tuple[float, float]], float, float]:
    """(GFLOP/s, multiply-adds per byte moved) of each step, the peak and the bandwidth."""
    kernels.set_num_threads(1)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((BATCH, CHANNELS, SIZE + WINDOW - 1, SIZE + WINDOW - 1)).astype(np.float32)
    w = rng.standard_normal((FILTERS, CHANNELS, WINDOW, WINDOW)).astype(np.float32)
    y = np.empty((BATCH, FILTERS, SIZE, SIZE), np.float32)
    flop = 2 * y.size * CHANNELS * WINDOW * WINDOW
    columns = BATCH * CHANNELS * WINDOW * WINDOW * SIZE * SIZE * 4
    results = {}
    for name, step in steps().items():
        moved = x.nbytes + w.nbytes + y.nbytes + (2 * columns if "im2col" in name else 0)
        results[name] = flop / seconds(lambda step=step: step(x, w, y)) / 1e9, flop / moved
    return results, peak(), bandwidth()


def draw(results: dict[str, tuple[float, float]], top: float, slope: float) -> None:
    """GFLOP/s over FLOP per byte, both logarithmic, below the roof that the machine is."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    intensity = np.geomspace(0.25, 1000, 200)
    axes.loglog(intensity, np.minimum(top, slope * intensity), color="0.3", lw=2)
    axes.annotate(f"{top:.0f} GFLOP/s: all registers multiply", (1000, top), (-4, 5), textcoords="offset points", ha="right")
    axes.annotate(f"{slope:.0f} GB/s from memory", (0.6, slope * 0.6), (8, -8), textcoords="offset points", color="0.3")
    for i, (name, (speed, per_byte)) in enumerate(results.items()):
        axes.plot(per_byte, speed, "o", color=f"C{i}")
        side = {"ha": "left", "xytext": (8, -6)} if name.endswith("filters") else {"ha": "right", "xytext": (-8, -6)}
        axes.annotate(f"{name}, {speed:.0f}", (per_byte, speed), textcoords="offset points", color=f"C{i}", **side)
    axes.set(xlabel="FLOP per byte that must be moved", ylabel="GFLOP/s on one core", xlim=(0.25, 1000), ylim=(0.5, 2 * top),
             title=f"{WINDOW}×{WINDOW} convolution, {CHANNELS} → {FILTERS} channels, {SIZE}×{SIZE}, float32")  # fmt: skip
    axes.grid(alpha=0.3, which="both")
    figure.savefig(PICTURE, dpi=110)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"draw {PICTURE.name}")
    write = parser.parse_args().write
    results, top, slope = measure()
    print(f"peak {top:.0f} GFLOP/s, memory {slope:.1f} GB/s\n")
    print("| step | GFLOP/s | of peak |\n|---|---:|---:|")
    for name, (speed, _) in results.items():
        print(f"| {name} | {speed:.1f} | {speed / top:.0%} |")
    if write:
        draw(results, top, slope)


if __name__ == "__main__":
    main()
