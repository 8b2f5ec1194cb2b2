"""The loader: torch's batches from the same seed, and going on in the middle of an epoch."""

import numpy as np
import pytest
import torch
import torch.utils.data as theirs
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
import scratchnet.data as ours
from scratchnet import Tensor
from scratchnet.data.worker import current_generator

SEEDS = st.integers(0, 2**32)


def numbers(lib, n):
    make = Tensor if lib is ours else torch.from_numpy
    return lib.TensorDataset(make(np.arange(n)), make(np.arange(2.0 * n).reshape(n, 2)))


def plain(batches):
    return [[x.array.tolist() if isinstance(x, Tensor) else x.tolist() for x in batch] for batch in batches]


class Noisy(ours.Dataset):
    """Samples with a random number each, as augmentation draws them."""

    def __init__(self, n):
        self.n = n

    def __getitem__(self, i):
        return i, float(current_generator().uniform((), np.float64))

    def __len__(self):
        return self.n


class Stream(ours.IterableDataset):
    """0 … n-1, shared out over the workers."""

    def __init__(self, n):
        self.n = n

    def __iter__(self):
        info = ours.get_worker_info()
        start, step = (0, 1) if info is None else (info.id, info.num_workers)
        return iter(range(start, self.n, step))

    def __len__(self):
        return self.n


@given(SEEDS, st.integers(1, 30), st.integers(1, 9), st.booleans(), st.booleans(), st.integers(0, 2))
def test_batches_of_two_epochs_are_torchs(seed, n, size, drop_last, own_generator, workers):
    epochs = []
    for library, lib in ((scratchnet, ours), (torch, theirs)):
        library.manual_seed(seed)
        loader = lib.DataLoader(
            numbers(lib, n),
            size,
            shuffle=True,
            drop_last=drop_last,
            generator=library.Generator().manual_seed(seed + 1) if own_generator else None,
            num_workers=workers if lib is ours else 0,
        )
        epochs.append([plain(loader), plain(loader), len(loader)])
    assert epochs[0] == epochs[1]


def test_workers_that_persist_draw_one_seed():
    """The orders of three epochs are torch's, and what the workers draw is new in each."""
    orders = []
    for library, lib in ((scratchnet, ours), (torch, theirs)):
        library.manual_seed(3)
        loader = lib.DataLoader(range(12), 4, shuffle=True, num_workers=1, persistent_workers=True)
        orders.append([[batch.tolist() for batch in loader] for _ in range(3)])
    assert orders[0] == orders[1]
    noisy = ours.DataLoader(Noisy(6), 3, num_workers=2, persistent_workers=True)
    first, saved = [plain(noisy)], noisy.state_dict()
    rest = [plain(noisy), plain(noisy)]
    assert first[0] != rest[0] != rest[1]
    again = ours.DataLoader(Noisy(6), 3, num_workers=2, persistent_workers=True)
    again.load_state_dict(saved)
    assert [plain(again), plain(again)] == rest


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_size": None},
        {"batch_size": 4, "sampler": [3, 1, 1, 0, 6, 2]},
        {"batch_sampler": [[3, 1], [1], [0, 6, 2]]},
        {"batch_size": None, "sampler": [4, 2]},
        {"batch_size": 3, "collate_fn": lambda samples: [sum(int(x[0]) for x in samples)]},
    ],
)
def test_ways_to_batch_are_torchs(options, workers):
    def collected(lib, **more):
        loader = lib.DataLoader(numbers(lib, 7), **options, **more)
        return [str([np.asarray(getattr(x, "array", x)).tolist() for x in b]) for b in loader], len(loader)

    assert collected(ours, num_workers=workers) == collected(theirs)


@pytest.mark.parametrize("size, drop_last", [(3, False), (3, True), (None, False), (5, True)])
def test_streams(size, drop_last):
    def collected(lib, base):
        cls = type("Stream", (base,), {"__iter__": lambda self: iter(range(10)), "__len__": lambda self: 10})
        loader = lib.DataLoader(cls(), size, drop_last=drop_last)
        batches = [x if isinstance(x, int) else np.asarray(getattr(x, "array", x)).tolist() for x in loader]
        return batches, len(loader)

    assert collected(ours, ours.IterableDataset) == collected(theirs, theirs.IterableDataset)


# ---- going on --------------------------------------------------------------------------------------------


