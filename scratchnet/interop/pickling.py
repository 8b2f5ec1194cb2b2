"""Writes the pickle of a checkpoint: protocol 2, in the words that `torch.load(weights_only=True)` knows."""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict
from typing import Any

import numpy as np

from scratchnet.autograd.device import device
from scratchnet.autograd.size import Size
from scratchnet.autograd.tensor import Tensor
from scratchnet.interop.storages import Storages
from scratchnet.interop.structure import MOST_DEPTH
from scratchnet.nn.parameter import Parameter

# dtype → (storage type, dtype) of torch's
TORCH_NAMES = {
    np.dtype(code): (f"{storage}Storage", name)
    for code, storage, name in (
        ("f8", "Double", "float64"), ("f4", "Float", "float32"), ("f2", "Half", "float16"), ("i8", "Long", "int64"),
        ("i4", "Int", "int32"), ("i2", "Short", "int16"), ("i1", "Char", "int8"), ("u1", "Byte", "uint8"),
        ("?", "Bool", "bool"),
    )
}  # fmt: skip


class Pickler:
    """Writes one object; a second pass, once all tensors are known, tells which of them share memory.

    Attributes
    ----------
    flat : list of numpy.ndarray
        The storages, in the order of their keys.
    """

    def __init__(self, value: Any) -> None:
        self.tensors: dict[int, Tensor] = {}
        self.open: set[int] = set()
        self._collect(value, "the object")
        self.order = {key: i for i, key in enumerate(self.tensors)}
        storages = Storages([tensor.array for tensor in self.tensors.values()])
        self.flat, self.views = storages.flat, storages.views
        self.out = bytearray(b"\x80\x02")
        self.memo: dict[Any, int] = {}
        self.kept: list[Any] = []  # what the memo knows by its id must not be freed
        self._write(value)
        self.out += b"."

    # ---- first pass --------------------------------------------------------------------------------------
    def _collect(self, value: Any, place: str) -> None:
        """Find all tensors, and refuse what cannot be written."""
        if isinstance(value, Tensor):
            if value.array.dtype.newbyteorder("=") not in TORCH_NAMES:
                raise TypeError(f"save: torch has no dtype for the {value.array.dtype} tensor at {place}")
            self.tensors[id(value)] = value
        elif isinstance(value, dict | list | tuple | set):
            if id(value) in self.open:
                raise ValueError(f"save: {place} contains itself")
            if len(self.open) >= MOST_DEPTH:
                raise ValueError(f"save: {place} is nested deeper than {MOST_DEPTH} levels")
            self.open.add(id(value))
            pairs = value.items() if isinstance(value, dict) else enumerate(value)
            for key, item in pairs:
                if isinstance(value, dict):
                    self._collect(key, f"a key of {place}")
                self._collect(item, f"{place}[{key!r}]" if len(place) < 200 else place)
            self.open.discard(id(value))
        elif not (
            value is None or isinstance(value, bool | int | float | str | bytes | np.generic | np.dtype | device)
        ):
            hint = "; make a Tensor of it" if isinstance(value, np.ndarray) else ""
            raise TypeError(f"save: cannot write {type(value).__name__} at {place}{hint}")

    # ---- second pass -------------------------------------------------------------------------------------
    def _write(self, value: Any) -> None:
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or isinstance(value, bool):
            self.out += {None: b"N", True: b"\x88", False: b"\x89"}[value]
        elif isinstance(value, int):
            self._integer(int(value))
        elif isinstance(value, float):
            self.out += b"G" + struct.pack(">d", value)
        elif isinstance(value, str):
            self._once(("text", value), lambda: self._text(value))
        elif isinstance(value, bytes):
            self._call("_codecs", "encode", value.decode("latin1"), "latin1")
        elif isinstance(value, np.dtype):
            self._global("torch", self._name(value)[1])
        elif isinstance(value, device):
            self._call("torch", "device", *([value.type] if value.index is None else [value.type, value.index]))
        else:
            self.kept.append(value)
            self._once(id(value), lambda: self._object(value))

    def _object(self, value: Any) -> None:
        if isinstance(value, Parameter):
            self._named("torch._utils", "_rebuild_parameter")
            self.out += b"("
            self._tensor(value, False)
            self._write(value.requires_grad)
            self._call("collections", "OrderedDict")
            self.out += b"tR"
        elif isinstance(value, Tensor):
            self._tensor(value, value.requires_grad)
        elif isinstance(value, Size):
            self._call("torch", "Size", tuple(value))
        elif isinstance(value, tuple):
            self.out += b"("
            for item in value:
                self._write(item)
            self.out += b"t"
        elif isinstance(value, list):
            self.out += b"]("
            for item in value:
                self._write(item)
            self.out += b"e"
        elif isinstance(value, set):
            self._call("__builtin__", "set", list(value))
        elif isinstance(value, Counter):
            self._call("collections", "Counter", dict(value))
        else:
            self._mapping(value)

    def _mapping(self, value: dict) -> None:
        ordered = isinstance(value, OrderedDict)
        if ordered:
            self._call("collections", "OrderedDict")
        else:
            self.out += b"}"
        self.out += b"("
        for key, item in value.items():
            self._write(key)
            self._write(item)
        self.out += b"u"
        metadata = getattr(value, "_metadata", None)
        if ordered and isinstance(metadata, dict):
            self._write({"_metadata": metadata})
            self.out += b"b"

    def _tensor(self, tensor: Tensor, requires_grad: bool) -> None:
        """_rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks)."""
        view = self.views[self.order[id(tensor)]]
        flat = self.flat[view.storage]
        self._named("torch._utils", "_rebuild_tensor_v2")
        self.out += b"(("
        self._write("storage")
        self._named("torch", self._name(flat.dtype)[0])
        for item in (str(view.storage), "cpu", flat.size):
            self._write(item)
        self.out += b"tQ"
        for part in (view.offset, view.shape, view.strides, requires_grad):
            self._write(part)
        self._call("collections", "OrderedDict")
        self.out += b"tR"

    def _name(self, dtype: np.dtype) -> tuple[str, str]:
        if dtype not in TORCH_NAMES:
            raise TypeError(f"save: torch has no dtype {dtype}")
        return TORCH_NAMES[dtype]

    def _call(self, module: str, name: str, *arguments: Any) -> None:
        self._named(module, name)
        self.out += b"("
        for argument in arguments:
            self._write(argument)
        self.out += b"tR"

    def _named(self, module: str, name: str) -> None:
        self._once(("name", module, name), lambda: self._global(module, name))

    def _global(self, module: str, name: str) -> None:
        self.out += f"c{module}\n{name}\n".encode()

    def _text(self, text: str) -> None:
        data = text.encode("utf-8", "surrogatepass")
        self.out += b"X" + struct.pack("<I", len(data)) + data

    def _integer(self, value: int) -> None:
        if -(2**31) <= value < 2**31:
            self.out += b"J" + struct.pack("<i", value)
            return
        data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        if len(data) > 255:
            raise ValueError(f"save: an integer of {value.bit_length()} bits is too long")
        self.out += b"\x8a" + bytes([len(data)]) + data

    def _once(self, key: Any, write: Any) -> None:
        """Write it the first time, and afterwards refer to that: what was one object is one object again."""
        if key in self.memo:
            self.out += b"j" + struct.pack("<I", self.memo[key])
            return
        write()
        self.memo[key] = len(self.memo)
        self.out += b"r" + struct.pack("<I", self.memo[key])
