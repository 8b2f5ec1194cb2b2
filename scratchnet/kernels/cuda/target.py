"""The compiler of the CUDA kernels, and what starts them: the only file that knows which compiler that is.

A kernel is a Python function in the names of `numba.cuda`, all of them behind the one global name ``cuda``::

    from scratchnet.kernels.cuda import target
    from scratchnet.kernels.cuda.target import cuda

    @target.kernel(threads=256, registers=32)
    def double(count, x, y):
        i = uint32(cuda.grid(1))
        if i < count:
            y[i] = float32(2) * x[i]

    target.start(double, target.blocks(n, 256), uint32(n), x, y)

Nothing is compiled, or even imported, before a kernel is first started: `scratchnet` needs neither the compiler nor a
GPU. Functions that kernels call are `device` functions, or the loops that `jit` compiles for the CPU: one body for
both. Upper-case globals of a kernel can be given as constants when it is compiled, by `Loop.specialised`.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from functools import cached_property, lru_cache
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np

from scratchnet.kernels.jit import Loop

DRIVER = "580"                      # the first that runs CUDA 13
_CUDA = 13000                       # as cuDriverGetVersion counts
_ON_DEVICE: dict[Loop, Loop] = {}   # what a loop of the CPU's is here


class _Names:
    """Stands for ``numba.cuda`` in the source of kernels, until they are compiled."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"cuda.{name}: kernels run on a GPU, or in scratchnet.testing.lockstep, not as plain Python")


cuda: Any = _Names()


class DeviceFunction(Loop):
    """What one CUDA thread runs, compiled with the kernel that calls it."""

    def __init__(self, function: Callable, constants: Mapping[str, Any] | None = None):
        super().__init__(function, False, constants)

    def variant(self, constants: Mapping[str, Any]) -> DeviceFunction:
        return type(self)(self.python, constants)

    @cached_property
    def _called(self) -> dict[str, Loop]:
        return {name: on_device(loop) for name, loop in self._loops_called().items()}

    @cached_property
    def py_func(self) -> FunctionType:
        """The function as plain Python, its constants and what it calls in place: what a simulator runs."""
        return self._with_globals(self._called)

    def for_compiler(self) -> FunctionType:
        """The function as the compiler takes it."""
        called = {name: loop.compiled() for name, loop in self._called.items()}
        return self._with_globals({**called, "cuda": compiler()})

    def compiled(self) -> Any:
        if self._compiled is None:
            self._compiled = compiler().jit(self.for_compiler(), device=True)
        return self._compiled


class GridKernel(DeviceFunction):
    """A kernel: `start` runs it on a grid of blocks of ``threads`` threads.

    Attributes
    ----------
    threads : int
        Of a block; all blocks are of this one size, which the kernel may know.
    registers, shared : int
        What a thread, and in bytes a block, may use at most: the sm_90 gate holds the compiled kernel to it.
    """

    def __init__(self, function: Callable, threads: int, registers: int, shared: int = 0,
                 constants: Mapping[str, Any] | None = None):
        super().__init__(function, constants)
        self.threads = self._constants.get("THREADS", threads)      # a constant of that name says how many
        self.registers, self.shared = registers, shared

    def variant(self, constants: Mapping[str, Any]) -> GridKernel:
        return GridKernel(self.python, self.threads, self.registers, self.shared, constants)

    def compiled(self) -> Any:
        if self._compiled is None:
            self._compiled = compiler().jit(self.for_compiler(), launch_bounds=self.threads)
        return self._compiled


def kernel(threads: int, registers: int, shared: int = 0) -> Callable[[Callable], GridKernel]:
    """Declare a kernel, and what it may use: see `GridKernel`."""
    return lambda function: GridKernel(function, threads, registers, shared)


def device(function: Callable) -> DeviceFunction:
    """Declare a function that kernels call."""
    return DeviceFunction(function)


