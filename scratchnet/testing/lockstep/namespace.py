"""What a kernel calls `cuda`: its place in the grid, shared and local arrays, barriers, warp and atomic operations."""

from __future__ import annotations

import dis
import math
import sys
from collections.abc import Callable
from types import FrameType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from scratchnet.testing.lockstep import scalars
from scratchnet.testing.lockstep.errors import SharedMemoryLimit, Unsupported, WarpMask
from scratchnet.testing.lockstep.memory import Array, Memory
from scratchnet.testing.lockstep.scalars import Unsigned32, dtype_of

FULL = 0xFFFFFFFF
PAUSE, BARRIER, WARP = "pause", "barrier", "warp"  # why a thread hands control back


class Dim3(NamedTuple):
    x: int
    y: int = 1
    z: int = 1


class Arrays:
    """cuda.shared or cuda.local."""

    def __init__(self, make: Callable[[FrameType, Any, np.dtype[Any]], Array]):
        self.make = make

    def array(self, shape: Any, dtype: Any, alignment: int | None = None) -> Array:
        return self.make(sys._getframe(1), shape, dtype_of(dtype))


class Atomic:
    """cuda.atomic: each operation returns what the element was."""

    def __init__(self, cuda: Cuda):
        self.cuda = cuda

    def _apply(self, array: Array, index: Any, operation: Callable[[Any], Any]) -> Any:
        if not isinstance(array, Array):
            raise Unsupported(f"an atomic operation on {type(array).__name__}, which is no array")
        old = array.update(index, operation)
        self.cuda.pause(bool(array.array[index] != old))
        return old

    def add(self, array: Array, index: Any, value: Any) -> Any:
        return self._apply(array, index, lambda old: old + value)

    def sub(self, array: Array, index: Any, value: Any) -> Any:
        return self._apply(array, index, lambda old: old - value)

    def and_(self, array: Array, index: Any, value: Any) -> Any:
        return self._apply(array, index, lambda old: old & value)

    def or_(self, array: Array, index: Any, value: Any) -> Any:
        return self._apply(array, index, lambda old: old | value)

    def xor(self, array: Array, index: Any, value: Any) -> Any:
        return self._apply(array, index, lambda old: old ^ value)

    def exch(self, array: Array, index: Any, value: Any) -> Any:
        return self._apply(array, index, lambda old: value)

    def inc(self, array: Array, index: Any, last: Any) -> Any:
        return self._apply(array, index, lambda old: 0 if old >= last else old + 1)

    def dec(self, array: Array, index: Any, last: Any) -> Any:
        return self._apply(array, index, lambda old: last if old == 0 or old > last else old - 1)

    def max(self, array: Array, index: Any, value: Any) -> Any:
        return self._apply(array, index, lambda old: value if value > old or old != old else old)

    def min(self, array: Array, index: Any, value: Any) -> Any:
        return self._apply(array, index, lambda old: value if value < old or old != old else old)

    nanmax, nanmin = max, min

    def cas(self, array: Array, index: Any, expected: Any, value: Any) -> Any:
        return self._apply(array, index, lambda old: value if old == expected else old)

    def compare_and_swap(self, array: Array, expected: Any, value: Any) -> Any:
        return self.cas(array, 0, expected, value)