def make_loader(kind, workers):
    generator = scratchnet.Generator().manual_seed(5)
    options = {
        "shuffled": dict(batch_size=3, shuffle=True),
        "own generator": dict(batch_size=3, shuffle=True, generator=generator),
        "replacement": dict(batch_size=3, sampler=ours.RandomSampler(range(20), True, 70, generator)),
        "weighted": dict(batch_size=3, sampler=ours.WeightedRandomSampler(np.arange(20.0), 20)),
        "subset": dict(batch_size=3, sampler=ours.SubsetRandomSampler(range(18))),
    }
    if kind == "stream":
        return ours.DataLoader(Stream(20), 3, num_workers=workers)
    return ours.DataLoader(Noisy(20), num_workers=workers, **options[kind])


@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize("kind", ["shuffled", "own generator", "replacement", "weighted", "subset", "stream"])
@given(seed=SEEDS, stop=st.integers(0, 6))
def test_resumes_in_the_middle_of_an_epoch(kind, workers, seed, stop):
    """Interrupted in the second epoch, it goes on with the same batches and the same random numbers."""
    scratchnet.manual_seed(seed)
    loader = make_loader(kind, workers)
    batches = plain_or_not(loader)
    epoch = iter(loader)
    before = [next(epoch) for _ in range(stop)]
    state, random_state = loader.state_dict(), scratchnet.get_rng_state()
    after = plain_or_not(epoch), plain_or_not(loader)  # the rest of this epoch, and all of the next

    scratchnet.manual_seed(seed + 1)
    again = make_loader(kind, workers)
    if again.generator is not None:
        again.generator.manual_seed(99)
    scratchnet.set_rng_state(random_state)
    again.load_state_dict(state)
    assert (plain_or_not(again), plain_or_not(again)) == after
    assert len(before) + len(after[0]) == len(batches)


def plain_or_not(batches):
    return [[x.array.tolist() for x in batch] if isinstance(batch, list) else batch.array.tolist() for batch in batches]


def test_resumes_between_epochs_with_its_own_generator():
    loader = make_loader("own generator", 0)
    list(loader)
    state, random_state = loader.state_dict(), scratchnet.get_rng_state()
    expected = plain(loader)
    again = make_loader("own generator", 0)
    scratchnet.set_rng_state(random_state)
    again.load_state_dict(state)
    assert plain(again) == expected


def test_an_abandoned_epoch_is_not_resumed():
    loader = make_loader("shuffled", 0)
    for _ in loader:
        break
    assert loader.state_dict()["batches"] is None


def test_a_state_of_another_loader_is_refused():
    with pytest.raises(ValueError, match="1 random generators, this one has 2"):
        make_loader("own generator", 0).load_state_dict(make_loader("shuffled", 0).state_dict())


# ---- refusals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        dict(batch_size=0),
        dict(batch_size=2.0),
        dict(num_workers=-1),
        dict(timeout=-1),
        dict(prefetch_factor=2),
        dict(num_workers=1, prefetch_factor=-1),
        dict(persistent_workers=True),
        dict(multiprocessing_context="spawn"),
        dict(shuffle=True, sampler=[1]),
        dict(batch_sampler=[[1]], batch_size=2),
        dict(batch_sampler=[[1]], shuffle=True),
        dict(batch_sampler=[[1]], drop_last=True),
        dict(batch_size=None, drop_last=True),
        dict(dataset=[], shuffle=True),
    ],
)
def test_refuses_what_torch_refuses(options):
    options = {"dataset": range(3), **options}
    with pytest.raises(Exception) as expected:
        theirs.DataLoader(**options)
    with pytest.raises(expected.type):
        ours.DataLoader(**options)


@pytest.mark.parametrize("options", [dict(shuffle=True), dict(sampler=[1]), dict(batch_sampler=[[1]])])
def test_a_stream_has_no_order_to_choose(options):
    with pytest.raises(ValueError, match="DataLoader with IterableDataset"):
        ours.DataLoader(Stream(3), **options)


def test_settings_are_fixed():
    loader = ours.DataLoader(range(3))
    with pytest.raises(ValueError, match="batch_size attribute should not be set"):
        loader.batch_size = 2
    loader.timeout = 3  # as in torch


def test_an_empty_dataset_in_order_gives_no_batches():
    loader = ours.DataLoader(ours.TensorDataset(Tensor(np.zeros((0, 2)))), 4)
    assert list(loader) == [] and len(loader) == 0


def test_stop_iteration_in_a_dataset_is_an_error_not_the_end():
    class Bad(ours.Dataset):
        def __getitem__(self, i):
            raise StopIteration

        def __len__(self):
            return 3

    for workers in (0, 1):
        with pytest.raises(RuntimeError, match="raised StopIteration"):
            list(ours.DataLoader(Bad(), num_workers=workers))
