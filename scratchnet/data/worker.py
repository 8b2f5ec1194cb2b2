"""Background prefetch: threads that make batches while the consumer computes.

    consumer ──(number, indices)─▶ tasks of a worker ─▶ fetch ──(number, batch)─▶ result queue ──▶ consumer

NumPy and compiled kernels release Python's lock while they work, so threads overlap with training, share the
dataset without copying it, and start in microseconds. The consumer alone draws indices, deals tasks out in
turn, and puts results in order.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from scratchnet import random


@dataclass(frozen=True)
class WorkerInfo:
    """What `get_worker_info()` tells inside a worker."""

    id: int
    num_workers: int
    seed: int
    dataset: Any
    generator: random.Generator

    def __str__(self) -> str:
        return f"WorkerInfo(id={self.id}, num_workers={self.num_workers}, seed={self.seed})"


_local = threading.local()


def get_worker_info() -> WorkerInfo | None:
    """In a worker thread: its number, how many there are, its seed, dataset and generator. Elsewhere None."""
    return getattr(_local, "info", None)


def current_generator() -> random.Generator:
    """The generator that random transforms draw from: the worker's own, or the default one outside workers.

    A worker's generator is seeded anew for each batch, with the loader's base seed plus the batch's number.
    So a batch does not depend on how many workers there are, nor on how the threads take turns.
    """
    info = get_worker_info()
    return random.default_generator if info is None else info.generator


END = object()  # in place of a batch: this worker's stream has ended


class Failure:
    """In place of a batch: what the worker raised."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


@dataclass(frozen=True)
class Job:
    """What the workers of one epoch have in common."""

    dataset: Any
    num_workers: int
    base_seed: int
    make_fetch: Callable[[], Callable[[Any], Any]]
    worker_init_fn: Callable[[int], Any] | None


def _work(worker: int, job: Job, tasks: queue.SimpleQueue, results: queue.SimpleQueue) -> None:
    """The body of a worker thread. It knows only queues: an abandoned iterator is freed, and says stop."""
    generator = random.Generator()
    _local.info = WorkerInfo(worker, job.num_workers, job.base_seed + worker, job.dataset, generator)
    fetch: Callable[[Any], Any] | None = None
    start: Failure | None = None
    try:
        generator.manual_seed((job.base_seed + worker) % 2**64)
        if job.worker_init_fn is not None:
            job.worker_init_fn(worker)
        fetch = job.make_fetch()
    except BaseException as error:
        start = Failure(error)
    while (task := tasks.get()) is not None:
        number, indices = task
        generator.manual_seed((job.base_seed + number) % 2**64)
        try:
            # A worker that could not start says so with its first batch, and has no more.
            result = (start or END) if fetch is None else fetch(indices)
        except StopIteration:
            result = END
        except BaseException as error:
            error.add_note(f"(raised in worker thread {worker} of a DataLoader, while it made batch {number})")
            result = Failure(error)
        results.put((number, result))
        start = task = result = indices = None  # neither a batch nor an error is kept while waiting


class Prefetcher:
    """Iterates over batches made by threads, in the order of their indices unless `in_order` is False."""

    def __init__(
        self, job: Job, indices: Iterator[Any], ahead: int, timeout: float, in_order: bool, first: int = 0
    ) -> None:
        self.indices, self.timeout, self.in_order = indices, timeout or None, in_order
        self.results: queue.SimpleQueue = queue.SimpleQueue()
        self.tasks: list[queue.SimpleQueue] = [queue.SimpleQueue() for _ in range(job.num_workers)]
        self.threads = [
            threading.Thread(
                target=_work, args=(i, job, tasks, self.results), daemon=True, name=f"DataLoader worker {i}"
            )
            for i, tasks in enumerate(self.tasks)
        ]
        self.given: dict[int, int] = {}  # numbers of the batches that are being made, and by which worker
        self.ready: dict[int, Any] = {}  # results that came before their turn
        self.running = set(range(job.num_workers))
        self.sent, self.turn = first, 0
        for thread in self.threads:
            thread.start()
        for _ in range(ahead * job.num_workers):
            self._send()

    def _send(self) -> None:
        """Deal the next batch to the next worker whose stream has not ended."""
        if not self.running:
            return
        indices = next(self.indices, None)
        if indices is None:
            return
        while self.turn not in self.running:
            self.turn = (self.turn + 1) % len(self.tasks)
        self.given[self.sent] = self.turn
        self.tasks[self.turn].put((self.sent, indices))
        self.turn = (self.turn + 1) % len(self.tasks)
        self.sent += 1

    def __iter__(self) -> Prefetcher:
        return self

    def __next__(self) -> Any:
        while self.given:
            number = next(iter(self.given if self.in_order or not self.ready else self.ready))
            while number not in self.ready:
                try:
                    arrived, result = self.results.get(timeout=self.timeout)
                except queue.Empty:
                    self.close(wait=False)
                    raise RuntimeError(
                        f"DataLoader timed out after {self.timeout} seconds waiting for a batch"
                    ) from None
                self.ready[arrived] = result
                if not self.in_order:
                    number = arrived
            result, worker = self.ready.pop(number), self.given.pop(number)
            if result is END:
                self.running.discard(worker)
                self._send()
                continue
            self._send()
            if not isinstance(result, Failure):
                return result
            try:
                raise result.error
            finally:
                del result  # or the error would keep this frame, and the frame the error
        self.close()
        raise StopIteration

    def close(self, wait: bool = True) -> None:
        """Have the threads end, after the batch each is at; `wait` for that."""
        self.given.clear()
        for tasks in self.tasks:
            tasks.put(None)
        if wait:
            for thread in self.threads:
                thread.join()

    def __del__(self) -> None:
        if hasattr(self, "threads"):
            self.close(wait=False)
