"""Arrays as a kernel sees them: every element remembers who used it last, and an access that nothing orders is a race.

An element's record is a list: the interval of the last write, of the last read, of the last atomic operation
(-1: none), two sets (None: empty) of reads and atomic operations besides, that later accesses are held against, and
what atomic operations published.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np

from scratchnet.testing.lockstep.clock import Clock
from scratchnet.testing.lockstep.errors import (
    Deadlock,
    KernelError,
    NegativeIndex,
    OutOfRange,
    Race,
    UninitialisedRead,
    Unsupported,
    where,
)
from scratchnet.testing.lockstep.scalars import integer_class, wrap

Error = TypeVar("Error", bound=KernelError)
WRITE, READ, ATOMIC = 0, 1, 2  # places in a record, and kinds of access
PUBLISHED = 5
UNUSED = (-1, -1, -1, None, None, None)
REREAD_LIMIT = 5_000_000  # by one thread, before it waits or ends: a few seconds
NAMES = ("written", "read", "changed atomically")


class Memory:
    """What one allocation's elements remember, by their distance in bytes from its beginning."""

    def __init__(self, clock: Clock, name: str, space: str, undefined: bool = False, read_only: bool = False):
        self.clock, self.name, self.space = clock, name, space
        self.undefined, self.read_only = undefined, read_only
        self.records: dict[int, list[Any]] = {}
        self.itemsize = 0
        self.origin = 0
        self.number = clock.memories
        clock.memories += 1

    def forget(self) -> None:
        for record in self.records.values():
            record[:] = UNUSED


