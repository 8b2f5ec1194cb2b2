"""A copy of a function, and of all functions that it calls, in which some global and captured values are others."""

from __future__ import annotations

import dis
from collections.abc import Callable, Iterator
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

Substitute = Callable[[str, Any], Any]


def body(kernel: Any) -> FunctionType:
    """The Python function of a kernel: itself, or what a Numba dispatcher compiles."""
    function = getattr(kernel, "py_func", kernel)
    if not isinstance(function, FunctionType):
        raise TypeError(f"a kernel is a Python function, or has one as py_func; got {type(kernel).__name__}")
    return function


def is_function(value: Any) -> bool:
    return isinstance(getattr(value, "py_func", value), FunctionType)


def globals_in(code: CodeType) -> Iterator[str]:
    """The global names that a function, and those defined inside it, look up."""
    yield from (i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME"))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from globals_in(constant)


class Proxy:
    """A module whose functions and names are replaced as globals are, when they are asked for."""

    def __init__(self, module: Any, replace: Callable[[str, Any], Any]):
        self.__dict__["module"], self.__dict__["replace"] = module, replace

    def __getattr__(self, name: str) -> Any:
        value = self.replace(name, getattr(self.module, name))
        self.__dict__[name] = value
        return value


class Rebinding:
    """Copies functions. `substitute(name, value)` returns the value to use, or NotImplemented for the default."""

    def __init__(self, substitute: Substitute, extra: dict[str, Any] | None = None):
        self.substitute, self.extra = substitute, extra or {}
        self.copies: dict[int, FunctionType] = {}

    def function(self, original: Any) -> FunctionType:
        source = body(original)
        if id(source) in self.copies:
            return self.copies[id(source)]
        names = dict(self.extra)
        cells = tuple(CellType() for _ in source.__closure__ or ())
        copy = FunctionType(source.__code__, names, source.__name__, None, cells)
        copy.__module__, copy.__qualname__, copy.__doc__ = source.__module__, source.__qualname__, source.__doc__
        self.copies[id(source)] = copy  # before its names: a function may call itself
        for cell, old, name in zip(cells, source.__closure__ or (), source.__code__.co_freevars, strict=True):
            cell.cell_contents = self.value(name, old.cell_contents)
        names["__builtins__"] = source.__globals__["__builtins__"]
        names["__name__"] = source.__globals__.get("__name__")
        for name in set(globals_in(source.__code__)) & source.__globals__.keys():
            names[name] = self.value(name, source.__globals__[name])
        if source.__defaults__:
            copy.__defaults__ = tuple(self.value("", v) for v in source.__defaults__)
        if source.__kwdefaults__:
            copy.__kwdefaults__ = {k: self.value(k, v) for k, v in source.__kwdefaults__.items()}
        return copy

    def value(self, name: str, value: Any) -> Any:
        new = self.substitute(name, value)
        if new is not NotImplemented:
            return new
        if is_function(value):
            return value if is_foreign(body(value)) else self.function(value)
        if isinstance(value, (ModuleType, Proxy)):
            return Proxy(value, self.value)
        return value


def called(function: Any, known: dict[int, FunctionType] | None = None) -> list[FunctionType]:
    """A function and all that it may call, itself first: by global and captured names, and through modules."""
    known = {} if known is None else known
    source = body(function)
    if id(source) in known:
        return []
    known[id(source)] = source
    outside = [source.__globals__.get(name) for name in globals_in(source.__code__)]
    outside += [cell.cell_contents for cell in source.__closure__ or ()]
    modules = [v for v in outside if isinstance(v, ModuleType) and not is_foreign(v)]
    outside += [getattr(m, name, None) for m in modules for name in source.__code__.co_names]
    found = [source]
    for value in outside:
        if is_function(value) and not is_foreign(body(value)):
            found += called(value, known)
    return found


def is_foreign(value: Any) -> bool:
    """Whether a function or module belongs to Numba or NumPy: never part of a kernel's own source."""
    name = getattr(value, "__module__", None) or value.__name__
    return str(name).split(".")[0] in ("numba", "numba_cuda", "numpy", "math", "operator", "builtins")
