"""Threads cover every item once, hand on errors, and survive forks and each other."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from scratchnet import kernels
from scratchnet.kernels import parallel
from scratchnet.kernels.parallel import parallel_for


@pytest.fixture(autouse=True)
def threads(monkeypatch):
    monkeypatch.setattr(parallel, "_threads", 3)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 11, 12, 13, 1000])
@pytest.mark.parametrize("work", [0, 1, 1e9])
def test_every_item_is_treated_once(count, work):
    seen, ranges = np.zeros(count, int), []

    def loop(start, stop, array, step):
        assert 0 <= start < stop <= count
        array[start:stop] += step
        ranges.append((start, stop))

    parallel_for(loop, count, work, seen, 1)
    assert (seen == 1).all()
    assert len(ranges) <= (12 if work == 1e9 else 1)


def test_little_work_stays_on_this_thread():
    names = set()
    parallel_for(lambda start, stop: names.add(threading.get_ident()), 100, 1)
    assert names == {threading.get_ident()}


def test_much_work_is_shared():
    names, meet = set(), threading.Barrier(3, timeout=20)

    def loop(start, stop):
        if threading.get_ident() not in names:
            names.add(threading.get_ident())
            meet.wait()         # three ranges are under way at once, or this times out

    parallel_for(loop, 12, 1e9)
    assert len(names) == 3


@pytest.mark.parametrize("culprit", range(12))
def test_an_error_on_any_thread_is_raised_here_and_nobody_works_on(culprit):
    done = []

    def loop(start, stop):
        if start == culprit:
            raise ArithmeticError(start)
        done.append(start)

    with pytest.raises(ArithmeticError, match=str(culprit)):
        parallel_for(loop, 12, 1e9)
    assert culprit not in done
    parallel_for(done.extend, 0, 1e9)
    total = np.zeros(12)
    parallel_for(lambda start, stop: total.__setitem__(slice(start, stop), 1), 12, 1e9)
    assert total.all()


def test_calls_from_several_threads():
    wrong = []

    def work():
        for _ in range(50):
            seen = np.zeros(40, int)

            def loop(start, stop, seen=seen):
                seen[start:stop] += 1

            parallel_for(loop, 40, 1e9)
            if not (seen == 1).all():
                wrong.append(seen)

    others = [threading.Thread(target=work) for _ in range(4)]
    for thread in others:
        thread.start()
    for thread in others:
        thread.join()
    assert not wrong


def test_number_of_threads():
    kernels.set_num_threads(5)
    assert kernels.get_num_threads() == 5
    for wrong, error in ((0, RuntimeError), (-1, RuntimeError), (1.5, TypeError), (True, TypeError), ("2", TypeError)):
        with pytest.raises(error, match="set_num_threads"):
            kernels.set_num_threads(wrong)
    assert kernels.get_num_threads() == 5


@pytest.mark.parametrize("setting, expected", [("3", 3), ("4,2", 4), ("x", None), ("0", None), (None, None)])
def test_the_environment_sets_the_number_of_threads(setting, expected, monkeypatch):
    if setting is None:
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    else:
        monkeypatch.setenv("OMP_NUM_THREADS", setting)
    assert parallel._default_threads() == (expected or len(os.sched_getaffinity(0)))


def test_a_forked_process_has_threads_of_its_own():
    code = """
import os, numpy as np
from scratchnet.kernels import parallel
from scratchnet.kernels.parallel import parallel_for
parallel._threads = 3
def count():
    seen = np.zeros(12, int)
    def loop(start, stop): seen[start:stop] += 1
    parallel_for(loop, 12, 1e9)
    return (seen == 1).all()
assert count()
child = os.fork()
if child == 0:
    os._exit(0 if count() else 3)
assert os.waitpid(child, 0)[1] == 0 and count()
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=60)


class TestScratch:
    """Scratch memory of the threads."""

    @staticmethod
    def loop(start, stop, seen, scratch):
        seen.append(scratch)

    def lent(self, length, dtype=np.float32):
        seen = []
        parallel.parallel_for(self.loop, 1, 1, seen, scratch=(length, dtype))
        return seen[0]

    def test_has_the_length_and_dtype_asked_for_and_begins_at_a_cache_line(self):
        for length, dtype in ((0, np.float32), (5, np.float64), (100_001, np.float32)):
            array = self.lent(length, dtype)
            assert array.shape == (length,) and array.dtype == dtype
            assert array.ctypes.data % 64 == 0 or not length

    def test_is_used_again(self):
        assert np.shares_memory(self.lent(1000), self.lent(900))

    def test_a_call_within_a_call_has_its_own(self):
        seen = []

        def outer(start, stop, scratch):
            scratch[:] = 1
            parallel.parallel_for(self.loop, 1, 1, seen, scratch=(1000, np.float32))
            seen[0][:] = 2
            assert (scratch == 1).all()

        parallel.parallel_for(outer, 1, 1, scratch=(1000, np.float32))
        assert len(seen) == 1

    def test_no_more_is_kept_than_the_limit(self):
        before = parallel.get_workspace_limit()
        try:
            parallel.set_workspace_limit(4096)
            self.lent(1 << 16)
            assert len(parallel._workspace.buffer) <= 4096
        finally:
            parallel.set_workspace_limit(before)

    def test_is_given_back_after_an_error(self):
        def fail(start, stop, scratch):
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            parallel.parallel_for(fail, 1, 1, scratch=(10, np.float32))
        assert parallel._workspace.buffer is not None

    @pytest.mark.parametrize("size", [-1, 1.5, "1"])
    def test_limits_that_are_none_are_refused(self, size):
        with pytest.raises(ValueError, match="set_workspace_limit: expected a number of bytes"):
            parallel.set_workspace_limit(size)