class Array:
    """A checked array: elements, views by index and slice, shape; what a kernel uses of an array."""

    def __init__(self, array: np.ndarray, memory: Memory, name: str):
        if memory.itemsize not in (0, array.itemsize):
            raise Unsupported(f"{name}: one memory seen as items of {memory.itemsize} and of {array.itemsize} bytes")
        memory.itemsize = array.itemsize
        self.array, self.memory, self.clock, self.name = array, memory, memory.clock, name
        self.shape, self.size, self.ndim, self.dtype = array.shape, array.size, array.ndim, array.dtype
        self.strides, self.itemsize, self.nbytes = array.strides, array.itemsize, array.nbytes
        self.offset = array.__array_interface__["data"][0] - memory.origin
        self.records: dict[Any, list[Any]] = {}  # by index: only indices that were found to be in range
        self.views: dict[Any, Array] = {}
        self.load: Any = array.__getitem__
        if array.dtype.kind in "iub":
            kind: type = bool if array.dtype.kind == "b" else integer_class(array.dtype)
            self.load = array.item if kind in (int, bool) else lambda index: kind(array.item(index))

    def __len__(self) -> int:
        return len(self.array)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"{self.name}: {self.memory.space} {self.dtype}{self.shape}"

    def __getitem__(self, index: Any) -> Any:
        try:
            record = self.records[index]
        except (KeyError, TypeError):
            record = self.resolve(index)
            if type(record) is not list:
                return record
        clock = self.clock
        me = clock.me
        wrote = record[0]
        if wrote >= clock.base:
            if wrote != me:
                self.order(record, WRITE, READ, index)
        elif wrote < clock.start and (wrote != -1 or self.memory.undefined):
            self.read_foreign(record, index)
        if record[2] != -1:
            self.order(record, ATOMIC, READ, index)
        read = record[1]
        if read != me:
            if read >= clock.base or -1 < read < clock.start:
                record[3] = record[3] or set()
                record[3].add(read)
            record[1] = me
        else:
            clock.rereads += 1
            if clock.rereads > REREAD_LIMIT:
                text = f"is read again and again ({REREAD_LIMIT} times), and no other thread can run: is it waited for?"
                raise self.error(Deadlock, text + " Atomic operations and nanosleep let others run", index)
        return self.load(index)

    def __setitem__(self, index: Any, value: Any) -> None:
        try:
            record = self.records[index]
        except (KeyError, TypeError):
            record = self.resolve(index)
            if type(record) is not list:
                return self.fill(record, value)
        clock = self.clock
        me, base, start = clock.me, clock.base, clock.start
        wrote, read = record[0], record[1]
        if wrote != me and (wrote >= base or -1 < wrote < start) and not self.same(index, value):
            self.order(record, WRITE, WRITE, index)
        if (read != me and (read >= base or -1 < read < start)) or record[3]:
            self.order(record, READ, WRITE, index)
        if record[2] != -1:
            self.order(record, ATOMIC, WRITE, index)
        if self.memory.read_only:
            raise self.error(Unsupported, "is a constant, and is written", index)
        record[0] = me
        self.store(index, value)

    def store(self, index: Any, value: Any) -> None:
        if self.dtype.kind in "iu" and not isinstance(value, bool):
            value = wrap(value, self.dtype)
        elif value is None or isinstance(value, Array):
            raise self.error(Unsupported, f"is given {value!r}, which is no number", index)
        self.array[index] = value

    def fill(self, view: Array, value: Any) -> None:
        for index in np.ndindex(view.shape):
            view[index] = value

    def update(self, index: Any, operation: Any) -> Any:
        """An atomic operation: the element becomes operation(element); returns what it was."""
        record = self.records.get(index) or self.resolve(index)
        if type(record) is not list:
            raise self.error(Unsupported, "is a part of an array: an atomic operation needs an element", index)
        clock = self.clock
        record[PUBLISHED] = clock.atomic(record[PUBLISHED])
        wrote = record[0]
        if wrote >= clock.base or -1 < wrote < clock.start:
            self.order(record, WRITE, ATOMIC, index)
        elif wrote == -1 and self.memory.undefined and record[2] == -1:
            self.read_foreign(record, index)
        if record[1] != -1:
            self.order(record, READ, ATOMIC, index)
        if record[2] not in (-1, clock.me):
            record[4] = record[4] or set()
            record[4].add(record[2])
        record[2] = clock.me
        old = self.load(index)
        self.store(index, operation(old))
        return old

    def resolve(self, index: Any) -> Any:
        """The record of an element, after its index is found to be in range; or a view, for a part of the array."""
        parts = index if type(index) is tuple else (index,)
        if len(parts) > self.ndim:
            raise self.error(OutOfRange, f"has {self.ndim} dimensions, and {len(parts)} indices", index)
        for axis, (i, n) in enumerate(zip(parts, self.shape, strict=False)):
            if isinstance(i, slice):
                continue
            try:
                i = operator.index(i)
            except TypeError:
                raise self.error(Unsupported, f"has an index of type {type(i).__name__}", index) from None
            if i < 0:
                raise self.error(NegativeIndex, f"index {i} is negative (dimension {axis})", index)
            if i >= n:
                raise self.error(OutOfRange, f"index {i} is out of range: dimension {axis} has {n}", index)
        if len(parts) < self.ndim or any(isinstance(i, slice) for i in parts):
            return self.view(index)
        key = self.offset + sum(int(i) * s for i, s in zip(parts, self.strides, strict=True))
        record = self.memory.records.setdefault(key, list(UNUSED))
        self.records[index] = record
        return record

    def view(self, index: Any) -> Array:
        text = str(index) if isinstance(index, int) else "…"
        if "…" in text:
            return type(self)(self.array[index], self.memory, f"{self.name}[{text}]")
        if index not in self.views:
            self.views[index] = type(self)(self.array[index], self.memory, f"{self.name}[{text}]")
        return self.views[index]

    def same(self, index: Any, value: Any) -> bool:
        if not self.clock.allow_same_value:
            return False
        new = np.empty((), self.dtype)
        new[()] = wrap(value, self.dtype) if self.dtype.kind in "iu" else value
        return bool(new.tobytes() == self.array[index].tobytes())

    def read_foreign(self, record: list[Any], index: Any) -> None:
        """Read what no thread of this block wrote."""
        if record[WRITE] != -1:
            self.order(record, WRITE, READ, index)
        elif record[ATOMIC] == -1:
            raise self.error(UninitialisedRead, "is read before it is written", index)

    def order(self, record: list[Any], kind: int, now: int, index: Any) -> None:
        """Require that the recorded accesses of one kind are ordered before the present one."""
        clock = self.clock
        besides = record[2 + kind] if kind != WRITE else None
        for interval in (record[kind], *sorted(besides or ())):
            if interval not in (-1, clock.me) and not clock.ordered(interval):
                raise self.race(record, interval, kind, now, index)
        if besides and self.memory.space != "global":  # no other block sees it, and this one passed a barrier since
            record[2 + kind] = {i for i in besides if i >= clock.base} or None
        elif besides and now == WRITE and not clock.allow_same_value:  # what races with them races with this write
            record[2 + kind] = None

    def race(self, record: list[Any], interval: int, kind: int, now: int, index: Any) -> Race:
        clock = self.clock
        who, line = next(
            ((str(t), place[1]) for i, k, t, place in reversed(clock.log) if (i, k) == (interval, kind)),
            ("another thread", 0),
        )
        text = f"is {NAMES[now]} by {clock.thread}, and was {NAMES[kind]} by {who}"
        text += f" in line {line}, with nothing to order the two" if line else ""
        race = self.error(Race, text, index, who)
        race.watch = (self.memory.number, next(k for k, r in self.memory.records.items() if r is record))
        return race

    def error(self, kind: type[Error], text: str, index: Any, *others: str) -> Error:
        clock = self.clock
        element = index if isinstance(index, tuple) else (index,)
        by = "" if kind is Race else f", by {clock.thread}"
        shown = ", ".join(map(str, element))
        space = f"{self.memory.space} {self.dtype} of shape {self.shape}"
        return kind(
            f"{self.name}[{shown}] ({space}) {text}{by}",
            threads=(clock.thread, *others),
            array=self.name,
            element=element,
        )


class TracedArray(Array):
    """Writes down who uses one element, and in which line: the second run of a launch that found a race."""

    def trace(self, index: Any, kind: int) -> None:
        memory, key = self.clock.watch or (-1, -1)
        if memory != self.memory.number or key not in self.memory.records:
            return
        watched = self.memory.records[key]
        if any(record is watched for i, record in self.records.items() if i == index):
            self.clock.log.append((self.clock.me, kind, self.clock.thread, where(sys._getframe(2))))

    def __getitem__(self, index: Any) -> Any:
        value = super().__getitem__(index)
        self.trace(index, READ)
        return value

    def __setitem__(self, index: Any, value: Any) -> None:
        super().__setitem__(index, value)
        self.trace(index, WRITE)

    def update(self, index: Any, operation: Any) -> Any:
        old = super().update(index, operation)
        self.trace(index, ATOMIC)
        return old
