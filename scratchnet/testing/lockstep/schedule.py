"""The threads of one block: each a greenlet that runs until it has to wait, in random order."""

from __future__ import annotations

import contextvars
import importlib
from collections import deque
from types import CodeType
from typing import Any

from scratchnet.testing.lockstep.clock import Known
from scratchnet.testing.lockstep.errors import Deadlock, DivergentBarrier, Failure, KernelError, WarpMask
from scratchnet.testing.lockstep.namespace import BARRIER, PAUSE, Dim3

SPIN_LIMIT = 200_000


def greenlets() -> Any:
    try:
        return importlib.import_module("greenlet")
    except ImportError as missing:
        raise ImportError("the simulator runs each CUDA thread in a greenlet: pip install greenlet") from missing


class Thread:
    """A thread of a block, between its first instruction and its return."""

    def __init__(self, tid: int, block: Dim3, size: Dim3, greenlet: Any):
        self.tid, self.block, self.greenlet = tid, block, greenlet
        self.warp, self.lane = divmod(tid, 32)
        self.index = Dim3(tid % size.x, tid // size.x % size.y, tid // (size.x * size.y))
        self.interval = 0  # see memory: what this thread does now
        self.joined: dict[int, int] = {}  # up to which interval of each lane of the warp is before it
        self.acquired: Known = {}  # what fences and atomic operations ordered before it
        self.released: Known = {}  # what its atomic operations pass on
        self.request: tuple[Any, ...] = ()
        self.answer: Any = None

    def __str__(self) -> str:
        return f"thread {tuple(self.index)} of block {tuple(self.block)}"


class Block:
    """Runs the threads of one block to their end."""

    def __init__(self, run: Any, call: Any, index: Dim3):
        self.run, self.cuda, self.clock, self.rng = run, run.cuda, run.clock, run.rng
        self.cuda.blockIdx = index
        self.count = run.block.x * run.block.y * run.block.z
        greenlet = greenlets().greenlet
        context = contextvars.copy_context()
        self.threads = []
        for tid in range(self.count):
            own = greenlet(call, run.hub)
            own.gr_context = context.copy()  # NumPy keeps in it that overflow is not worth a warning
            self.threads.append(Thread(tid, index, run.block, own))
        self.ready = deque(self.threads[i] for i in run.order())
        self.at_barrier: list[Thread] = []
        self.warps: dict[tuple[int, str, int], list[Thread]] = {}
        self.clock.begin_block(self.threads)

    def execute(self) -> None:
        clock, cuda, ready, at_barrier = self.clock, self.cuda, self.ready, self.at_barrier
        while True:
            while ready:
                thread = ready.popleft()
                clock.thread, clock.me, cuda.threadIdx = thread, thread.interval, thread.index
                clock.rereads = 0
                thread.greenlet.switch(thread.answer)
                if thread.greenlet.dead:
                    self.run.spins = 0
                elif thread.request[0] is BARRIER:
                    at_barrier.append(thread)
                elif thread.request[0] is PAUSE:
                    ready.append(thread)
                else:
                    self.gather(thread)
            if len(at_barrier) == self.count:
                self.release_barrier()
            elif at_barrier or self.warps:
                raise self.stuck()
            else:
                return

    def release_barrier(self) -> None:
        first = self.at_barrier[0]
        for thread in self.at_barrier:
            if thread.request[2] != first.request[2]:
                text = f"{first} waits {at(first)}, and {thread} {at(thread)}: two different barriers"
                raise self.error(DivergentBarrier, text, first, thread)
        votes = sum(bool(t.request[3]) for t in self.at_barrier)
        for thread in self.at_barrier:
            thread.answer = votes
        self.clock.begin_epoch(self.threads)
        self.run.barriers += 1
        self.run.spins = 0
        self.ready.extend(self.threads[i] for i in self.run.order())
        self.at_barrier.clear()

    def gather(self, thread: Thread) -> None:
        """A thread came to a warp operation: when all lanes of its mask have, they go on with each other's values."""
        _, operation, mask, _ = thread.request
        key = (thread.warp, operation, mask)
        group = self.warps.setdefault(key, [])
        group.append(thread)
        lanes = min(32, self.count - 32 * thread.warp)  # that the block has
        if len(group) < (mask & (1 << lanes) - 1).bit_count():
            return
        values = {t.lane: t.request[3] for t in group}
        if operation == "syncwarp":
            self.clock.join(group)
        for lane in group:
            lane.answer = values
        del self.warps[key]
        self.run.warp_operations += 1
        self.run.spins = 0
        self.rng.shuffle(group)
        (self.ready.extend if self.rng.random() < 0.5 else self.ready.extendleft)(group)

    def named(self, warp: int, mask: int) -> list[Thread]:
        """The threads whose lanes a mask names, of those that the block has."""
        return [t for t in self.threads[32 * warp : 32 * (warp + 1)] if mask >> t.lane & 1]

    def stuck(self) -> KernelError:
        """No thread can go on: who waits, and for whom."""
        if not self.warps:
            first = self.at_barrier[0]
            other = next(t for t in self.threads if t.greenlet.dead)
            text = f"{len(self.at_barrier)} of {self.count} threads wait {at(first)}, the others have returned"
            return self.error(DivergentBarrier, f"{text}, {other} among them", first, other)
        (warp, operation, mask), group = next(iter(self.warps.items()))
        missing = [t for t in self.named(warp, mask) if t not in group]
        gone = [t for t in missing if t.greenlet.dead]
        other = (gone or missing)[0]
        what = "has returned" if gone else f"waits {at(other)}"
        lanes = ", ".join(str(t.lane) for t in missing)
        text = f"{group[0]} waits in {operation} with mask {mask:#010x} for lanes {lanes} of its warp: {other} {what}"
        return self.error(WarpMask if gone else Deadlock, text, group[0], other)

    def error(self, kind: type[KernelError], text: str, *threads: Thread) -> KernelError:
        error = kind(text, threads=threads)
        error.locate(threads[0].greenlet.gr_frame)
        return error


def at(thread: Thread) -> str:
    """Where a thread waits."""
    if thread.request[0] is not BARRIER:
        return f"in {thread.request[1]} with mask {thread.request[2]:#010x}"
    code: CodeType = thread.request[2][0]
    line = next(n for start, stop, n in code.co_lines() if start <= thread.request[2][1] < stop)
    return f"at {thread.request[1]} in line {line}"


def guarded(function: Any, args: tuple[Any, ...]) -> Any:
    """The call that a thread makes: exceptions of Python's become the simulator's."""

    def call(_: Any) -> None:
        try:
            function(*args)
        except KernelError:
            raise
        except Exception as cause:
            failure = Failure(f"{type(cause).__name__}: {cause}")
            traceback = cause.__traceback__
            while traceback is not None and traceback.tb_next is not None:
                traceback = traceback.tb_next
            failure.locate(traceback.tb_frame if traceback else None)
            raise failure from cause

    return call
