"""An array that refuses to become a plain host array: a stand-in for one that lives on a GPU.

CuPy's arrays raise when NumPy wants their contents, when they meet a NumPy array in an operation, and Python
numbers made of them cost a transfer. An operation that works on a StrictArray, inside `forbid_host_arrays`,
does none of this.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

import numpy as np


class HostArrayError(TypeError):
    """An operation made a host array, or a Python number, of an array that may live elsewhere."""


class StrictArray(np.ndarray):
    """A numpy array that stays what it is: NumPy gives StrictArrays again, and what leaves is an error.

    Examples
    --------
    >>> x = np.ones(3).view(StrictArray)
    >>> type(np.exp(x).sum(keepdims=True)).__name__
    'StrictArray'
    >>> float(x.sum())
    Traceback (most recent call last):
    scratchnet.testing.strict_array.HostArrayError: float() of a StrictArray: the number would have to leave
    the device
    """

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        _refuse_mixture(f"numpy.{ufunc.__name__}", inputs)
        if out is not None:
            _refuse_mixture(f"numpy.{ufunc.__name__}(out=…)", out)
            kwargs["out"] = tuple(map(_plain, out))
        kwargs = {key: _plain(value) for key, value in kwargs.items()}
        result = getattr(ufunc, method)(*map(_plain, inputs), **kwargs)
        return out[0] if out is not None and len(out) == 1 else _strict(result)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        _refuse_mixture(f"numpy.{func.__name__}", _flatten((args, kwargs)))
        return _strict(func(*_plain(args), **_plain(kwargs)))

    def __repr__(self) -> str:
        return repr(_plain(self)).replace("array", "StrictArray", 1)

    def __getitem__(self, index: Any) -> Any:
        return _strict(_plain(self)[_plain(index)])  # one element: a 0-dimensional array, not a NumPy scalar

    def nonzero(self) -> Any:
        return _strict(_plain(self).nonzero())

    def __setitem__(self, index: Any, value: Any) -> None:
        _refuse_mixture("item assignment", [value])
        _plain(self)[_plain(index)] = _plain(value)


def _leaves_device(name: str, what: str) -> Any:
    def refuse(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise HostArrayError(f"{what} of a StrictArray: the number would have to leave the device")

    refuse.__name__ = name
    return refuse


for _name, _what in {
    "__float__": "float()", "__int__": "int()", "__index__": "an index made",
    "__complex__": "complex()", "__iter__": "iteration", "item": ".item()",
    "tolist": ".tolist()", "tobytes": ".tobytes()",
}.items():  # fmt: skip
    setattr(StrictArray, _name, _leaves_device(_name, _what))


@contextlib.contextmanager
def forbid_host_arrays() -> Iterator[None]:
    """Make `np.asarray` and its like raise when given a StrictArray; NumPy offers no hook for this.

    Examples
    --------
    >>> with forbid_host_arrays():
    ...     np.asarray(np.ones(3).view(StrictArray))
    Traceback (most recent call last):
    scratchnet.testing.strict_array.HostArrayError: numpy.asarray of a StrictArray: it would have to leave the
    device
    """
    names = ("array", "asarray", "ascontiguousarray", "asfortranarray", "asarray_chkfinite")
    with mock.patch.multiple(np, **{name: _guarded(name) for name in names}):
        yield


def _guarded(name: str) -> Any:
    original = getattr(np, name)

    def guard(*args: Any, **kwargs: Any) -> Any:
        if any(isinstance(x, StrictArray) for x in _flatten((args, {k: v for k, v in kwargs.items() if k != "like"}))):
            raise HostArrayError(f"numpy.{name} of a StrictArray: it would have to leave the device")
        return original(*args, **kwargs)

    return guard


def _refuse_mixture(name: str, values: Any) -> None:
    """Host arrays do not mix with those of a device. (NumPy scalars do: they are numbers.)"""
    for x in values:
        if isinstance(x, np.ndarray) and not isinstance(x, StrictArray):
            raise HostArrayError(
                f"{name} of a StrictArray and a numpy array of shape {x.shape}: make the other with like=, "
                "np.zeros_like, …"
            )


def _plain(value: Any) -> Any:
    if isinstance(value, StrictArray):
        return value.view(np.ndarray)
    if type(value) in (tuple, list):
        return type(value)(map(_plain, value))
    if type(value) is dict:
        return {key: _plain(item) for key, item in value.items()}
    return value


def _strict(value: Any) -> Any:
    if isinstance(value, np.generic):
        return np.asanyarray(value).view(StrictArray)
    if isinstance(value, np.ndarray):
        return value.view(StrictArray)
    if isinstance(value, tuple):
        items = [_strict(item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return [_strict(item) for item in value] if type(value) is list else value


def _flatten(value: Any) -> list:
    if isinstance(value, dict):
        value = list(value.values())
    if type(value) in (tuple, list):
        return [leaf for item in value for leaf in _flatten(item)]
    return [value]
