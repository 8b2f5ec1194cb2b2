"""Modules that hold modules: in a chain, a list, a dict."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, overload

from scratchnet.nn.module import Module, _indent, typename


class _Listed(Module):
    """What Sequential and ModuleList share: children named "0", "1", …, found by position."""

    def _position(self, index: Any) -> int:
        i, n = operator.index(index), len(self._modules)
        if not -n <= i < n:
            raise IndexError(f"index {i} is out of range for {n} modules")
        return i % n

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: Any) -> Any:
        children = list(self._modules.values())
        if isinstance(index, slice):
            return self._of(children[index], list(self._modules)[index])
        return children[self._position(index)]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, list(self._modules)[self._position(index)], module)

    def __delitem__(self, index: int | slice) -> None:
        children = list(self._modules.values())
        del children[index if isinstance(index, slice) else self._position(index)]
        self._renumber(children)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())  # type: ignore[arg-type]

    def __add__(self, other: Iterable[Module]) -> Self:
        return self._of([*self, *other], None)

    def __iadd__(self, other: Iterable[Module]) -> Self:
        return self.extend(other)

    def append(self, module: Module) -> Self:
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add several modules at the end."""
        if not isinstance(modules, Iterable):
            raise TypeError(
                f"{type(self).__name__}.extend should be called with an iterable, but got {typename(modules)}"
            )
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Any:
        """Put a module before that at `index`."""
        children = list(self)
        children.insert(index, module)
        self._renumber(children)

    def pop(self, key: int | slice) -> Module:
        """Take a module out and return it."""
        module = self[key]
        del self[key]
        return module

    def _renumber(self, children: list) -> None:
        self._modules.clear()
        self._modules.update((str(i), child) for i, child in enumerate(children))

    def _of(self, children: list, names: list[str] | None) -> Any:
        """A container of the same kind."""
        raise NotImplementedError


class Sequential(_Listed):
    """Modules called one after the other, each with the result of the one before.

    `Sequential(a, b)` names them "0" and "1"; `Sequential(OrderedDict(first=a, second=b))` gives names.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        named = args[0].items() if len(args) == 1 and isinstance(args[0], OrderedDict) else enumerate(args)
        for name, module in named:
            self.add_module(str(name) if isinstance(name, int) else name, module)

    def forward(self, input: Any) -> Any:
        for module in self._modules.values():
            input = module(input)  # type: ignore[misc]
        return input

    def insert(self, index: int, module: Module) -> Self:
        """Put a module before that at `index`."""
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}")
        n = len(self)
        if not -n <= index <= n:
            raise IndexError(f"Index out of range: {index}")
        super().insert(index, module)
        return self

    def __add__(self, other: Iterable[Module]) -> Self:
        if not isinstance(other, Sequential):
            raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
        return super().__add__(other)

    def __iadd__(self, other: Iterable[Module]) -> Self:
        if not isinstance(other, Sequential):
            raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
        return self.extend(other)

    def __mul__(self, times: int) -> Self:
        if not isinstance(times, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(times)}")
        if times <= 0:
            raise ValueError(f"Non-positive multiplication factor {times} for {type(self)}")
        return self._of(list(self) * times, None)

    __rmul__ = __mul__

    def _of(self, children: list, names: list[str] | None) -> Any:
        return type(self)(*children) if names is None else type(self)(OrderedDict(zip(names, children)))


class ModuleList(_Listed):
    """A list of modules, which `parameters()` and the like find. It is not called itself."""

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def _of(self, children: list, names: list[str] | None) -> Any:
        return type(self)(children)

    def __repr__(self) -> str:
        """As any module, but a run of equal children is printed once: `(0-2): 3 x Linear(…)`."""
        runs: list[list] = []  # [first, last, text]
        for i, text in enumerate(map(repr, self)):
            if runs and runs[-1][2] == text:
                runs[-1][1] = i
            else:
                runs.append([i, i, text])
        if not runs:
            return f"{self._get_name()}()"
        lines = [
            f"({a}): {_indent(text)}" if a == b else f"({a}-{b}): {b - a + 1} x {_indent(text)}" for a, b, text in runs
        ]
        return f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)"


class ModuleDict(Module):
    """A dict of modules, which `parameters()` and the like find. It is not called itself."""

    def __init__(self, modules: Any = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]  # type: ignore[return-value]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: str) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Remove all."""
        self._modules.clear()

    def pop(self, key: str) -> Module:
        """Take a module out and return it."""
        module = self[key]
        del self[key]
        return module

    def keys(self) -> Any:
        return self._modules.keys()

    def values(self) -> Any:
        return self._modules.values()

    def items(self) -> Any:
        return self._modules.items()

    def update(self, modules: Any) -> None:
        """Add the modules of a mapping, or of an iterable of pairs."""
        for key, module in pairs(modules, "ModuleDict.update"):
            self[key] = module


def pairs(values: Any, caller: str) -> list:
    if isinstance(values, Mapping) or (isinstance(values, Module) and hasattr(values, "items")):
        return list(values.items())
    if not isinstance(values, Iterable):
        raise TypeError(
            f"{caller} should be called with an iterable of key/value pairs, but got {type(values).__name__}"
        )
    pairs = [tuple(pair) if isinstance(pair, Iterable) else pair for pair in values]
    for i, pair in enumerate(pairs):
        if not isinstance(pair, tuple):
            raise TypeError(f"{caller}: element {i} should be a pair, but is {typename(pair)}")
        if len(pair) != 2:
            raise ValueError(f"{caller}: element {i} has length {len(pair)}; 2 is required")
    return pairs
