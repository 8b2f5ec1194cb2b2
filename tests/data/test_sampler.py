"""Every order against torch's from the same seed, and where the random stream stands afterwards."""

import pytest
import torch
import torch.utils.data as theirs
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
import scratchnet.data as ours

SEEDS = st.integers(0, 2**32)


def both(seed, make):
    """The orders of two epochs, ours and torch's, and the next random number of each library."""
    results = []
    for library, data in ((scratchnet, ours), (torch, theirs)):
        library.manual_seed(seed)
        sampler = make(data, library.Generator().manual_seed(seed + 1))
        orders = [list(sampler), list(sampler)], len(sampler)
        results.append((orders, int(draw(library))))
    return results


def draw(library):
    if library is torch:
        return torch.randint(0, 2**40, ())
    return scratchnet.default_generator.randint(0, 2**40, ())


@given(SEEDS, st.integers(1, 70), st.booleans(), st.booleans(), st.data())
def test_random_sampler_is_torchs(seed, n, replacement, own_generator, data):
    count = data.draw(st.none() | st.integers(1, 3 * n + 40))

    def make(library, generator):
        return library.RandomSampler(range(n), replacement, count, generator if own_generator else None)

    a, b = both(seed, make)
    assert a == b


@given(SEEDS, st.lists(st.integers(-5, 5), max_size=20), st.booleans())
def test_subset_random_sampler_is_torchs(seed, indices, own_generator):
    a, b = both(seed, lambda lib, g: lib.SubsetRandomSampler(indices, g if own_generator else None))
    assert a == b


@given(SEEDS, st.lists(st.floats(0.1, 4), min_size=1, max_size=9), st.integers(2, 40), st.booleans())
def test_weighted_random_sampler_is_torchs(seed, weights, count, own_generator):
    a, b = both(seed, lambda lib, g: lib.WeightedRandomSampler(weights, count, True, g if own_generator else None))
    assert a == b


def test_weighted_without_replacement_draws_each_once_and_prefers_heavy_ones():
    weights = [1, 0, 1, 100, 1]
    sampler = ours.WeightedRandomSampler(weights, 4, replacement=False)
    orders = [list(sampler) for _ in range(50)]
    assert all(sorted(order) == [0, 2, 3, 4] for order in orders)
    assert sum(order[0] == 3 for order in orders) > 40


@given(st.integers(0, 20), st.integers(1, 7), st.booleans())
def test_batch_sampler_is_torchs(n, size, drop_last):
    a, b = (lib.BatchSampler(lib.SequentialSampler(range(n)), size, drop_last) for lib in (ours, theirs))
    assert list(a) == list(b)
    assert len(a) == len(b)


@pytest.mark.parametrize(
    "make",
    [
        lambda lib: lib.RandomSampler([]),
        lambda lib: lib.RandomSampler(range(3), num_samples=0),
        lambda lib: lib.RandomSampler(range(3), num_samples=2.0),
        lambda lib: lib.RandomSampler(range(3), replacement=1),
        lambda lib: lib.WeightedRandomSampler([[1.0]], 1),
        lambda lib: lib.WeightedRandomSampler([1.0], True),
        lambda lib: lib.WeightedRandomSampler([1.0], 1, replacement=0),
        lambda lib: lib.BatchSampler(range(3), 0, False),
        lambda lib: lib.BatchSampler(range(3), 2, None),
        lambda lib: list(lib.WeightedRandomSampler([1.0, 2.0], 3, replacement=False)),
        lambda lib: list(lib.WeightedRandomSampler([-1.0, 2.0], 3)),
        lambda lib: iter(lib.Sampler()),
    ],
)
def test_refuses_what_torch_refuses(make):
    with pytest.raises(Exception) as expected:
        make(theirs)
    with pytest.raises(expected.type):
        make(ours)
