"""Prefetch on threads: order, errors, shutdown."""

import gc
import threading
import time
import traceback

import numpy as np
import pytest

import scratchnet
import scratchnet.data as data
from scratchnet.data.worker import current_generator


class Slow(data.Dataset):
    """Even samples take longer, so that workers overtake each other."""

    def __init__(self, n=24):
        self.n, self.seen = n, []

    def __getitem__(self, i):
        self.seen.append(i)
        time.sleep(0.002 * (i % 2 == 0))
        return i

    def __len__(self):
        return self.n


def workers():
    return [thread for thread in threading.enumerate() if thread.name.startswith("DataLoader worker")]


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.001)
    assert condition()


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    gc.collect()  # an error that a test caught holds the iterator
    wait_until(lambda: not workers())


@pytest.mark.parametrize("n", [1, 2, 5])
def test_order_is_kept(n):
    assert [int(x.array[0]) for x in data.DataLoader(Slow(), 1, num_workers=n)] == list(range(24))
    assert not workers()


def test_out_of_order_gives_all_batches_too():
    batches = [int(x.array[0]) for x in data.DataLoader(Slow(), 1, num_workers=3, in_order=False)]
    assert sorted(batches) == list(range(24))


def test_random_numbers_do_not_depend_on_the_number_of_workers():
    class Noise(Slow):
        def __getitem__(self, i):
            super().__getitem__(i)
            return float(current_generator().uniform((), np.float64))

    def epoch(n):
        scratchnet.manual_seed(3)
        return [x.array.tolist() for x in data.DataLoader(Noise(), 2, num_workers=n)]

    assert epoch(1) == epoch(2) == epoch(3)


def test_prefetch_factor_bounds_what_is_prepared_ahead():
    dataset = Slow()
    batches = iter(data.DataLoader(dataset, 1, num_workers=2, prefetch_factor=3))
    wait_until(lambda: len(dataset.seen) == 6)
    time.sleep(0.02)
    assert len(dataset.seen) == 6
    next(batches)
    wait_until(lambda: len(dataset.seen) == 7)


def test_the_error_of_a_worker_comes_with_its_own_traceback():
    class Broken(Slow):
        def __getitem__(self, i):
            return self.divide(i)

        def divide(self, i):
            return 1 / (i - 5)

    batches = iter(data.DataLoader(Broken(), 1, num_workers=2))
    for _ in range(5):
        next(batches)
    with pytest.raises(ZeroDivisionError) as caught:
        next(batches)
    text = "".join(traceback.format_exception(caught.value))
    assert "in divide" in text
    assert "raised in worker thread 1 of a DataLoader, while it made batch 5" in text
    assert len(list(batches)) == 18  # the others are there, as in torch


def test_an_error_in_worker_init_fn_reaches_the_consumer():
    def fail(worker):
        raise OSError(f"no database for worker {worker}")

    with pytest.raises(OSError, match="no database for worker 0"):
        next(iter(data.DataLoader(Slow(), num_workers=2, worker_init_fn=fail)))


def test_worker_info():
    infos = {}

    def note(worker):
        infos[worker] = data.get_worker_info()

    dataset = Slow()
    list(data.DataLoader(dataset, 4, num_workers=3, worker_init_fn=note))
    assert sorted(infos) == [0, 1, 2]
    assert all(info.id == i and info.num_workers == 3 and info.dataset is dataset for i, info in infos.items())
    assert infos[2].seed - infos[0].seed == 2
    assert data.get_worker_info() is None


@pytest.mark.parametrize("drop_last", [False, True])
def test_streams_of_different_lengths(drop_last):
    class Uneven(data.IterableDataset):
        def __iter__(self):
            worker = data.get_worker_info().id
            return iter(range(100 * worker, 100 * worker + (7, 1, 4)[worker]))

    loader = data.DataLoader(Uneven(), 2, num_workers=3, drop_last=drop_last)
    batches = [x.array.tolist() for x in loader]
    whole = [[0, 1], [200, 201], [2, 3], [202, 203], [4, 5]]
    rest = [[100], [6]]
    assert [b for b in batches if len(b) == 2] == whole
    assert [b for b in batches if len(b) == 1] == ([] if drop_last else rest)


def test_an_abandoned_iterator_ends_its_threads():
    for _ in data.DataLoader(Slow(), 1, num_workers=3):
        break


def test_timeout():
    class Stuck(Slow):
        def __getitem__(self, i):
            release.wait(5)
            return i

    release = threading.Event()
    with pytest.raises(RuntimeError, match=r"timed out after 0\.02 seconds"):
        next(iter(data.DataLoader(Stuck(), num_workers=1, timeout=0.02)))
    release.set()
