"""What holds of every kernel: the compiled twin does what the reference does, whatever the layout and the threads."""

import inspect
import threading

import numpy as np
import pytest

from scratchnet import kernels
from scratchnet.kernels import jit, parallel
from scratchnet.kernels.registry import dense, kernel
from tests.kernels.calls import (
    CALLS,
    IN_PLACE,
    KERNELS,
    arguments,
    assert_close,
    copies,
    guarded_allocations,
    kernel_of,
    results,
)
from tests.kernels.conv.planning import small_patches, vectors_of

every_kernel = pytest.mark.parametrize("name", CALLS)
floats = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture
def tiny_ranges(monkeypatch):
    """Every call is split among threads, however small."""
    monkeypatch.setattr(parallel, "_MIN_WORK", 1)
    threads = kernels.get_num_threads()
    kernels.set_num_threads(2)
    with small_patches():
        yield
    kernels.set_num_threads(threads)


def test_every_kernel_has_a_call():
    assert {name.split()[0] for name in CALLS} == set(KERNELS)


@every_kernel
@floats
def test_twin_is_the_reference(name, dtype, tiny_ranges):
    function, args = kernel_of(name), arguments(name, dtype)
    expected = results(name, function.reference, copies(args))
    for actual, wanted in zip(results(name, function.twin, copies(args)), expected, strict=True):
        assert_close(actual, wanted)


@every_kernel
def test_loops_are_right_as_plain_python(name, monkeypatch, tiny_ranges):
    """Without the compiler, so that NumPy checks every index."""
    monkeypatch.setattr(jit.Loop, "__call__", jit.Loop.interpreted)
    with vectors_of(0):              # vector instructions are not Python
        function, args = kernel_of(name), arguments(name, np.float64)
        expected = results(name, function.reference, copies(args))
        for actual, wanted in zip(results(name, function.twin, copies(args)), expected, strict=True):
            assert_close(actual, wanted)


@every_kernel
def test_nothing_is_written_beside_the_results(name, monkeypatch, tiny_ranges):
    function, args = kernel_of(name), arguments(name, np.float64)
    expected = results(name, function.twin, copies(args))
    with guarded_allocations(monkeypatch):
        actual = results(name, function.twin, copies(args))
    for one, other in zip(actual, expected, strict=True):
        assert np.array_equal(one, other)


@every_kernel
def test_arguments_are_only_read(name):
    function, args = kernel_of(name), arguments(name, np.float64)
    before = copies(args)
    function(*args)
    for i, (now, then) in enumerate(zip(args, before)):
        if i not in IN_PLACE.get(name, ()):
            assert np.array_equal(now, then) if isinstance(now, np.ndarray) else now == then


def other_layouts(array):
    wide = np.zeros((*array.shape, 2), array.dtype)[..., 0]
    wide[...] = array
    fortran, backward = np.array(array, order="F"), array[::-1].copy()[::-1] if array.ndim else array
    return wide, fortran, backward


@every_kernel
@pytest.mark.parametrize("layout", range(3), ids=["strided", "Fortran", "backward"])
def test_layout_does_not_matter(name, layout):
    function, args = kernel_of(name), arguments(name, np.float64)
    expected = results(name, function, copies(args))
    laid_out = tuple(other_layouts(x)[layout] if isinstance(x, np.ndarray) else x for x in args)
    for actual, wanted in zip(results(name, function, laid_out), expected, strict=True):
        assert_close(actual, wanted)


@every_kernel
def test_read_only_arguments(name):
    function, args = kernel_of(name), arguments(name, np.float64)
    expected = results(name, function, copies(args))
    frozen = copies(args)
    for i, x in enumerate(frozen):
        if isinstance(x, np.ndarray) and i not in IN_PLACE.get(name, ()):
            x.flags.writeable = False
    for actual, wanted in zip(results(name, function, frozen), expected, strict=True):
        assert np.array_equal(actual, wanted)


