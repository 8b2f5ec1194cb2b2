"""Values in which tensors lie inside tuples, lists and dicts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor


class Mapped:
    """A function of the tensors in nested containers; whatever else is in them stays."""

    def __call__(self, value: Any, place: str = "") -> Any:
        if type(value) in (tuple, list):
            return type(value)(self(item, f"{place}[{i}]") for i, item in enumerate(value))
        if type(value) is dict:
            return {key: self(item, f"{place}.{key}") for key, item in value.items()}
        return self.leaf(value, place)

    def leaf(self, value: Any, place: str) -> Any:
        raise NotImplementedError


class _Described(Mapped):
    def leaf(self, value: Any, place: str) -> Any:
        if hasattr(value, "detach"):
            return to_array(value)
        if isinstance(value, tuple):  # a PackedSequence
            return tuple(self(item, place) for item in value)
        return value if is_plain(value) else None


described = _Described()


def leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """What nested tuples, lists and dicts contain, with its place."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{place}.{key}")
    elif isinstance(value, tuple | list):
        for i, item in enumerate(value):
            yield from leaves(item, f"{place}[{i}]")
    else:
        yield place, value


def to_array(t: Any) -> np.ndarray:
    """A copy of a tensor of either library; NumPy has no bfloat16, which becomes float32."""
    if isinstance(t, Tensor):
        return np.array(t.array)
    t = t.detach().cpu()
    return np.array((t.float() if str(t.dtype) == "torch.bfloat16" else t).numpy())


def is_plain(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return all(map(is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)
