"""What happened before what: the order that barriers, syncwarp and fences make among the threads of a launch.

Time is counted in *intervals*: what one thread does between two synchronisations. Intervals are numbered upwards
through a launch; those of the threads between two barriers of a block are one *epoch*. Everything of an earlier
epoch of the same block is ordered before everything of this one. Within an epoch two intervals are ordered if they
are of one thread, or if a chain of syncwarps leads from one to the other. Besides, whatever happened before a fence,
and an atomic operation after it, is ordered before what follows an atomic operation on the same element that comes
later, in any block: of the last block that adds up, or the next owner of a lock.
"""

from __future__ import annotations

import bisect
from typing import Any

Known = dict[int, tuple[int, frozenset[int]]]  # of a block, by its first interval: all before a limit, and some more


class Clock:
    """Which interval is now, whose it is, and what is ordered before it."""

    def __init__(self, allow_same_value: bool, watch: tuple[int, int] | None):
        self.me = self.base = self.start = 0
        self.next = 0
        self.thread: Any = None
        self.owners: list[Any] = []  # of the intervals of this epoch
        self.starts: list[int] = []  # first interval of each block that ran
        self.allow_same_value = allow_same_value
        self.watch = watch  # memory and key of the element whose accesses are written down
        self.log: list[tuple[int, int, Any, tuple[str, int]]] = []
        self.memories = 0
        self.rereads = 0  # of elements, by one thread in one interval, since it last waited

    def begin_block(self, threads: list[Any]) -> None:
        self.start = self.next
        self.starts.append(self.start)
        self.begin_epoch(threads)

    def begin_epoch(self, threads: list[Any]) -> None:
        """A barrier: all before it is ordered before all after it."""
        self.base = self.next
        for i, thread in enumerate(threads, self.base):
            thread.interval = i
            thread.joined = {}
        self.next += len(threads)
        self.owners = list(threads)
        share(threads)

    def join(self, threads: list[Any]) -> None:
        """A syncwarp: what these threads did, and knew to be done, is ordered before what they do next."""
        known: dict[int, int] = {}
        for t in threads:
            for lane, interval in t.joined.items():
                known[lane] = max(interval, known.get(lane, -1))
        for t in threads:
            known[t.lane] = t.interval
        for t in threads:
            t.joined = known
            self.new_interval(t)
        share(threads)

    def new_interval(self, thread: Any) -> None:
        thread.interval = self.next
        self.next += 1
        self.owners.append(thread)

    def ordered(self, interval: int) -> bool:
        """Whether an earlier access, not of the present interval, happened before what runs now."""
        thread = self.thread
        if self.start <= interval < self.base:
            return True
        if interval >= self.base:
            other = self.owners[interval - self.base]
            if other is thread or (other.warp == thread.warp and thread.joined.get(other.lane, -1) >= interval):
                return True
        if not thread.acquired:
            return False
        block = self.starts[bisect.bisect_right(self.starts, interval) - 1]
        limit, more = thread.acquired.get(block, (-1, frozenset()))
        return interval < limit or interval in more

    def fence(self) -> None:
        """What happened before is released by this thread's atomic operations from now on; what follows is not."""
        thread, base = self.thread, self.base
        here = frozenset(i for i in range(base, base + len(self.owners)) if self.ordered(i))
        thread.released = merged(merged(thread.released, thread.acquired), {self.start: (base, here)})
        self.new_interval(thread)
        self.me = thread.interval

    def atomic(self, published: Known | None) -> Known | None:
        """An atomic operation acquires what others released through the same element, and releases what is fenced."""
        thread = self.thread
        if published:
            thread.acquired = merged(thread.acquired, published)
        return merged(published or {}, thread.released) if thread.released else published


def merged(a: Known, b: Known) -> Known:
    both = {**a, **b}
    for block in a.keys() & b.keys():
        both[block] = (max(a[block][0], b[block][0]), a[block][1] | b[block][1])
    return both


def share(threads: list[Any]) -> None:
    """Threads that met know what each had acquired, and one may release what another fenced."""
    for what in ("acquired", "released"):
        if any(getattr(t, what) for t in threads):
            together: Known = {}
            for t in threads:
                together = merged(together, getattr(t, what))
            for t in threads:
                setattr(t, what, together)
