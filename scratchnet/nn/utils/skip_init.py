"""Layers without initial values."""

from __future__ import annotations

import inspect
from typing import Any, TypeVar

from scratchnet.nn.init_skipping import skipped
from scratchnet.nn.module import Module

M = TypeVar("M", bound=Module)


def skip_init(module_cls: type[M], *args: Any, **kwargs: Any) -> M:
    """Make a module whose parameters are not initialised: quicker, if their values are to be loaded anyway.

    Parameters
    ----------
    module_cls : class
        Its `__init__` must accept `device`, and initialise by the functions of `nn.init`.
    *args, **kwargs
        Its arguments.

    Raises
    ------
    RuntimeError
        If it is no module class or does not accept `device`.
    """
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    with skipped():
        return module_cls(*args, **kwargs)
