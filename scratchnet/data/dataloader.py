"""DataLoader: from a dataset and an order of its samples to batches."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice, repeat
from typing import Any

from scratchnet import random
from scratchnet.data.collate import default_collate, default_convert
from scratchnet.data.dataset import IterableDataset, fetch
from scratchnet.data.sampler import BatchSampler, RandomSampler, SequentialSampler, draw_seed
from scratchnet.data.worker import Job, Prefetcher

_FIXED = frozenset(("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"))
_STRIDE = 0x9E3779B9  # between epochs: far more than the number of batches, and not lost in a seed's low 32 bits


class DataLoader:
    """Batches of a dataset. With the same seed, the batches are torch's.

    Parameters
    ----------
    dataset : Dataset or IterableDataset
    batch_size : int or None
        Samples in a batch; None gives samples as they are.
    shuffle : bool, optional
        A new random order each epoch.
    sampler, batch_sampler : iterable, optional
        Of indices, or of lists of indices: another order.
    num_workers : int
        Threads that prepare batches in the background; 0 prepares each when it is asked for.
    collate_fn : callable, optional
        Makes a batch of a list of samples; `default_collate` if not given.
    drop_last : bool
        Leave out a last batch that is shorter.
    timeout : float
        Seconds to wait for a batch of a worker; 0 waits for ever.
    worker_init_fn : callable, optional
        Called in each worker with its number, at the beginning of each epoch.
    generator : Generator, optional
        Draws the order and the workers' seeds, in place of the default one.
    prefetch_factor : int, optional
        Batches that each worker prepares ahead; 2 if not given.
    in_order : bool
        False: batches of the workers come as they are ready.
    persistent_workers : bool
        Draw no new seed for the workers after the first epoch, as torch. Otherwise without effect: workers are threads,
        which start in microseconds and share the dataset.
    pin_memory, multiprocessing_context, pin_memory_device
        Accepted for torch's sake: arrays are where they are needed.

    Notes
    -----
    `state_dict()` during an epoch tells the random state the epoch's order was drawn from and how many batches were
    handed out. After `load_state_dict`, the next iteration goes on from there; samples before are not loaded again.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable | None = None,
        batch_sampler: Iterable | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: Any = None,
        generator: random.Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers, multiprocessing_context)
        self._streams = isinstance(dataset, IterableDataset)
        if self._streams:
            for name, value in (
                ("shuffle", shuffle or None),
                ("sampler", sampler),
                ("batch_sampler", batch_sampler),
            ):
                if value is not None:
                    raise ValueError(
                        f"DataLoader with IterableDataset: expected no {name} option, got {name}={value!r}"
                    )
        if sampler is not None and shuffle:
            raise ValueError("DataLoader: sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "DataLoader: batch_sampler option is mutually exclusive with "
                    "batch_size, shuffle, sampler, and drop_last"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError("DataLoader: batch_size=None disables batching and is mutually exclusive with drop_last")
        if sampler is None:
            if self._streams:
                sampler = repeat(None)
            else:
                sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.dataset, self.sampler, self.batch_sampler = dataset, sampler, batch_sampler
        self.batch_size, self.drop_last, self.generator = batch_size, drop_last, generator
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)
        self.num_workers, self.timeout, self.worker_init_fn = num_workers, timeout, worker_init_fn
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.pin_memory, self.pin_memory_device = pin_memory, pin_memory_device
        self.multiprocessing_context, self.in_order = multiprocessing_context, in_order
        self._seed: int | None = None  # of the workers' last epoch, if they persist
        self._running: weakref.ref[_Epoch] | None = None
        self._resume: dict | None = None
        self.persistent_workers = persistent_workers

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIXED and "persistent_workers" in self.__dict__:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    def __len__(self) -> int:
        """Batches in an epoch."""
        if not self._streams:
            return len(self.sampler if self.batch_sampler is None else self.batch_sampler)  # type: ignore[arg-type]
        if self.batch_size is None:
            return len(self.dataset)
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Any]:
        state, self._resume = self._resume, None
        return _Epoch(self, state)

    def _make_fetch(self) -> Callable[[Any], Any]:
        """A function from indices to a batch. Called once for each worker and epoch."""
        collate, batched = self.collate_fn, self.batch_sampler is not None
        if self._streams:
            stream = iter(self.dataset)
            return lambda wanted: collate(_take(stream, len(wanted), self.drop_last) if batched else next(stream))
        return lambda indices: _guarded(
            lambda: collate(fetch(self.dataset, indices) if batched else self.dataset[indices])
        )

    # ---- to be continued
    # -------------------------------------------------------------------------------------
    def _generators(self) -> list[random.Generator]:
        """What the order may be drawn from: the default generator, then those given to loader and sampler."""
        given = [
            self.generator,
            getattr(self.sampler, "generator", None),
            getattr(self.batch_sampler, "generator", None),
        ]
        unique = {id(g): g for g in given if isinstance(g, random.Generator) and g is not random.default_generator}
        return [random.default_generator, *unique.values()]

    def _base_seed(self) -> int:
        """For the workers of one epoch. As in torch, workers that persist draw one for their first epoch only."""
        if not self.persistent_workers:
            return draw_seed(self.generator)
        self._seed = draw_seed(self.generator) if self._seed is None else (self._seed + _STRIDE) % 2**63
        return self._seed

    def state_dict(self) -> dict[str, Any]:
        """Where this loader is. The default generator's state is to be saved beside it."""
        epoch = None if self._running is None else self._running()
        if epoch is not None and not epoch.ended:
            return dict(epoch.state)
        return {"batches": None, "random": [g.get_state() for g in self._generators()], "seed": self._seed}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Have the next iteration go on where `state` was taken."""
        if len(state["random"]) != len(self._generators()):
            raise ValueError(
                f"DataLoader: the state is of a loader with {len(state['random'])} random generators, "
                f"this one has {len(self._generators())}"
            )
        self._seed = state.get("seed")
        if state["batches"] is not None:
            self._resume = dict(state)
        else:
            _restore(self._generators()[1:], state["random"][1:])


def _restore(generators: list[random.Generator], states: list[Any]) -> None:
    for generator, state in zip(generators, states):
        generator.set_state(state)


class _Epoch:
    """One pass over a loader."""

    def __init__(self, loader: DataLoader, resume: dict | None) -> None:
        self.loader = loader
        generators = loader._generators()
        now = generators[0].get_state()
        if resume is not None:
            _restore(generators, resume["random"])
        self.state: dict[str, Any] = {"batches": 0, "random": [g.get_state() for g in generators], "seed": loader._seed}
        indices = iter(loader.sampler if loader.batch_sampler is None else loader.batch_sampler)
        base_seed = loader._base_seed()  # before the sampler's first draw, as in torch
        # The sampler draws now, not with the first batch: no random state falls between.
        indices = chain(list(islice(indices, 1)), indices)
        self.batches = self._start(indices, base_seed, 0 if resume is None else resume["batches"])
        if resume is not None:
            generators[0].set_state(now)
        self.ended = False
        loader._running = weakref.ref(self)

    def _start(self, indices: Iterator[Any], base_seed: int, skip: int) -> Iterator[Any]:
        loader = self.loader
        if not loader._streams:
            for _ in range(skip):
                next(indices, None)
        if loader.num_workers:
            job = Job(loader.dataset, loader.num_workers, base_seed, loader._make_fetch, loader.worker_init_fn)
            ahead, first = loader.prefetch_factor or 1, 0 if loader._streams else skip
            batches: Iterator[Any] = Prefetcher(job, indices, ahead, loader.timeout, loader.in_order, first)
        else:
            batches = map(loader._make_fetch(), indices)
        if loader._streams:  # a stream can only be read again
            for _ in range(skip):
                next(batches, None)
        self.state["batches"] = skip
        return batches

    def __iter__(self) -> _Epoch:
        return self

    def __next__(self) -> Any:
        try:
            batch = next(self.batches)
        except StopIteration:
            self.ended = True
            raise
        self.state["batches"] += 1
        return batch

    def __len__(self) -> int:
        return len(self.loader)


def _guarded(make: Callable[[], Any]) -> Any:
    """A StopIteration out of a dataset would end the epoch early and silently: it is an error."""
    try:
        return make()
    except StopIteration as error:
        raise RuntimeError("a dataset with __getitem__ raised StopIteration while a batch was made of it") from error


def _take(stream: Iterator[Any], n: int, drop_last: bool) -> list[Any]:
    """The next n samples of a stream, or what is left."""
    samples = [sample for _, sample in zip(range(n), stream)]
    if not samples or (drop_last and len(samples) < n):
        raise StopIteration
    return samples


def _check_workers(
    num_workers: int, timeout: float, prefetch_factor: int | None, persistent_workers: bool, context: Any
) -> None:
    if num_workers < 0:
        raise ValueError(f"DataLoader: num_workers option should be non-negative, got {num_workers}")
    if timeout < 0:
        raise ValueError(f"DataLoader: timeout option should be non-negative, got {timeout}")
    if prefetch_factor is not None and (num_workers == 0 or prefetch_factor < 0):
        raise ValueError(
            f"DataLoader: prefetch_factor={prefetch_factor} with num_workers={num_workers}: "
            "expected a non-negative number, and only with num_workers > 0"
        )
    if num_workers == 0 and persistent_workers:
        raise ValueError("DataLoader: persistent_workers option needs num_workers > 0")
    if num_workers == 0 and context is not None:
        raise ValueError("DataLoader: multiprocessing_context can only be used with num_workers > 0")
