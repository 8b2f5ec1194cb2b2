"""In which order samples are drawn: samplers are iterables of indices, batch samplers of lists of indices.

With the same seed, all orders are torch's.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any

import numpy as np

from scratchnet import random
from scratchnet.autograd import Tensor


class Sampler:
    """Base class: `__iter__` gives indices; `__len__`, if defined, how many."""

    def __class_getitem__(cls, item: Any) -> type:  # Sampler[int] in type hints, as in torch
        return cls

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__} must define __iter__")


class SequentialSampler(Sampler):
    """0, 1, 2, …"""

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


def draw_seed(generator: random.Generator | None = None) -> int:
    """A seed of [0, 2⁶³), drawn as torch draws the seeds of loaders and samplers."""
    return int((generator or random.default_generator).randint(0, 2**63, ()))


class RandomSampler(Sampler):
    """A new random permutation each time, or `num_samples` independent draws with replacement.

    Parameters
    ----------
    data_source : sized
        Indices are drawn from 0 … len(data_source) - 1.
    replacement : bool
    num_samples : int, optional
        How many indices to draw; `len(data_source)` if not given. Without replacement, more than that many
        means one permutation after the other.
    generator : Generator, optional
        If not given, each iteration draws a seed from the default generator and uses a generator of its own.
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: random.Generator | None = None,
    ) -> None:
        self.data_source, self.replacement, self.generator = data_source, replacement, generator
        self._num_samples = num_samples
        _check_bool("RandomSampler", "replacement", replacement, TypeError)
        if self.num_samples == 0 and num_samples is None:
            raise ValueError("RandomSampler: the data set is empty: num_samples should be a positive integer, got 0")
        _check_count("RandomSampler", "num_samples", self.num_samples)

    @property
    def num_samples(self) -> int:
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n, count = len(self.data_source), self.num_samples
        generator = self.generator
        if generator is None:
            generator = random.Generator().manual_seed(draw_seed())
        if self.replacement:
            for start in range(0, count, 32):  # torch draws by 32: the generator's state agrees with it at any moment
                yield from generator.randint(0, n, min(32, count - start)).tolist()
            return
        for _ in range(count // n):
            yield from generator.randperm(n).tolist()
        yield from generator.randperm(n).tolist()[: count % n]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """The indices given, each once, in random order."""

    def __init__(self, indices: Sequence[int], generator: random.Generator | None = None) -> None:
        self.indices, self.generator = indices, generator

    def __iter__(self) -> Iterator[int]:
        for i in (self.generator or random.default_generator).randperm(len(self.indices)).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """Index i with a probability in proportion to `weights[i]`.

    Parameters
    ----------
    weights : sequence of float [n]
        Not negative; they need not add up to 1.
    num_samples : int
    replacement : bool
        If False, an index is drawn at most once.
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: random.Generator | None = None,
    ) -> None:
        _check_count("WeightedRandomSampler", "num_samples", num_samples)
        _check_bool("WeightedRandomSampler", "replacement", replacement, ValueError)
        self.weights = Tensor(np.asarray(weights.array if isinstance(weights, Tensor) else weights, np.float64))
        if self.weights.ndim != 1:
            raise ValueError(f"weights should be a 1d sequence but given weights have shape {self.weights.array.shape}")
        self.num_samples, self.replacement, self.generator = num_samples, replacement, generator

    def __iter__(self) -> Iterator[int]:
        generator = self.generator or random.default_generator
        yield from generator.multinomial(self.weights.array, self.num_samples, self.replacement).tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """Lists of `batch_size` indices of another sampler; a shorter last one comes too unless `drop_last`."""

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        _check_count("BatchSampler", "batch_size", batch_size)
        _check_bool("BatchSampler", "drop_last", drop_last, ValueError)
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        whole, rest = divmod(len(self.sampler), self.batch_size)  # type: ignore[arg-type]
        return whole + (rest > 0 and not self.drop_last)


def _check_count(owner: str, name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{owner}: {name} should be a positive integer, got {name}={value!r}")


def _check_bool(owner: str, name: str, value: Any, error: type[Exception]) -> None:
    if not isinstance(value, bool):
        raise error(f"{owner}: {name} should be a boolean, got {name}={value!r}")