class Cuda:
    """The names of `numba.cuda` that may stand inside a kernel. The scheduler keeps its attributes up to date."""

    warpsize = 32
    popc = staticmethod(scalars.popc)
    clz = staticmethod(scalars.clz)
    ffs = staticmethod(scalars.ffs)
    brev = staticmethod(scalars.brev)
    fma = staticmethod(scalars.fma)

    def __init__(self, run: Any):
        self._run = run
        self.threadIdx = self.blockIdx = Dim3(0, 0, 0)
        self.blockDim: Dim3 = run.block
        self.gridDim: Dim3 = run.grid
        self.shared, self.local = Arrays(self._shared), Arrays(self._local)
        self.atomic = Atomic(self)
        self.const = SimpleNamespace(array_like=run.constant)

    # ---- where a thread is

    @property
    def laneid(self) -> int:
        return int(self._run.clock.thread.lane)

    def grid(self, ndim: int) -> Any:
        places = [b * n + t for b, n, t in zip(self.blockIdx, self.blockDim, self.threadIdx, strict=True)]
        return places[0] if ndim == 1 else tuple(places[:ndim])

    def gridsize(self, ndim: int) -> Any:
        sizes = [g * n for g, n in zip(self.gridDim, self.blockDim, strict=True)]
        return sizes[0] if ndim == 1 else tuple(sizes[:ndim])

    # ---- memory

    def _shared(self, frame: FrameType, shape: Any, dtype: np.dtype[Any]) -> Array:
        """One array for all threads of the block and each place in the source; shape 0: the launch's dynamic memory."""
        dynamic = shape == 0 or shape == (0,)
        site = (frame.f_code, frame.f_lasti)
        run = self._run
        if site not in run.shared_arrays:
            name = assigned_name(frame)
            if dynamic:
                shape = run.dynamic_bytes // dtype.itemsize
                memory, buffer = run.dynamic(name)
                array = buffer[: shape * dtype.itemsize].view(dtype)
            else:
                memory, array = Memory(run.clock, name, "shared", undefined=True), np.empty(shape, dtype)
                memory.origin = array.__array_interface__["data"][0]
                run.static_bytes += array.nbytes
                limit = run.shared_limit
                if run.static_bytes > run.STATIC_LIMIT or run.static_bytes + run.dynamic_bytes > limit:
                    raise SharedMemoryLimit(
                        f"{name} brings shared memory to {run.static_bytes} bytes, and {run.dynamic_bytes} dynamic ones: "
                        f"a block has {run.STATIC_LIMIT}, and {limit} in all",
                        array=name,
                    )
            run.shared_arrays[site] = run.array_class(array, memory, name)
        return run.shared_arrays[site]

    def _local(self, frame: FrameType, shape: Any, dtype: np.dtype[Any]) -> Array:
        name, array = assigned_name(frame), np.empty(shape, dtype)
        memory = Memory(self._run.clock, name, "local", undefined=True)
        memory.origin = array.__array_interface__["data"][0]
        return self._run.array_class(array, memory, name)

    def threadfence(self) -> None:
        self._run.clock.fence()

    threadfence_system = threadfence

    def threadfence_block(self) -> None:
        """Orders memory, but waits for nobody: by itself it orders no two threads."""

    # ---- barriers

    def _barrier(self, operation: str, value: Any) -> Any:
        """Wait for all threads of the block at this place of the source; how many of their votes are true."""
        frame = sys._getframe(2)
        thread = self._run.clock.thread
        thread.request = (BARRIER, operation, (frame.f_code, frame.f_lasti), value)
        return self._run.hub.switch()

    def syncthreads(self) -> None:
        self._barrier("syncthreads", None)

    def syncthreads_count(self, predicate: Any) -> int:
        return int(self._barrier("syncthreads_count", predicate))

    def syncthreads_and(self, predicate: Any) -> int:
        return int(self._barrier("syncthreads_and", predicate) == math.prod(self.blockDim))

    def syncthreads_or(self, predicate: Any) -> int:
        return int(self._barrier("syncthreads_or", predicate) > 0)

    # ---- warps

    def _warp(self, operation: str, mask: Any, value: Any) -> dict[int, Any]:
        """Wait for the lanes of the mask to come to the same operation; their values by lane."""
        thread = self._run.clock.thread
        mask = int(mask) & FULL
        if not mask >> thread.lane & 1:
            text = f"{operation}: mask {mask:#010x} does not name lane {thread.lane} ({thread})"
            raise WarpMask(text, threads=(thread,))
        thread.request = (WARP, operation, mask, value)
        values: dict[int, Any] = self._run.hub.switch()
        return values

    def syncwarp(self, mask: Any = FULL) -> None:
        self._warp("syncwarp", mask, None)

    def _shuffle(self, operation: str, mask: Any, value: Any, source: Callable[[int], int]) -> Any:
        lane = self._run.clock.thread.lane
        values = self._warp(operation, mask, value)
        source_lane = source(lane)
        if not 0 <= source_lane < 32:
            source_lane = lane
        if source_lane not in values:
            thread = self._run.clock.thread
            text = f"{operation}: {thread} reads lane {source_lane} of its warp, which does not take part"
            raise WarpMask(text, threads=(thread,))
        return values[source_lane]

    def shfl_sync(self, mask: Any, value: Any, lane: Any) -> Any:
        return self._shuffle("shfl_sync", mask, value, lambda me: int(lane) % 32)

    def shfl_up_sync(self, mask: Any, value: Any, delta: Any) -> Any:
        return self._shuffle("shfl_up_sync", mask, value, lambda me: me - int(delta))

    def shfl_down_sync(self, mask: Any, value: Any, delta: Any) -> Any:
        return self._shuffle("shfl_down_sync", mask, value, lambda me: me + int(delta))

    def shfl_xor_sync(self, mask: Any, value: Any, lane_mask: Any) -> Any:
        return self._shuffle("shfl_xor_sync", mask, value, lambda me: me ^ int(lane_mask))

    def ballot_sync(self, mask: Any, predicate: Any) -> int:
        votes = self._warp("ballot_sync", mask, bool(predicate))
        return Unsigned32(sum(1 << lane for lane, vote in votes.items() if vote))

    def all_sync(self, mask: Any, predicate: Any) -> bool:
        return all(self._warp("all_sync", mask, bool(predicate)).values())

    def any_sync(self, mask: Any, predicate: Any) -> bool:
        return any(self._warp("any_sync", mask, bool(predicate)).values())

    def eq_sync(self, mask: Any, predicate: Any) -> bool:
        return len(set(self._warp("eq_sync", mask, bool(predicate)).values())) == 1

    def match_any_sync(self, mask: Any, value: Any) -> int:
        values = self._warp("match_any_sync", mask, value)
        return Unsigned32(sum(1 << lane for lane, other in values.items() if other == value))

    def match_all_sync(self, mask: Any, value: Any) -> tuple[int, bool]:
        equal = len(set(self._warp("match_all_sync", mask, value).values())) == 1
        return (Unsigned32(int(mask) & FULL), True) if equal else (Unsigned32(0), False)

    def activemask(self) -> int:
        """The lanes that run together now: of threads that run each at its own pace, this one."""
        return Unsigned32(1 << self.laneid)

    def lanemask_lt(self) -> int:
        return Unsigned32((1 << self.laneid) - 1)

    # ---- the rest

    def pause(self, changed: bool) -> None:
        """An atomic operation was done: let others run, at times, so that those who wait for them go on."""
        self._run.count_spin(changed)
        if self._run.rng.random() < 0.25:
            self._run.clock.thread.request = (PAUSE,)
            self._run.hub.switch()

    def selp(self, condition: Any, a: Any, b: Any) -> Any:
        return a if condition else b

    def cbrt(self, x: Any) -> Any:
        return np.cbrt(x)

    def nanosleep(self, nanoseconds: Any) -> None:
        self.pause(False)

    def __getattr__(self, name: str) -> Any:
        raise Unsupported(f"cuda.{name}: the simulator does not have it")


def assigned_name(frame: FrameType) -> str:
    """The variable that the call which is running in a frame is assigned to."""
    following = (i for i in dis.get_instructions(frame.f_code) if i.offset > frame.f_lasti)
    store = next((i for i in following if i.opname.startswith("STORE_")), None)
    name = store.argval if store is not None else None
    name = name[0] if isinstance(name, tuple) else name  # newer Pythons store and load in one instruction
    return name if isinstance(name, str) else "array"
