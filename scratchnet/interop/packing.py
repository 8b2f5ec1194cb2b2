"""Arrays of a recorded reference as what `save` writes: each content once, small where that loses nothing."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor


@dataclass
class Thinned:
    """Every `step`-th number of an array of this shape, in its order in memory."""

    values: np.ndarray
    step: int
    shape: tuple[int, ...]

    @staticmethod
    def to(array: np.ndarray, most: int | None) -> np.ndarray | Thinned:
        """The array itself if it has not more than `most` numbers."""
        if most is None or array.size <= most:
            return array
        step = -(-array.size // most)
        while any(n > 1 and step % n == 0 for n in array.shape):  # would stay in one column
            step += 1
        return Thinned(array.ravel()[::step].copy(), step, array.shape)

    @classmethod
    def of(cls, values: np.ndarray, step: int, shape: tuple[int, ...]) -> Thinned:
        """What a file says; ValueError if the numbers are not so many."""
        if step < 1 or len(values) != -(-prod(shape) // step):
            raise ValueError(f"of {shape} every {step}th number is not {len(values)} numbers")
        return cls(values, step, shape)


class Packer:
    """Replaces arrays in nested containers by Tensors. Equal arrays become one Tensor, whose storage is written once."""

    def __init__(self) -> None:
        self.packed: dict[tuple, Any] = {}

    def __call__(self, value: Any) -> Any:
        if isinstance(value, np.ndarray | Thinned):
            return self.array(value)
        if isinstance(value, dict):
            return {key: self(item) for key, item in value.items()}
        if isinstance(value, tuple | list):
            return type(value)(map(self, value))
        return value

    def array(self, a: np.ndarray | Thinned) -> Any:
        if isinstance(a, Thinned):
            return {"thinned": self.array(a.values), "step": a.step, "shape": list(a.shape)}
        key = (a.dtype, a.shape, a.tobytes())
        if key not in self.packed:
            self.packed[key] = _narrow(a) or {"array": Tensor(a)}
        return self.packed[key]


def unpack(value: Any) -> Any:
    """What was packed."""
    if isinstance(value, dict):
        if value.keys() == {"array"}:
            return value["array"].array
        if value.keys() == {"int8", "exponent", "dtype"}:
            return np.ldexp(value["int8"].array.astype(value["dtype"]), value["exponent"])
        if value.keys() == {"thinned", "step", "shape"}:
            return Thinned.of(unpack(value["thinned"]), value["step"], tuple(value["shape"]))
        return {key: unpack(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(map(unpack, value))
    return value


def _narrow(a: np.ndarray) -> dict[str, Any] | None:
    """Floats that are small integers times one power of two, as these integers."""
    if a.dtype.kind != "f" or a.size < 64 or not np.isfinite(a).all():
        return None
    for exponent in range(0, -13, -1):
        scaled = np.ldexp(a, -exponent)
        if np.abs(scaled).max() > 127:
            return None
        if (scaled == np.rint(scaled)).all() and not np.signbit(a[a == 0]).any():
            return {"int8": Tensor(scaled.astype(np.int8)), "exponent": exponent, "dtype": a.dtype.name}
    return None
