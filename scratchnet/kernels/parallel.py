"""Threads for compiled loops: ``parallel_for(loop, count, work, *args)``.

A loop takes ``start, stop`` first and treats the items of that range; several Python threads call it, which
run side by side because compiled loops let go of Python's lock.  Compared with Numba's ``prange`` the loops
compile in half the time, any number of threads may call kernels, and a process may fork.

What an item computes must not depend on the ranges, so that results do not depend on the number of threads.
"""

from __future__ import annotations

import os
import queue
import threading
from typing import Any

import numpy as np

_SPLIT = 4                  # ranges a thread: a late thread takes fewer
_MIN_WORK = 400_000         # operations worth handing to another thread, some 100 µs: one that sleeps takes half of that to wake


def _default_threads() -> int:
    requested = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if requested.isdigit() and int(requested) > 0:
        return int(requested)
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


class _Task:
    """One parallel_for call: threads take ranges from it until none is left."""

    def __init__(self, loop, count: int, step: int, args: tuple, scratch: tuple | None):
        self._loop, self._count, self._step, self._args, self._scratch = loop, count, step, args, scratch
        self._starts = iter(range(0, count, step))          # taking the next one is atomic
        self._changed, self._helping, self._closed = threading.Condition(), 0, False
        self.error: BaseException | None = None

    def work(self):
        with _Scratch(self._scratch) as scratch:
            for start in self._starts:
                self._loop(start, min(start + self._step, self._count), *self._args, *scratch)

    def help(self):
        with self._changed:
            if self._closed:                # the helper woke up when all was done
                return
            self._helping += 1
        try:
            self.work()
        except BaseException as error:
            self.error = error
        with self._changed:
            self._helping -= 1
            self._changed.notify()

    def close(self):
        """Return when nobody is at work any more, and nobody will be."""
        with self._changed:
            self._closed = True
            while self._helping:
                self._changed.wait()


class _Pool:
    def __init__(self):
        self.tasks: queue.SimpleQueue[_Task] = queue.SimpleQueue()
        self.size = 0
        self.lock = threading.Lock()

    def grow(self, size: int):
        with self.lock:
            while self.size < size:
                threading.Thread(target=self._serve, name=f"kernels-{self.size}", daemon=True).start()
                self.size += 1

    def _serve(self):
        while True:
            self.tasks.get().help()


_threads = _default_threads()
_pool = _Pool()


def _start_anew():
    global _pool
    _pool = _Pool()


if hasattr(os, "register_at_fork"):         # threads do not survive a fork: the child starts its own
    os.register_at_fork(after_in_child=_start_anew)


def get_num_threads() -> int:
    """The number of threads that kernels use."""
    return _threads


def set_num_threads(count: int) -> None:
    """Use this many threads in kernels; at first the cores of the process, or ``OMP_NUM_THREADS``."""
    global _threads
    if not isinstance(count, int) or isinstance(count, bool):
        raise TypeError(f"set_num_threads: expected an int, got {type(count).__name__}")
    if count < 1:
        raise RuntimeError(f"set_num_threads: expected a positive number of threads, got {count}")
    _threads = count


def parallel_for(loop, count: int, work: float, *args: Any, scratch: tuple[int, Any] | None = None) -> None:
    """Call ``loop(start, stop, *args)`` on disjoint ranges that cover range(count), on all threads.

    Parameters
    ----------
    work : operations per item, roughly; small loops stay on the calling thread.
    scratch : (length, dtype) of an array that each thread has for itself, the last argument of the loop.
        It is used again by later calls, and holds anything at first.
    """
    if scratch is None and 0 < count * max(work, 1) <= _MIN_WORK:        # the quick way for little work
        loop(0, count, *args)
        return
    step = max(-(-count // (_SPLIT * _threads)), int(_MIN_WORK / max(work, 1)), 1)
    helpers = min(_threads, -(-count // step)) - 1
    if helpers < 1:
        if count > 0:
            with _Scratch(scratch) as arrays:
                loop(0, count, *args, *arrays)
        return
    _pool.grow(helpers)
    task = _Task(loop, count, step, args, scratch)
    for _ in range(helpers):
        _pool.tasks.put(task)
    try:
        task.work()
    finally:
        task.close()                # whatever happens here, nobody writes into the arrays afterwards
    if task.error is not None:
        raise task.error


class _Workspace(threading.local):
    """What a thread keeps from one call to the next."""

    buffer: np.ndarray | None = np.empty(0, np.uint8)       # None while it is in use


_workspace = _Workspace()
_workspace_limit = 64 << 20
_ALIGNMENT = 64                     # bytes: a cache line, and the widest vector


def set_workspace_limit(size: int) -> None:
    """Keep at most this many bytes of scratch memory in each thread (64 MiB at first); larger ones are freed after use."""
    global _workspace_limit
    if not isinstance(size, int) or size < 0:
        raise ValueError(f"set_workspace_limit: expected a number of bytes, at least 0, got {size!r}")
    _workspace_limit = size


def get_workspace_limit() -> int:
    """The bytes of scratch memory that each thread keeps at most."""
    return _workspace_limit


def _aligned(size: int) -> np.ndarray:
    """Bytes that begin at the beginning of a cache line."""
    whole = np.empty(size + _ALIGNMENT, np.uint8)
    start = -whole.ctypes.data % _ALIGNMENT
    return whole[start:start + size]


class _Scratch:
    """Lends this thread's scratch memory: a tuple of one array, or of none."""

    def __init__(self, wanted: tuple[int, Any] | None):
        self._wanted = wanted

    def __enter__(self) -> tuple:
        if self._wanted is None:
            return ()
        length, dtype = self._wanted
        size = length * np.dtype(dtype).itemsize
        buffer, _workspace.buffer = _workspace.buffer, None
        self._nested = buffer is None
        if buffer is None or len(buffer) < size:        # in use further up, or too small
            buffer = _aligned(size)
        self._buffer = buffer
        return (buffer[:size].view(dtype),)

    def __exit__(self, *error: object) -> None:
        if self._wanted is not None and not self._nested:
            _workspace.buffer = self._buffer if len(self._buffer) <= _workspace_limit else np.empty(0, np.uint8)
