"""The instructions of a pickle that build data, by their byte."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from scratchnet.interop.allowed import lookup
from scratchnet.interop.machine import Machine


def unpickle(stream: Any, size: int, persistent: Callable[[Any], Any] | None = None) -> Any:
    """The object of the pickle that begins where `stream` stands and takes at most `size` bytes.

    Parameters
    ----------
    stream : binary file
    size : int
        In bytes.
    persistent : callable, optional
        The persistent identifier (torch: a storage) → the object.
    """
    return Machine(stream, size, lookup, persistent).run(INSTRUCTIONS)


def _unpacked(method: Callable[[Machine, int], None], layout: str) -> Callable[[Machine], None]:
    """`method` with a number that follows the instruction."""
    number = struct.Struct(layout)
    return lambda machine: method(machine, number.unpack(machine.read(number.size))[0])


def _constant(value: Any) -> Callable[[Machine], None]:
    return lambda machine: machine.stack.append(value)


def _push(machine: Machine, value: Any) -> None:
    machine.stack.append(value)


def _duplicate(machine: Machine) -> None:
    machine.stack.append(machine.stack[-1])


def _set_item(machine: Machine) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    machine.set_items([key, value])


def _frozen(machine: Machine) -> None:
    items = machine.pop_mark()
    machine.stack.append(machine.made(frozenset([machine.key(item) for item in items])))


def _raw(machine: Machine, size: int) -> None:
    machine.stack.append(machine.read(size))


def _long(machine: Machine, size: int) -> None:
    machine.stack.append(int.from_bytes(machine.read(size), "little", signed=True))


def _push_tuple(machine: Machine, items: list[Any]) -> None:
    machine.stack.append(machine.made(tuple(items)))


def _skip_frame(machine: Machine) -> None:
    machine.read(8)  # its length, which is not needed


def _pop_mark(machine: Machine) -> None:
    machine.pop_mark()


INSTRUCTIONS: dict[bytes, Callable[[Machine], None]] = {
    b"\x80": Machine.protocol,
    b"\x95": _skip_frame,
    b"(": Machine.mark,
    b"0": Machine.pop,
    b"1": _pop_mark,
    b"2": _duplicate,
    b"N": _constant(None),
    b"\x88": _constant(True),
    b"\x89": _constant(False),
    b"J": _unpacked(_push, "<i"),
    b"K": _unpacked(_push, "<B"),
    b"M": _unpacked(_push, "<H"),
    b"G": _unpacked(_push, ">d"),
    b"\x8a": _unpacked(_long, "<B"),
    b"X": _unpacked(Machine.text, "<I"),
    b"\x8c": _unpacked(Machine.text, "<B"),
    b"\x8d": _unpacked(Machine.text, "<Q"),
    b"U": _unpacked(Machine.text_of_python_2, "<B"),
    b"T": _unpacked(Machine.text_of_python_2, "<I"),
    b"C": _unpacked(_raw, "<B"),
    b"B": _unpacked(_raw, "<I"),
    b"\x8e": _unpacked(_raw, "<Q"),
    b")": _constant(()),
    b"]": lambda machine: machine.stack.append(machine.made([])),
    b"}": lambda machine: machine.stack.append(machine.made({})),
    b"\x8f": lambda machine: machine.stack.append(machine.made(set())),
    b"t": lambda machine: _push_tuple(machine, machine.pop_mark()),
    b"\x85": lambda machine: machine.make_tuple(1),
    b"\x86": lambda machine: machine.make_tuple(2),
    b"\x87": lambda machine: machine.make_tuple(3),
    b"a": lambda machine: machine.append([machine.stack.pop()]),
    b"e": lambda machine: machine.append(machine.pop_mark()),
    b"s": _set_item,
    b"u": lambda machine: machine.set_items(machine.pop_mark()),
    b"\x90": Machine.add_items,
    b"\x91": _frozen,
    b"q": _unpacked(Machine.put, "<B"),
    b"r": _unpacked(Machine.put, "<I"),
    b"\x94": lambda machine: machine.put(len(machine.memo)),
    b"h": _unpacked(Machine.get, "<B"),
    b"j": _unpacked(Machine.get, "<I"),
    b"c": Machine.global_name,
    b"\x93": Machine.stack_global,
    b"R": Machine.reduce,
    b"b": Machine.build,
    b"Q": Machine.persistent_object,
}
