"""What happened before what: the order that barriers, syncwarp and fences make among the threads of a launch.

Time is counted in *intervals*: what one thread does between two synchronisations. Intervals are numbered upwards
through a launch; those of the threads between two barriers of a block are one *epoch*. Everything of an earlier
epoch of the same block is ordered before everything of this one. Within an epoch two intervals are ordered if they
are of one thread, or if a chain of syncwarps leads from one to the other. Blocks are not ordered, except through a
fence and an atomic operation (`Clock.acquire`).
"""

from __future__ import annotations

import bisect
from typing import Any


class Clock:
    """Which interval is now, whose it is, and what is ordered before it."""

    def __init__(self, allow_same_value: bool, watch: tuple[int, int] | None):
        self.me = self.base = self.start = 0
        self.next = 0
        self.thread: Any = None
        self.owners: list[Any] = []  # of the intervals of this epoch
        self.starts: list[int] = []  # first interval of each block that ran
        self.acquired: dict[int, tuple[int, set[int]]] = {}
        self.releases: dict[int, dict[int, tuple[int, set[int]]]] = {}
        self.allow_same_value = allow_same_value
        self.watch = watch  # memory and key of the element whose accesses are written down
        self.log: list[tuple[int, int, Any, tuple[str, int]]] = []
        self.memories = 0

    def begin_block(self, threads: list[Any]) -> None:
        self.start = self.next
        self.starts.append(self.start)
        self.acquired = {}
        self.begin_epoch(threads)

    def begin_epoch(self, threads: list[Any]) -> None:
        """A barrier: all before it is ordered before all after it."""
        self.base = self.next
        for i, thread in enumerate(threads, self.base):
            thread.interval = i
            thread.joined = {}
        self.next += len(threads)
        self.owners = list(threads)

    def join(self, threads: list[Any]) -> None:
        """A syncwarp: what these threads did, and knew to be done, is ordered before what they do next."""
        known: dict[int, int] = {}
        if all(t.joined is threads[0].joined for t in threads):
            known.update(threads[0].joined)
        else:
            for t in threads:
                for lane, interval in t.joined.items():
                    known[lane] = max(interval, known.get(lane, -1))
        for t in threads:
            known[t.lane] = t.interval
            t.joined, t.interval = known, self.next
            self.next += 1
        self.owners += threads

    def ordered(self, interval: int) -> bool:
        """Whether an earlier access, not of the present interval, happened before what runs now."""
        if interval >= self.base:
            other, thread = self.owners[interval - self.base], self.thread
            if other is thread:
                return True
            return bool(other.warp == thread.warp and thread.joined.get(other.lane, -1) >= interval)
        if interval >= self.start:
            return True
        block = self.starts[bisect.bisect_right(self.starts, interval) - 1]
        limit, own = self.acquired.get(block, (-1, ()))
        return interval < limit or interval in own

    def acquire(self, record: list[Any]) -> None:
        """An atomic operation hands on, from block to block, what was done before a fence.

        It releases what this thread fenced: all of the block's earlier epochs, and its own interval. The block as a
        whole acquires: that its other threads wait for the one that did is for the race on its answer to show.
        """
        published = self.releases.get(id(record))
        if published:
            self.acquired.update(published)
        if self.thread.fenced:
            published = self.releases.setdefault(id(record), {})
            published.update(self.acquired)
            published[self.start] = (self.base, {self.me})
