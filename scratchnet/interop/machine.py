"""A pickle is a program for a stack machine; this one runs the part of it that builds data.

Python's own unpickler imports and calls whatever a file names. Here a name is looked up in a short table
(`scratchnet.interop.allowed`), and only what is in the table can be called, with checked arguments. Every
instruction takes at least one byte of the file and makes a bounded amount of work; what would copy (`bytes`,
`set`, …) is charged against a budget in proportion to the file, since a few bytes can name a long string again
and again. The machine does not recurse, so depth costs nothing while it runs; `check_structure` refuses depth,
cycles and exponential sharing in the result, which would hurt whoever walks it.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from scratchnet.interop.errors import CheckpointError
from scratchnet.interop.numpy_state import NumpyType, set_array_state

MOST_BYTES = 64 << 20  # of one pickle; a large model has one of 1 MB, the numbers are elsewhere
_MOST_INSTRUCTIONS = 20_000_000
_MOST_OBJECTS = 4_000_000
_MOST_TUPLE_KEYS = 1000
_LONG_KEY = 1000
_MAPPINGS = (dict, OrderedDict, Counter)


class Allowed(NamedTuple):
    """What a name in the file stands for: `call(machine, *arguments)` makes the object."""

    name: str
    call: Callable[..., Any]


class Machine:
    """Runs one pickle.

    Parameters
    ----------
    stream : binary file
        Read from where it stands to the end of the pickle.
    size : int
        How many bytes of it there are.
    lookup : callable
        (module, name) → what it stands for; raises CheckpointError if it is not in the table.
    persistent : callable, optional
        The persistent identifier (torch: a storage) → the object.
    """

    def __init__(
        self,
        stream: Any,
        size: int,
        lookup: Callable[[str, str], Any],
        persistent: Callable[[Any], Any] | None = None,
    ) -> None:
        self.stream, self.left = stream, min(size, MOST_BYTES)
        self.lookup, self.persistent = lookup, persistent
        # an item of a set takes up to 70 bytes; Python's own pickles copy a byte twice: text, bytes, array
        self.budget = (4 << 20) + 2 * self.left
        self.objects = self.tuple_keys = 0
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def run(self, instructions: Mapping[bytes, Callable[[Machine], None]]) -> Any:
        """The object that the pickle describes."""
        for _ in range(_MOST_INSTRUCTIONS):
            code = self.read(1)
            if code == b".":
                break
            instruction = instructions.get(code)
            if instruction is None:
                raise CheckpointError(f"the pickle has the instruction {code!a}, which no state dict needs")
            try:
                instruction(self)
            except (IndexError, KeyError) as error:
                raise CheckpointError(f"the pickle takes what it has not made ({type(error).__name__})") from error
        else:
            raise CheckpointError(f"the pickle has more than {_MOST_INSTRUCTIONS} instructions")
        if len(self.stack) != 1 or self.marks:
            raise CheckpointError(f"the pickle ends with {len(self.stack)} objects, expected one")
        return self.stack.pop()

    # ---- limits ------------------------------------------------------------------------------------------
    def read(self, count: int) -> bytes:
        if count > self.left:
            raise CheckpointError(
                f"the pickle needs {count} bytes where {self.left} are left: it is truncated, or larger than "
                f"{MOST_BYTES} bytes"
            )
        self.left -= count
        data = self.stream.read(count)
        if len(data) != count:
            raise CheckpointError("the pickle is truncated")
        return data

    def spend(self, amount: int) -> None:
        """Charge for copying `amount` items."""
        self.budget -= amount
        if self.budget < 0:
            raise CheckpointError("the pickle copies far more than it holds: a memo bomb?")

    def made(self, value: Any) -> Any:
        """Count an object that takes more memory than the instruction that makes it."""
        self.objects += 1
        if self.objects > _MOST_OBJECTS:
            raise CheckpointError(f"the pickle makes more than {_MOST_OBJECTS} objects")
        return value

    def key(self, key: Any, nested: bool = False) -> Any:
        """A key that hashes fast: numbers too long and tuples of tuples could be made to collide, or to take years."""
        kind = type(key)
        if kind is str or kind is bytes:
            if len(key) > _LONG_KEY:
                self.spend(len(key))
        elif kind is tuple and not nested:
            self.tuple_keys += 1
            if self.tuple_keys > _MOST_TUPLE_KEYS or len(key) > _LONG_KEY:
                raise CheckpointError(f"more than {_MOST_TUPLE_KEYS} keys are tuples, or one is that long")
            for part in key:
                self.key(part, nested=True)
        elif not (key is None or kind is bool or kind is float or (kind is int and -(2**63) <= key < 2**64)):
            raise CheckpointError(f"a key is of type {kind.__name__}; expected a string, a number or a tuple of them")
        return key

    # ---- instructions ------------------------------------------------------------------------------------
    def pop_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.marks.pop()
        return items

    def mark(self) -> None:
        self.marks.append(self.made(self.stack))
        self.stack = []

    def pop(self) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self.pop_mark()

    def protocol(self) -> None:
        (number,) = self.read(1)
        if number > 5:
            raise CheckpointError(f"the pickle has protocol {number}; 2 to 5 are read")

    def make_tuple(self, count: int) -> None:
        if len(self.stack) < count:
            raise IndexError
        self.stack[-count:] = [self.made(tuple(self.stack[-count:]))]

    def append(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise CheckpointError(f"the pickle appends to {type(target).__name__}, expected a list")
        target.extend(items)

    def set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) not in _MAPPINGS or len(items) % 2:
            raise CheckpointError(f"the pickle sets {len(items)} keys and values of {type(target).__name__}")
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[self.key(key)] = value

    def add_items(self) -> None:
        items, target = self.pop_mark(), self.stack[-1]
        if type(target) is not set:
            raise CheckpointError(f"the pickle adds to {type(target).__name__}, expected a set")
        target.update(self.key(item) for item in items)

    def put(self, index: int) -> None:
        self.memo[self.made(index)] = self.stack[-1]

    def get(self, index: int) -> None:
        self.stack.append(self.memo[index])

    def text(self, size: int) -> None:
        self.stack.append(self.read(size).decode("utf-8", "surrogatepass"))

    def text_of_python_2(self, size: int) -> None:
        data = self.read(size)
        try:
            self.stack.append(data.decode("utf-8"))
        except UnicodeDecodeError:
            self.stack.append(data)

    def global_name(self) -> None:
        module, name = (self.line() for _ in range(2))
        self.stack.append(self.lookup(module, name))

    def line(self) -> str:
        line = self.stream.readline(min(self.left, 300))
        self.left -= len(line)
        if not line.endswith(b"\n"):
            raise CheckpointError("the pickle names something of more than 300 letters, or is truncated")
        return line[:-1].decode("utf-8")

    def stack_global(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if type(module) is not str or type(name) is not str:
            raise CheckpointError("the pickle names something by what is no string")
        self.stack.append(self.lookup(module, name))

    def reduce(self) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        if type(function) is not Allowed or type(arguments) is not tuple:
            raise CheckpointError(f"the pickle calls {type(function).__name__}, which is no function that is allowed")
        self.spend(len(arguments))
        try:
            self.stack.append(self.made(function.call(self, *arguments)))
        except (TypeError, ValueError) as error:
            kinds = ", ".join(type(argument).__name__ for argument in arguments[:8])
            raise CheckpointError(f"the pickle calls {function.name}({kinds}): {error}") from error

    def build(self) -> None:
        """Set the state of an object: only what is known, or a hostile state could replace its methods."""
        state, target = self.stack.pop(), self.stack[-1]
        if type(target) is OrderedDict and type(state) is dict:
            if type(state.get("_metadata")) in _MAPPINGS:
                vars(target)["_metadata"] = state["_metadata"]
        elif type(target) is NumpyType:
            target.set_state(state)
        elif type(target) is np.ndarray:
            set_array_state(target, state)
            self.spend(target.nbytes)
        else:
            raise CheckpointError(f"the pickle sets the state of {type(target).__name__}, which has none")

    def persistent_object(self) -> None:
        if self.persistent is None:
            raise CheckpointError("the pickle refers to a storage where none can be")
        self.stack.append(self.persistent(self.stack.pop()))