@pytest.mark.parametrize("name", IN_PLACE)
def test_read_only_results_are_refused(name):
    for i in IN_PLACE[name]:
        args = copies(arguments(name, np.float64))
        args[i].flags.writeable = False
        for function in (kernel_of(name), kernel_of(name).reference):
            with pytest.raises(ValueError, match="read-only"):
                function(*args)


@every_kernel
@floats
def test_results_do_not_depend_on_the_number_of_threads(name, dtype, tiny_ranges):
    function, args = kernel_of(name), arguments(name, dtype)
    kernels.set_num_threads(1)
    expected = results(name, function.twin, copies(args))
    for threads in (2, 3, 8):
        kernels.set_num_threads(threads)
        for actual, wanted in zip(results(name, function.twin, copies(args)), expected, strict=True):
            assert np.array_equal(actual, wanted)


@every_kernel
def test_several_python_threads_at_once(name, tiny_ranges):
    function, wrong = kernel_of(name), []

    def work(seed):
        args = arguments(name, np.float64, seed)
        expected = results(name, function.reference, copies(args))
        try:
            for _ in range(5):
                for actual, wanted in zip(results(name, function.twin, copies(args)), expected, strict=True):
                    assert_close(actual, wanted)
        except AssertionError as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@every_kernel
def test_signatures_agree(name):
    function = kernel_of(name)
    assert inspect.signature(function.twin) == inspect.signature(inspect.unwrap(function.reference))
    assert function.__doc__ and function.__name__ == name.split()[0]


@pytest.mark.parametrize("name", ["im2col", "col2im", "max_pool"])
def test_other_dtypes_run_the_reference(name):
    args = tuple((10 * x).astype(np.int32) if isinstance(x, np.ndarray) else x for x in arguments(name, np.float64))
    function = kernel_of(name)
    assert function.twin(*args) is NotImplemented
    for actual, wanted in zip(results(name, function, args), results(name, function.reference, args)):
        assert np.array_equal(actual, wanted) and actual.dtype == wanted.dtype


def test_other_kinds_of_arrays_run_the_reference():
    class Elsewhere(np.ndarray):
        pass

    x = np.ones((2, 3)).view(Elsewhere)
    assert kernels.softmax.twin(x) is NotImplemented
    assert type(kernels.softmax(x)) is Elsewhere


def test_which_of_the_two_runs():
    @kernel
    def answer(x):
        """The specification."""
        return "reference"

    assert answer(1) == "reference"
    assert "compiled" not in repr(answer)

    @answer.cpu
    def _answer_cpu(x):
        return NotImplemented if x < 0 else "twin"

    with kernels.use_reference(not jit.ENABLED):
        assert answer(1) == ("twin" if jit.ENABLED else "reference")
        assert answer(-1) == "reference"
        with kernels.use_reference():
            assert answer(1) == "reference"
        with pytest.raises(KeyError), kernels.use_reference():
            raise KeyError
        assert answer(1) == ("twin" if jit.ENABLED else "reference")
    assert repr(answer) == "<kernel answer, compiled>"
    assert answer.__doc__ == "The specification."


def test_use_reference_is_for_one_thread():
    seen = []

    @kernel
    def where(x):
        return "reference"

    where.cpu(lambda x: "twin")
    with kernels.use_reference():
        thread = threading.Thread(target=lambda: seen.append(where(0)))
        thread.start()
        thread.join()
    assert seen == ["twin" if jit.ENABLED else "reference"]


def test_references_raise_no_warnings():
    x = np.array([[np.inf, -np.inf, np.nan]])
    assert np.isnan(kernels.softmax.reference(x)).all()


def test_dense_copies_only_if_it_must():
    x = np.arange(6.0).reshape(2, 3)
    assert dense(x) is x and dense(x, np.float64) is x
    frozen = x.copy()
    frozen.flags.writeable = False
    for other in (x[:, ::-1], x.T, frozen, x.astype(np.int64)):
        copy = dense(other, np.float64)
        assert copy.flags.carray and np.array_equal(copy, other) and not np.shares_memory(copy, other)
