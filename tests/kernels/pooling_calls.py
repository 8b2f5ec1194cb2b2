"""Calls of the pooling kernels, for `calls`."""

import numpy as np

from scratchnet import kernels
from scratchnet.kernels import adaptive_windows, fractional_windows, sliding_windows


def pooling_calls(rng, a):
    overlapping = sliding_windows("call", (9, 8), (3, 3), (2, 2), (1, 1), (1, 1), True, False)
    dilated = sliding_windows("call", (9, 40), (3, 2), (2, 3), (1, 1), (2, 3))
    halving = sliding_windows("call", (8, 6, 40), (2, 2, 2), (2, 2, 2), (0, 0, 0), (1, 1, 1))
    line = sliding_windows("call", (40,), (20,), (3,), (7,), (1,))
    regions, whole = adaptive_windows((9, 8), (4, 3)), adaptive_windows((5, 9, 8), (2, 1, 1))
    fractional = fractional_windows((9, 8), (2, 3), (np.array([[0, 3, 7], [1, 2, 6]]), np.array([[0, 5], [4, 5]])))
    pooled = kernels.max_pool.reference(a(3, 4, 9, 8), overlapping)
    places = np.array([[[3, 0, 2], [1, 5, 3]]])
    return {
        "max_pool": (a(3, 4, 9, 8), overlapping),
        "max_pool dilated": (a(3, 4, 9, 40), dilated),
        "max_pool 3-D": (a(1, 4, 8, 6, 40), halving),
        "max_pool regions": (a(3, 4, 9, 8), regions),
        "max_pool whole": (a(3, 4, 5, 9, 8), whole),
        "max_pool fractional": (a(1, 2, 9, 8), fractional),
        "max_pool_backward": (a(*pooled[0].shape), pooled[1], (9, 8)),
        "max_unpool": (a(1, 2, 3), places, (6,)),
        "pick": (a(3, 4, 9, 8), pooled[1]),
        "avg_pool": (a(3, 4, 9, 8), overlapping),
        "avg_pool 3-D": (a(1, 4, 8, 6, 40), halving),
        "avg_pool 1-D": (a(3, 4, 40), line),
        "avg_pool regions": (a(3, 4, 9, 8), regions),
        "avg_pool whole": (a(3, 4, 5, 9, 8), whole),
        "avg_pool_backward": (a(3, 4, 5, 5), overlapping),
        "avg_pool_backward 3-D": (a(1, 4, 4, 3, 20), halving),
        "avg_pool_backward 1-D": (a(3, 4, *line.output), line),
        "avg_pool_backward regions": (a(3, 4, 4, 3), regions),
        "avg_pool_backward whole": (a(3, 4, 2, 1, 1), whole),
    }