def on_device(loop: Loop) -> Loop:
    """What kernels call where the CPU calls a loop: the same function, compiled for the device."""
    if isinstance(loop, DeviceFunction):
        return loop
    if loop not in _ON_DEVICE:
        _ON_DEVICE[loop] = DeviceFunction(loop.python, loop._constants)
    return _ON_DEVICE[loop]


@lru_cache(1)
def compiler() -> Any:
    """``numba.cuda``, of the package numba-cuda.

    Raises
    ------
    RuntimeError
        If it is not installed.
    """
    if importlib.util.find_spec("numba_cuda") is None:
        raise RuntimeError(_NO_PACKAGE.format("numba-cuda"))
    if not hasattr(np, "row_stack"):                # numba-cuda 0.30 asks for it, NumPy 2.5 has it no more
        np.row_stack = np.vstack
    return importlib.import_module("numba.cuda")


# ---- is there a GPU?

_NO_PACKAGE = "CUDA needs the package {}, which is not installed: pip install 'scratchnet[cuda]'"


class State(NamedTuple):
    """What is there of what kernels need."""

    packages: tuple[str, ...]       # those that are missing
    driver: int                     # the newest CUDA that it runs, as 13000; 0: there is no driver
    devices: int

    @property
    def missing(self) -> str | None:
        """What is missing, in words; None if nothing is."""
        if self.packages:
            return _NO_PACKAGE.format(" and ".join(self.packages))
        if self.driver == 0:
            return f"CUDA needs an NVIDIA driver, version {DRIVER} or newer: found none"
        if self.driver < _CUDA:
            return (f"CUDA needs an NVIDIA driver for CUDA {_CUDA // 1000}, version {DRIVER} or newer: the one here is "
                    f"for CUDA {self.driver // 1000}.{self.driver % 1000 // 10}")
        return None if self.devices else "CUDA needs an NVIDIA GPU: the driver sees none"


@lru_cache(1)
def state() -> State:
    """What is there; looked up once."""
    packages = tuple(name for name, module in (("numba-cuda", "numba_cuda"), ("cupy", "cupy"))
                     if importlib.util.find_spec(module) is None)
    return State(packages, *_driver())


def _driver() -> tuple[int, int]:
    """The driver's version and its number of devices."""
    try:
        driver = importlib.import_module("cuda.bindings.driver")
        error, version = driver.cuDriverGetVersion()
        if error or driver.cuInit(0)[0]:
            return int(version or 0), 0
        return int(version), int(driver.cuDeviceGetCount()[1])
    except (ImportError, RuntimeError, OSError):        # no bindings, or no library of the driver's
        return 0, 0


def require() -> None:
    """Raise a RuntimeError that names what is missing, if anything is."""
    if state().missing is not None:
        raise RuntimeError(state().missing)


# ---- starting kernels

def _on_gpu(kernel: GridKernel, grid: tuple[int, ...], args: tuple) -> None:
    """On the stream that CuPy uses now, so that its operations and ours keep their order."""
    require()
    stream = importlib.import_module("cupy").cuda.get_current_stream().ptr
    kernel.compiled()[grid, kernel.threads, compiler().external_stream(stream)](*args)


_runner: ContextVar[Callable[[GridKernel, tuple[int, ...], tuple], None]] = ContextVar("runner", default=_on_gpu)


def start(kernel: GridKernel, grid: int | tuple[int, ...], *args: Any) -> None:
    """Start a kernel on a grid of blocks; an empty grid starts nothing.

    Parameters
    ----------
    args : arrays, and numbers of NumPy's types
    """
    grid = grid if isinstance(grid, tuple) else (grid,)
    if min(grid) > 0:
        _runner.get()(kernel, grid, args)


@contextlib.contextmanager
def started_by(runner: Callable[[GridKernel, tuple[int, ...], tuple], None]) -> Iterator[None]:
    """Let ``runner(kernel, grid, args)`` do what a GPU would, in this context: a simulator, or a compiler that only looks."""
    token = _runner.set(runner)
    try:
        yield
    finally:
        _runner.reset(token)


def blocks(count: int, threads: int) -> int:
    """How many blocks have at least ``count`` threads."""
    return -(-count // threads)
