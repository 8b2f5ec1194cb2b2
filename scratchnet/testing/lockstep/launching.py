"""The launch of a kernel: limits, arguments, blocks in random order, and a second run that finds the lines of a race."""

from __future__ import annotations

import operator
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from scratchnet.testing.lockstep.clock import Clock
from scratchnet.testing.lockstep.errors import (
    MARK,
    Deadlock,
    KernelError,
    LaunchLimit,
    Race,
    SharedMemoryLimit,
    Unsupported,
)
from scratchnet.testing.lockstep.memory import Array, Memory, TracedArray
from scratchnet.testing.lockstep.namespace import Cuda, Dim3
from scratchnet.testing.lockstep.rebind import Rebinding, body
from scratchnet.testing.lockstep.scalars import Cast, device_math, device_scalar, dtype_of
from scratchnet.testing.lockstep.schedule import SPIN_LIMIT, Block, greenlets, guarded

SHARED_LIMIT = 48 * 1024  # bytes a block has without asking
SHARED_MAXIMUM = 227 * 1024  # of compute capability 9.0


@dataclass(frozen=True)
class Report:
    """What a launch did. That it returned at all says that nothing wrong was found.

    Attributes
    ----------
    blocks, threads : int
        How many ran.
    barriers : int
        How often a block passed one of its barriers.
    warp_operations : int
        How often lanes of a warp met.
    shared_bytes : int
        Shared memory of a block, static and dynamic.
    """

    blocks: int
    threads: int
    barriers: int
    warp_operations: int
    shared_bytes: int


def launch(
    kernel: Any,
    grid: int | tuple[int, ...],
    block: int | tuple[int, ...],
    *args: Any,
    seed: int = 0,
    shared: int = 0,
    shared_limit: int = SHARED_LIMIT,
    allow_same_value: bool = False,
    undefined: Iterable[str] = (),
) -> Report:
    """Run a CUDA kernel on arrays of the host, and hold every access against the rules of the device.

    Parameters
    ----------
    kernel : function or dispatcher
        A Python function written in the names of `numba.cuda`, or what `cuda.jit` made of one.
    grid, block : int or tuple of up to 3 int
        How many blocks, and how many threads in each.
    *args : numpy.ndarray, numbers, tuples of them
        Arrays are changed in place.
    seed : int
        Chooses the order of threads and blocks. What is found does not depend on it, unless atomic operations
        decide what threads do.
    shared : int
        Bytes of dynamic shared memory: what `cuda.shared.array(0, dtype)` sees.
    shared_limit : int
        Bytes of shared memory that a block may have in all; above 48 KiB a device has to be asked, up to 227 KiB.
    allow_same_value : bool
        Threads may write one element with nothing to order them if they write the same value.
    undefined : iterable of str
        Parameters whose arrays have no contents yet: to read an element before it is written is an error.

    Returns
    -------
    Report

    Raises
    ------
    KernelError
        One of its subclasses: the first thing that is wrong. The arrays are then half done.
    """
    name = body(kernel).__name__
    options = (seed, shared, shared_limit, allow_same_value, tuple(undefined))
    try:
        sizes = _size("grid", grid), _size("block", block)
        arrays = list(_arrays(args))
        before = [a.copy() for a in arrays]
        try:
            return _Run(kernel, *sizes, args, options, None).execute()
        except Race as found:
            for array, contents in zip(arrays, before, strict=True):
                array[...] = contents
            _Run(kernel, *sizes, args, options, found.watch).execute()
            raise  # not reached: the second run is the first once more
    except KernelError as error:
        error.kernel = name
        raise error.with_traceback(None) from error.__cause__


def _arrays(args: Iterable[Any]) -> Iterator[np.ndarray]:
    for value in args:
        if isinstance(value, np.ndarray):
            yield value
        elif isinstance(value, tuple):
            yield from _arrays(value)


def _size(what: str, value: Any) -> Dim3:
    parts = value if isinstance(value, tuple) else (value,)
    if not 1 <= len(parts) <= 3:
        raise TypeError(f"{what} must be an int or a tuple of 1 to 3, got {value!r}")
    size = Dim3(*(operator.index(v) for v in parts))
    if what == "grid":
        limits, most = (2**31 - 1, 65535, 65535), None
    else:
        limits, most = (1024, 1024, 64), 1024
    for axis, n, limit in zip("xyz", size, limits, strict=True):
        if not 1 <= n <= limit:
            raise LaunchLimit(f"{what} {tuple(size)}: {axis} must be 1 to {limit}")
    if most is not None and size.x * size.y * size.z > most:
        raise LaunchLimit(f"block {tuple(size)} has {size.x * size.y * size.z} threads, and may have {most}")
    return size


