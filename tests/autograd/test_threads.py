"""Threads that compute and differentiate at the same time, apart and on the same parameters."""

import sys
import threading

import numpy as np

import scratchnet
from scratchnet import Tensor
from scratchnet.autograd import grad
from tests.autograd.side_by_side import leaf

THREADS = 4


def together(work):
    """Run `work(i)` in several threads that start at once; raise what any of them raises."""
    barrier, failures = threading.Barrier(THREADS, timeout=20), []

    def run(i):
        try:
            barrier.wait()
            work(i)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(THREADS)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # between any two steps of one thread, others may run
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    if failures:
        raise failures[0]


def program(i):
    x = leaf(scratchnet, np.arange(1.0, 5.0) + i)
    for _ in range(30):
        y = x * 1
        y[: i % 3].mul_(x[0])
        for _ in range(5):
            y = (y * x).sin() + y
        (g,) = grad(y.sum(), x, create_graph=True)
        (g * g).sum().backward()
    return x.grad.array


def test_separate_graphs():
    alone = [program(i) for i in range(THREADS)]
    found = [None] * THREADS

    def work(i):
        found[i] = program(i)

    together(work)
    for one, other in zip(alone, found):
        np.testing.assert_array_equal(one, other)


def test_shared_parameters_get_the_sum():
    w = Tensor(np.zeros(100_000), requires_grad=True)  # large, so that NumPy lets other threads run meanwhile
    steps = 25

    def work(i):
        for _ in range(steps):
            (w * float(i + 1)).sum().backward()

    together(work)
    np.testing.assert_array_equal(w.grad.array, np.full(w.shape, steps * sum(range(1, THREADS + 1))))


def test_a_graph_made_in_one_thread_is_walked_in_another():
    x = leaf(scratchnet)
    y = (x * x).sum()
    thread = threading.Thread(target=y.backward)
    thread.start()
    thread.join()
    assert x.grad.tolist() == [2, 4, 6]
