"""Changing all tensors of a module at once: dtype, device, gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from scratchnet.autograd.device import check_device
from scratchnet.autograd.device import device as Device
from scratchnet.autograd.mode import no_grad
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.parameter import reset_gradient
from scratchnet.nn.traversal import Traversal


class Conversion(Traversal):
    """The part of `Module` that converts what it holds, in place."""

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Put `fn(t)` into every parameter, its gradient, and every buffer.

        Parameters and gradients stay the same objects, so that an optimizer made before still knows them.
        """
        if recurse:
            for module in self.children():
                module._apply(fn)
        with no_grad():
            for parameter in self._parameters.values():
                if parameter is not None:
                    gradient = parameter.grad
                    parameter.data = fn(parameter)
                    if gradient is not None:
                        gradient.data = fn(gradient)
            for name, buffer in self._buffers.items():
                if buffer is not None:
                    self._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Convert all floating-point parameters and buffers, in place.

        `to(dtype)`, `to(device)`, `to(device, dtype)` or `to(tensor)` for the tensor's dtype and device.

        Raises
        ------
        TypeError
            For a dtype that is not floating-point, or arguments of another kind.
        RuntimeError
            For a device that does not exist.
        """
        place, dtype = parse_to(*args, **kwargs)
        if place is not None:
            check_device(place)
        if dtype is not None and dtype.kind != "f":
            raise TypeError(f"nn.Module.to only accepts floating point dtypes, but got desired dtype={dtype}")
        if dtype is None:
            return self
        return self._apply(lambda t: t.to(dtype) if t.array.dtype.kind == "f" else t)

    def type(self, dst_type: Any) -> Self:
        """Convert all parameters and buffers, integer ones too."""
        return self._apply(lambda t: t.to(np.dtype(dst_type)))

    def float(self) -> Self:
        """Convert all floating-point parameters and buffers to float32."""
        return self.to(np.dtype(np.float32))

    def double(self) -> Self:
        """Convert all floating-point parameters and buffers to float64."""
        return self.to(np.dtype(np.float64))

    def half(self) -> Self:
        """Convert all floating-point parameters and buffers to float16."""
        return self.to(np.dtype(np.float16))

    def cpu(self) -> Self:
        """Move all parameters and buffers to the CPU."""
        return self.to("cpu")

    def cuda(self, device: int | None = None) -> Self:
        """Move all parameters and buffers to a GPU."""
        return self.to(Device("cuda", device))

    # ---- gradients ---------------------------------------------------------------------------------------
    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Say for all parameters whether they are to be learned; False freezes the module."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or set them to zero."""
        for parameter in self.parameters():
            reset_gradient(parameter, set_to_none)


def parse_to(*args: Any, **kwargs: Any) -> tuple[Device | None, np.dtype | None]:
    """The device and dtype meant by the arguments of `to`; either may be None."""
    kwargs.pop("non_blocking", None)
    kwargs.pop("memory_format", None)
    place, dtype = kwargs.pop("device", None), kwargs.pop("dtype", None)
    if "tensor" in kwargs:
        args = (kwargs.pop("tensor"), *args)
    if kwargs:
        raise TypeError(f"to() received an unexpected keyword argument {next(iter(kwargs))!r}")
    for i, x in enumerate(args):
        if isinstance(x, Tensor):
            place, dtype = x.device, x.array.dtype
        elif isinstance(x, bool) and i > 0:  # non_blocking
            continue
        elif isinstance(x, str | Device):
            place = x
        elif x is not None:
            dtype = x
    try:
        dtype = None if dtype is None else np.dtype(dtype)
    except TypeError:
        raise TypeError(f"to() expects a device, a dtype or a Tensor, got {dtype!r}") from None
    return None if place is None else Device(place), dtype
