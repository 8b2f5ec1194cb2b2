"""Run one program in scratchnet and in torch, and require the same outcome: values, dtypes, answers, or the error's type.

A program is a function of the library, which it calls `F`; what it returns is compared.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import scratchnet


def leaf(F: Any, values: Any = (1.0, 2.0, 3.0), requires_grad: bool = True, dtype: str = "float64") -> Any:
    """A Tensor of the library `F`."""
    array = np.array(values, dtype)
    return torch.tensor(array, requires_grad=requires_grad) if F is torch else scratchnet.Tensor(array, requires_grad)


def constant(F: Any, values: Any = (1.0, 2.0, 3.0), dtype: str = "float64") -> Any:
    return leaf(F, values, False, dtype)


def outcome(program: Callable, F: Any) -> Any:
    """What the program returns, with arrays for Tensors; or the exception that it ends with."""
    with warnings.catch_warnings():
        if F is torch:
            warnings.simplefilter("ignore")
        try:
            return plain(program(F))
        except Exception as error:
            return error


def plain(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().numpy()
    if isinstance(value, scratchnet.Tensor):
        return value.array
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [plain(v) for v in value]
    return value


def assert_same(program: Callable) -> Any:
    """Run the program in both libraries and compare the outcomes. Returns ours."""
    ours, theirs = outcome(program, scratchnet), outcome(program, torch)
    compare(ours, theirs)
    return ours


def compared(program: Callable) -> Callable[[], None]:
    """Make of `test_…(F)` a test that the program works in both libraries, with the same outcome."""

    def test() -> None:
        ours = assert_same(program)
        if isinstance(ours, Exception):
            raise ours

    return _named(test, program)


def both_raise(error: type[Exception]) -> Callable[[Callable], Callable[[], None]]:
    """Make of `test_…(F)` a test that the program ends with this error in both libraries."""

    def decorate(program: Callable) -> Callable[[], None]:
        def test() -> None:
            assert type(assert_same(program)) is error

        return _named(test, program)

    return decorate


def _named(test: Callable, program: Callable) -> Callable:
    test.__name__, test.__qualname__, test.__doc__ = program.__name__, program.__qualname__, program.__doc__
    test.__module__ = program.__module__
    return test


def compare(ours: Any, theirs: Any, where: str = "outcome") -> None:
    if isinstance(ours, Exception) or isinstance(theirs, Exception):
        if type(ours) is not type(theirs):
            raise AssertionError(f"{where}: ours {ours!r}, torch's {theirs!r}") from (
                ours if isinstance(ours, Exception) else None
            )
    elif isinstance(theirs, np.ndarray):
        assert isinstance(ours, np.ndarray), f"{where}: ours {ours!r}, torch's {theirs!r}"
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype), where
        tolerance = 1e-10 if theirs.dtype == np.float64 else 1e-5
        np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance, err_msg=where)
    elif isinstance(theirs, list):
        assert len(ours) == len(theirs), f"{where}: ours {ours!r}, torch's {theirs!r}"
        for i, (a, b) in enumerate(zip(ours, theirs)):
            compare(a, b, f"{where}[{i}]")
    elif isinstance(theirs, dict):
        assert ours.keys() == theirs.keys(), where
        for k in theirs:
            compare(ours[k], theirs[k], f"{where}[{k!r}]")
    else:
        assert ours == theirs, f"{where}: ours {ours!r}, torch's {theirs!r}"
