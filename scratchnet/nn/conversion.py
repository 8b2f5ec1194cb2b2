"""Changing all tensors of a module at once: dtype, device, gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np

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
        converted = Tensor(np.empty(0, np.float32)).to(*args, **kwargs)  # reads and checks the arguments
        if converted.array.dtype.kind != "f":
            raise TypeError(f"nn.Module.to only accepts floating point dtypes, but got desired dtype={converted.dtype}")
        return self._apply(lambda t: t.to(*args, **kwargs) if t.array.dtype.kind == "f" else t)

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
