"""Where an array lives."""

from __future__ import annotations

from typing import Any


class device:
    """A place for arrays: `device("cpu")`, `device("cuda")`, `device("cuda", 1)`."""

    __slots__ = ("index", "type")
    type: str
    index: int | None

    def __init__(self, type: str | device, index: int | None = None) -> None:
        if isinstance(type, device):
            given = type
            type, index = given.type, given.index
        if not isinstance(type, str):
            raise TypeError(f"device: expected a str like 'cpu' or a device, got {type!r}")
        name, _, number = type.partition(":")
        if name not in ("cpu", "cuda"):
            raise RuntimeError(f"expected one of cpu, cuda as device type, got {type!r}")
        if number:
            if index is not None or not number.isdigit():
                raise RuntimeError(f"invalid device string: {type!r}")
            index = int(number)
        self.type, self.index = name, index

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):  # a convenience that torch does not have: x.device == "cpu"
            other = device(other)
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        return f"device(type={self.type!r}" + (")" if self.index is None else f", index={self.index})")


CPU = device("cpu")


def device_of(array: Any) -> device:
    """The device of an array: CUDA for one that offers the CUDA array interface, else the CPU."""
    if hasattr(array, "__cuda_array_interface__"):
        return device("cuda", array.device.id)
    return CPU


def check_device(where: str | device | None) -> device:
    """Refuse a device that arrays cannot be made on here."""
    place = CPU if where is None else device(where)
    if place.type != "cpu":
        raise RuntimeError(f"device {place} is not available: this version of scratchnet computes on the CPU only")
    return place
