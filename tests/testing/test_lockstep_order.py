"""The simulator's bookkeeping against the definition: a race is a pair of accesses that nothing orders, all pairs tried."""

import itertools
import random
from typing import Any

import numpy as np
import pytest

from scratchnet.testing import lockstep

cuda: Any = None  # the simulator puts itself in its place

THREADS = (0, 1, 2, 32)  # three lanes of one warp, and one of another; the rest only come to the barriers
READ, WRITE, ATOMIC, FENCE, BARRIER, SYNCWARP = range(6)
MASKS = [sum(1 << t for t in lanes) for n in (2, 3) for lanes in itertools.combinations(THREADS[:3], n)]


def members(kind, who):
    return THREADS if kind == BARRIER else [t for t in THREADS[:3] if who >> t & 1] if kind == SYNCWARP else [who]


def random_programs(rng, kinds, blocks, length):
    """For each block steps (kind, who, element), where who is a thread or a mask: mostly such that nothing races.

    Steps drawn blindly would race at once, and long chains of order would never be seen: most that race are left out,
    though fewer of those that race with an older access than the last, which the records might have dropped.
    """
    programs, log = [], []
    for block in range(blocks):
        programs.append([])
        for _ in range(rng.randint(2, length)):
            kind = rng.choice(kinds)
            step = kind, rng.choice(MASKS if kind == SYNCWARP else THREADS), rng.randrange(3)
            then = [*log, *((*step, (block, t)) for t in members(*step[:2]))]
            race = first_race(then, blocks)
            if race is None or rng.random() < (0.5 if race[1] else 0.1):
                programs[block].append(step)
                log = then
    return programs


def interpreter(programs, log, shared):
    """A kernel that runs the first program in the block that comes first, and so on, and writes down each step."""
    arrived: list = []

    def kernel(x):
        block, me = cuda.blockIdx.x, cuda.threadIdx.x
        if shared:
            x = cuda.shared.array(3, np.float64)
            if me < 3:
                x[me] = 0
            cuda.syncthreads()
        if block not in arrived:
            arrived.append(block)
        for kind, who, element in programs[arrived.index(block)]:
            if kind != BARRIER and me not in members(kind, who):
                continue
            if me in THREADS:
                log.append((kind, who, element, (block, me)))
            if kind == READ:
                x[element]
            elif kind == WRITE:
                x[element] = 1
            elif kind == ATOMIC:
                cuda.atomic.add(x, element, 1)
            elif kind == FENCE:
                cuda.threadfence()
            elif kind == BARRIER:
                cuda.syncthreads()
            else:
                cuda.syncwarp(who)

    return kernel


def together(clocks):
    return {t: max(clock.get(t, 0) for clock in clocks) for t in set().union(*clocks)}


def first_race(log, blocks):
    """Place in the log of the first access that races with one before it, by vector clocks; None if there is none.

    And whether the last access that it conflicts with is ordered before it: it races with an older one.
    """
    everyone = [(b, t) for b in range(blocks) for t in THREADS]
    before = {t: {t: 0} for t in everyone}  # how many accesses of each thread happened before what this one does next
    fenced, published, waiting, accesses = {t: {} for t in everyone}, {}, {}, []
    for place, (kind, who, element, me) in enumerate(log):
        if kind in (BARRIER, SYNCWARP):
            group = waiting.setdefault((me[0], kind, who if kind == SYNCWARP else None), [])
            group.append(me)
            if len(group) == len(members(kind, who)):
                for clocks in (before, fenced):
                    joined = together([clocks[t] for t in group])
                    clocks.update({t: dict(joined) for t in group})
                group.clear()
        elif kind == FENCE:
            fenced[me] = together([fenced[me], before[me]])
        else:
            if kind == ATOMIC:
                before[me] = together([before[me], published.get(element, {})])
                published[element] = together([published.get(element, {}), fenced[me]])
            before[me][me] += 1
            ordered = [
                before[me].get(other, 0) >= number
                for other_kind, other_element, other, number in accesses
                if other_element == element and (WRITE in (kind, other_kind) or kind != other_kind)
            ]
            if not all(ordered):
                return place, ordered[-1]
            accesses.append((kind, element, me, before[me][me]))
    return None


PLAIN = [READ, READ, WRITE, WRITE, ATOMIC, BARRIER, SYNCWARP, SYNCWARP, SYNCWARP]
FENCES = [READ, WRITE, WRITE, ATOMIC, ATOMIC, ATOMIC, FENCE, FENCE, BARRIER, SYNCWARP]
READS = [READ, READ, READ, READ, WRITE, BARRIER]
READERS = [READ, READ, READ, WRITE, SYNCWARP, SYNCWARP]
ADDERS = [ATOMIC, ATOMIC, ATOMIC, READ, SYNCWARP, SYNCWARP]
HANDED = [READ, READ, READ, WRITE, ATOMIC, ATOMIC, FENCE]


@pytest.mark.parametrize(
    "kinds, blocks, length, count, shared",
    [
        (PLAIN, 1, 30, 100, True),
        (FENCES, 1, 40, 100, False),
        (FENCES, 3, 16, 100, False),
        (READS, 3, 8, 80, False),
        (READERS, 1, 24, 100, True),
        (ADDERS, 1, 24, 100, True),
        (HANDED, 3, 14, 100, False),
    ],
    ids=["barriers", "fences", "blocks", "reads", "readers", "adders", "handed"],
)
def test_races_are_found_where_there_are_any_and_nowhere_else(kinds, blocks, length, count, shared):
    rng = random.Random(0)
    races = 0
    for seed in range(count):
        programs = random_programs(rng, kinds, blocks, length)
        log: list = []
        try:
            lockstep.launch(interpreter(programs, log, shared), blocks, 33, np.zeros(3), seed=seed)
        except lockstep.Race:
            log = log[: len(log) // 2]  # of the first run: the second, which finds the lines, goes the same way
            races += 1
            assert (first_race(log, blocks) or (None,))[0] == len(log) - 1, (programs, log)
        else:
            assert first_race(log, blocks) is None, (programs, log)
    assert 15 < races < count - 15


def tells_of_half(x, flag, told):
    """Of two threads that added to x one says so, behind a fence: the block that reads x knows of that one alone."""
    if cuda.blockIdx.x == 0:
        cuda.atomic.add(x, 0, 1)
        if cuda.threadIdx.x == 1:
            cuda.threadfence()
            cuda.atomic.add(flag, 0, 1)
        cuda.syncthreads()
        x[0]
    elif cuda.threadIdx.x == 0 and cuda.atomic.add(flag, 0, 0):
        told[0] = 1
        x[0]


def test_what_a_barrier_orders_for_one_block_stays_unordered_for_others():
    seen = 0
    for seed in range(16):
        told = np.zeros(1)
        try:
            lockstep.launch(tells_of_half, 2, 2, np.zeros(1), np.zeros(1), told, seed=seed)
        except lockstep.Race:
            assert told[0]
            seen += 1
        else:
            assert not told[0]
    assert 0 < seen < 16
