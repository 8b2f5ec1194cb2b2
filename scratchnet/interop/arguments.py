"""What a module is called with, in whichever library's tensors it came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from scratchnet.interop.nested import is_plain, to_array


def full_name(value: Any) -> str:
    """What an object is, where both libraries have a class of that name."""
    kind = value if isinstance(value, type) else type(value)
    return f"{'the class ' if kind is value else ''}{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")


def as_arguments(inputs: Any, dtype: str | None, of_arrays: str | None) -> tuple[tuple, dict[str, Any]]:
    """Positional and keyword arguments with arrays in place of tensors.

    Parameters
    ----------
    dtype : str, optional
        Of all that is floating-point.
    of_arrays : str, optional
        Without it, of those that were NumPy arrays.
    """

    def cast(a: np.ndarray, dtype: str | None) -> np.ndarray:
        return a.astype(dtype) if dtype and a.dtype.kind == "f" else a

    def convert(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: convert(item) for key, item in value.items()}
        if type(value) in (tuple, list):
            return type(value)(map(convert, value))
        if hasattr(value, "detach"):
            return cast(to_array(value), dtype)
        if isinstance(value, np.ndarray | np.generic):
            return cast(np.array(value), dtype or of_arrays)
        if not is_plain(value):
            raise TypeError(f"inputs have {full_name(value)} among them, expected tensors, arrays, numbers or strings")
        return value

    if isinstance(inputs, Mapping):
        return (), convert(inputs)
    return convert(tuple(inputs)) if type(inputs) in (tuple, list) else (convert(inputs),), {}


def dtype_name(dtype: Any) -> str:
    """ "float64" for NumPy's, torch's and our dtype of that name, and for the name itself.

    Raises
    ------
    ValueError
        If it is no floating-point dtype that both libraries have.
    """
    try:
        name = np.dtype(dtype if isinstance(dtype, str | type | np.dtype) else str(dtype).removeprefix("torch.")).name
    except TypeError:
        name = str(dtype)
    if name not in ("float16", "float32", "float64"):
        raise ValueError(f"expected dtype float16, float32 or float64, got {dtype}")
    return name
