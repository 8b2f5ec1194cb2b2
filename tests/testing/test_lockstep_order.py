"""The simulator's bookkeeping against the definition: a race is a pair of accesses that nothing orders, all pairs tried."""

import itertools
import random
from typing import Any

import numpy as np
import pytest

from scratchnet.testing import lockstep

cuda: Any = None  # the simulator puts itself in its place

THREADS = (0, 1, 2, 32)  # three lanes of one warp, and one of another; the rest only come to the barriers
READ, WRITE, ATOMIC, BARRIER, SYNCWARP = range(5)


def random_program(rng):
    """Steps in an order that each thread keeps: accesses (kind, thread, element), barriers, syncwarps (mask)."""
    masks = [sum(1 << t for t in lanes) for n in (2, 3) for lanes in itertools.combinations(THREADS[:3], n)]
    program = []
    for _ in range(rng.randint(2, 9)):
        kind = rng.choice([READ, READ, WRITE, WRITE, ATOMIC, BARRIER, SYNCWARP, SYNCWARP])
        who = rng.choice(masks) if kind == SYNCWARP else rng.choice(THREADS)
        program.append((kind, who, rng.randrange(2)))
    return program


def interpreter(program):
    def kernel(x):
        me = cuda.threadIdx.x
        for kind, who, element in program:
            if kind == BARRIER:
                cuda.syncthreads()
            elif kind == SYNCWARP:
                if me < 3 and who >> me & 1:
                    cuda.syncwarp(who)
            elif who == me:
                if kind == READ:
                    x[element]
                elif kind == WRITE:
                    x[element] = 1
                else:
                    cuda.atomic.add(x, element, 1)

    return kernel


def has_race(program, blocks):
    """By vector clocks: before[t] is, for each thread, how many of its steps happened before what t does next."""
    before = {t: dict.fromkeys(THREADS, 0) for t in THREADS}
    accesses = []
    for kind, who, element in program:
        if kind in (BARRIER, SYNCWARP):
            group = THREADS if kind == BARRIER else [t for t in THREADS[:3] if who >> t & 1]
            joined = {t: max(before[g][t] for g in group) for t in THREADS}
            before.update({g: dict(joined) for g in group})
            continue
        before[who][who] += 1
        accesses.append((kind, who, element, dict(before[who])))
    for (k1, t1, e1, b1), (k2, t2, e2, b2) in itertools.combinations_with_replacement(accesses, 2):
        conflict = e1 == e2 and (WRITE in (k1, k2) or (k1 != k2 and ATOMIC in (k1, k2)))
        ordered = b1[t1] <= b2[t1] or b2[t2] <= b1[t2]
        if conflict and (blocks > 1 or not ordered):
            return True
    return False


@pytest.mark.parametrize("blocks", [1, 2])
def test_races_are_found_where_there_are_any_and_nowhere_else(blocks):
    rng = random.Random(blocks)
    races = 0
    for _ in range(400 if blocks == 1 else 60):
        program = random_program(rng)
        expected = has_race(program, blocks)
        found = False
        try:
            lockstep.launch(interpreter(program), blocks, 33, np.zeros(2), seed=rng.randrange(99))
        except lockstep.Race:
            found = True
        assert found == expected, program
        races += found
    assert races > 20
