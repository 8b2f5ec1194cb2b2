"""torch's old constructors, `FloatTensor(2, 3)` and `LongTensor([1, 2])`: sizes, or numbers, and a dtype in the name."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.size import Size, sizes_of
from scratchnet.autograd.tensor import Tensor

__all__ = [
    "FloatTensor", "DoubleTensor", "HalfTensor", "LongTensor", "IntTensor", "ShortTensor", "CharTensor", "ByteTensor",
    "BoolTensor",
]  # fmt: skip


class _TypedTensor(type):
    """The class of these constructors: a tensor is an instance of the one with its dtype."""

    dtype: np.dtype

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.array.dtype == cls.dtype

    def __call__(cls, *given: Any) -> Tensor:
        if not given:
            return Tensor(np.empty(0, cls.dtype))
        first = given[0]
        if len(given) == 1 and not isinstance(first, int | np.integer):
            return cls._of(first)
        return Tensor(np.empty(sizes_of(cls.__name__, given), cls.dtype))

    def _of(cls, data: Any) -> Tensor:
        if isinstance(data, Size):
            return Tensor(np.empty(data, cls.dtype))
        if isinstance(data, Tensor):
            if data.array.dtype != cls.dtype:
                raise TypeError(f"{cls.__name__}(): expected a tensor of {cls.dtype}, got {data.array.dtype}: convert it")
            return data.detach()
        if not hasattr(data, "__len__"):
            raise TypeError(f"{cls.__name__}(): data must be a sequence (got {type(data).__name__})")
        return Tensor(np.array(data, dtype=cls.dtype))


def _typed(name: str, dtype: Any) -> Any:
    doc = f"A tensor of {np.dtype(dtype)}: `{name}(2, 3)` of sizes, unfilled; `{name}([1, 2])` of numbers."
    return _TypedTensor(name, (), {"dtype": np.dtype(dtype), "__doc__": doc, "__module__": __name__})


FloatTensor = _typed("FloatTensor", np.float32)
DoubleTensor = _typed("DoubleTensor", np.float64)
HalfTensor = _typed("HalfTensor", np.float16)
LongTensor = _typed("LongTensor", np.int64)
IntTensor = _typed("IntTensor", np.int32)
ShortTensor = _typed("ShortTensor", np.int16)
CharTensor = _typed("CharTensor", np.int8)
ByteTensor = _typed("ByteTensor", np.uint8)
BoolTensor = _typed("BoolTensor", np.bool_)