class _Run:
    """One run of a launch: what its blocks share."""

    STATIC_LIMIT = SHARED_LIMIT

    def __init__(self, kernel: Any, grid: Dim3, block: Dim3, args: tuple[Any, ...], options: Any, watch: Any):
        seed, self.dynamic_bytes, self.shared_limit, allow_same_value, undefined = options
        if not self.dynamic_bytes <= self.shared_limit <= SHARED_MAXIMUM:
            raise SharedMemoryLimit(
                f"{self.dynamic_bytes} bytes of dynamic shared memory: the limit is {self.shared_limit} (shared_limit), "
                f"which may be {SHARED_MAXIMUM}"
            )
        self.grid, self.block = grid, block
        self.rng = random.Random(seed)
        self.hub: Any = greenlets().getcurrent()
        self.clock = Clock(allow_same_value, watch)
        self.array_class = TracedArray if watch else Array
        self.shared_arrays: dict[Any, Array] = {}
        self.static_bytes = self.spins = self.barriers = self.warp_operations = 0
        self._dynamic: tuple[Memory, np.ndarray] | None = None
        self.cuda = Cuda(self)
        parameters = body(kernel).__code__.co_varnames[: body(kernel).__code__.co_argcount]
        unknown = set(undefined) - set(parameters)
        if unknown:
            raise ValueError(f"undefined: {body(kernel).__name__} has no parameter {', '.join(sorted(unknown))}")
        if len(parameters) != len(args):
            raise TypeError(f"{body(kernel).__name__} takes {len(parameters)} arguments, got {len(args)}")
        self._owners: dict[int, Memory] = {}
        self.function = Rebinding(self._device_value, {MARK: True, "cuda": self.cuda}).function(kernel)
        self.args = tuple(
            self._argument(value, name, name in undefined) for name, value in zip(parameters, args, strict=True)
        )
        count = block.x * block.y * block.z
        self._orders = [self.rng.sample(range(count), count) for _ in range(8)]

    def execute(self) -> Report:
        grid, block = self.grid, self.block
        blocks = [Dim3(x, y, z) for z in range(grid.z) for y in range(grid.y) for x in range(grid.x)]
        self.rng.shuffle(blocks)
        call = guarded(self.function, self.args)
        with np.errstate(all="ignore"):
            for index in blocks:
                for array in self.shared_arrays.values():
                    array.memory.forget()
                Block(self, call, index).execute()
        threads = len(blocks) * block.x * block.y * block.z
        shared = self.static_bytes + self.dynamic_bytes
        return Report(len(blocks), threads, self.barriers, self.warp_operations, shared)

    def order(self) -> list[int]:
        """A random order of the threads of a block, out of a few: shuffling anew takes longer than running them."""
        return self._orders[self.rng.randrange(len(self._orders))]

    def count_spin(self, changed: bool) -> None:
        self.spins = 0 if changed else self.spins + 1
        if self.spins > SPIN_LIMIT:
            raise Deadlock(f"{SPIN_LIMIT} atomic operations changed nothing: threads wait for what no thread does")

    def dynamic(self, name: str) -> tuple[Memory, np.ndarray]:
        if self._dynamic is None:
            memory, buffer = Memory(self.clock, name, "shared", undefined=True), np.empty(self.dynamic_bytes, np.uint8)
            memory.origin = buffer.__array_interface__["data"][0]
            self._dynamic = memory, buffer
        return self._dynamic

    def constant(self, array: Any) -> Array:
        """cuda.const.array_like: a captured array is a constant already."""
        if not isinstance(array, Array) or not array.memory.read_only:
            raise Unsupported("cuda.const.array_like takes an array that the kernel captures")
        return array

    def _array(self, array: np.ndarray, name: str, undefined: bool = False, read_only: bool = False) -> Array:
        """Arrays that are views of one buffer share what it remembers."""
        root = array
        while isinstance(root.base, np.ndarray):
            root = root.base
        memory = self._owners.get(id(root))
        if memory is None:
            memory = self._owners[id(root)] = Memory(self.clock, name, "global", undefined, read_only)
            memory.origin = root.__array_interface__["data"][0]
        return self.array_class(array, memory, name)

    def _argument(self, value: Any, name: str, undefined: bool) -> Any:
        if isinstance(value, np.ndarray):
            return self._array(value, name, undefined)
        if isinstance(value, tuple):
            return tuple(self._argument(v, f"{name}[{i}]", undefined) for i, v in enumerate(value))
        if not isinstance(value, (bool, int, float, np.number, np.bool_)):
            raise TypeError(f"{name}: a kernel takes arrays, numbers and tuples of them, got {type(value).__name__}")
        return device_scalar(value)

    def _device_value(self, name: str, value: Any) -> Any:
        """What a global or captured value of the kernel's is on the device; NotImplemented: what it is already."""
        module = getattr(value, "__name__", "")
        if name == "cuda" or module in ("numba.cuda", "numba_cuda.numba.cuda"):
            return self.cuda
        if module == "math":
            return device_math
        if isinstance(value, np.ndarray):
            return self._array(np.array(value), name, read_only=True)
        if isinstance(value, tuple):
            return tuple(self._device_value(name, v) if isinstance(v, np.ndarray) else v for v in value)
        of_numba = type(value).__module__.startswith("numba.core.types.")
        if of_numba and (hasattr(value, "bitwidth") or str(value) in ("bool", "boolean")):
            return Cast(dtype_of(value))
        if isinstance(value, type) and issubclass(value, (np.number, np.bool_)):
            return Cast(dtype_of(value))
        if isinstance(value, (np.number, np.bool_)):
            return device_scalar(value)
        return NotImplemented
