"""Convolutional layers: cross-correlation with learned filters, and its transpose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.functional.arguments import ints
from scratchnet.nn.module import Module
from scratchnet.nn.modules.factory import positive, set_initial_values, unset

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _Filters(Module):
    """The options, the filters and the bias that all convolutional layers have; `dims` is what they differ in."""

    dims: ClassVar[int]
    function: ClassVar[Callable[..., Tensor]]
    transposed = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        output_padding: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        self.in_channels = positive(in_channels, name, "in_channels")
        self.out_channels = positive(out_channels, name, "out_channels")
        self.kernel_size = ints(kernel_size, self.dims, name, "kernel_size")
        self.stride = ints(stride, self.dims, name, "stride")
        self.padding: Any = padding if isinstance(padding, str) else ints(padding, self.dims, name, "padding")
        self.dilation = ints(dilation, self.dims, name, "dilation")
        self.output_padding = ints(output_padding, self.dims, name, "output_padding")
        self.groups, self.padding_mode = groups, padding_mode
        self._check_options()
        self.weight = unset(self._weight_shape(), device, dtype)
        self.register_parameter("bias", unset(out_channels, device, dtype) if bias else None)
        self.reset_parameters()

    def _check_options(self) -> None:
        if self.groups <= 0:
            raise ValueError(f"groups must be a positive integer, got {self.groups}")
        for argument in ("in_channels", "out_channels"):
            self._check_divisible(argument)
        if isinstance(self.padding, str):
            if self.padding not in ("same", "valid"):
                raise ValueError(f"Invalid padding string {self.padding!r}, should be one of 'same', 'valid'")
            if self.padding == "same" and max(self.stride) > 1:
                raise ValueError(f"padding='same' is not supported for strided convolutions, got stride={self.stride}")
        if self.padding_mode not in _PADDING_MODES:
            raise ValueError(
                f"padding_mode must be one of {set(_PADDING_MODES)}, but got padding_mode='{self.padding_mode}'"
            )

    def _check_divisible(self, argument: str) -> None:
        channels = getattr(self, argument)
        if channels % self.groups:
            raise ValueError(f"{argument} must be divisible by groups, got {channels} and groups={self.groups}")

    def _weight_shape(self) -> tuple[int, ...]:
        channels = (self.out_channels, self.in_channels)
        first, second = channels[::-1] if self.transposed else channels
        return first, second // self.groups, *self.kernel_size

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        set_initial_values(self.weight, self.bias)

    def extra_repr(self) -> str:
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        neutral = {"padding": 0, "dilation": 1, "output_padding": 0}
        parts += [f"{k}={getattr(self, k)}" for k, v in neutral.items() if getattr(self, k) != (v,) * self.dims]
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        return ", ".join(parts)


class _Conv(_Filters):
    """Convolution over `dims` dimensions; `Conv2d` has the documentation."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias, padding_mode, device, dtype
        )
        self._pad_widths = self._widths()

    def _widths(self) -> tuple[int, ...]:
        """What `functional.pad` is to add, (left, right, top, bottom, …), from the last dimension backwards."""
        if self.padding == "valid":
            return (0,) * (2 * self.dims)
        if self.padding == "same":
            totals = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size)]
            sides = [(total // 2, total - total // 2) for total in totals]
        else:
            sides = [(p, p) for p in self.padding]
        return tuple(width for side in reversed(sides) for width in side)

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight, self.bias)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._pad_widths, mode=self.padding_mode), 0
        function = type(self).function
        return function(input, weight, bias, self.stride, padding, self.dilation, self.groups)


class Conv1d(_Conv):
    """Cross-correlation of signals [N, in_channels, L] with a bank of filters; parameters as in `Conv2d`."""

    dims, function = 1, staticmethod(F.conv1d)


class Conv2d(_Conv):
    """Cross-correlation of images with a bank of filters, see `functional.conv2d`.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, dilation : int or (int, int)
    padding : int, (int, int), "same" or "valid"
    groups : int
        Divides both numbers of channels.
    bias : bool
        Whether every filter has a number that is added.
    padding_mode : "zeros", "reflect", "replicate" or "circular"
        What lies beyond the edges.
    device, dtype
        Of the parameters.

    Attributes
    ----------
    weight : [out_channels, in_channels / groups, *kernel_size], bias : [out_channels]
        Initial values are drawn from U(−k, k), k = 1 / √(in_channels / groups · kernel area).

    Shapes: [N, in_channels, H, W] to [N, out_channels, OH, OW]; without N for one image

    Raises
    ------
    ValueError
        If groups does not divide the channels, or a padding or padding_mode is unknown.
    """

    dims, function = 2, staticmethod(F.conv2d)


class Conv3d(_Conv):
    """Cross-correlation of volumes [N, in_channels, D, H, W] with a bank of filters; parameters as in `Conv2d`."""

    dims, function = 3, staticmethod(F.conv3d)


class _ConvTranspose(_Filters):
    """Transposed convolution over `dims` dimensions; `ConvTranspose2d` has the documentation."""

    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}, got {padding_mode!r}')
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        """The result, of `output_size` (of the spatial dimensions, or all) where several sizes are possible."""
        extra = self.output_padding if output_size is None else self._extra(input, list(output_size))
        function = type(self).function
        return function(
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
        )

    def _extra(self, input: Tensor, wanted: list[int]) -> tuple[int, ...]:
        """The output_padding that makes the result as large as wanted."""
        leading = input.ndim - self.dims
        if len(wanted) == leading + self.dims:
            wanted = wanted[leading:]
        if len(wanted) != self.dims:
            raise ValueError(
                f"{type(self).__name__}: for an input of shape {tuple(input.shape)}, output_size must have {self.dims} or "
                f"{leading + self.dims} elements, got {len(wanted)}"
            )
        axes = zip(input.shape[leading:], self.stride, self.padding, self.dilation, self.kernel_size)
        smallest = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in axes]
        largest = [n + s - 1 for n, s in zip(smallest, self.stride)]
        if any(not low <= n <= high for low, n, high in zip(smallest, wanted, largest)):
            raise ValueError(
                f"{type(self).__name__}: requested an output size of {wanted}, but valid sizes range from {smallest} to "
                f"{largest} for an input of size {tuple(input.shape[leading:])}"
            )
        return tuple(n - low for n, low in zip(wanted, smallest))


class ConvTranspose1d(_ConvTranspose):
    """Transposed convolution of signals [N, in_channels, L]; parameters as in `ConvTranspose2d`."""

    dims, function = 1, staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_ConvTranspose):
    """The transpose of a convolution, which enlarges images by its stride, see `functional.conv_transpose2d`.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, padding, dilation : int or (int, int)
        Of the convolution that this is the transpose of.
    output_padding : int or (int, int)
        Rows and columns more at the end of the result.
    groups : int
    bias : bool
    padding_mode : "zeros"
    device, dtype
        Of the parameters.

    Attributes
    ----------
    weight : [in_channels, out_channels / groups, *kernel_size], bias : [out_channels]
        Initial values are drawn from U(−k, k), k = 1 / √(out_channels / groups · kernel area).

    Shapes: [N, in_channels, H, W] to [N, out_channels, OH, OW]; without N for one image

    Raises
    ------
    ValueError
        If groups does not divide the channels, or an output size is asked for that the stride cannot give.
    """

    dims, function = 2, staticmethod(F.conv_transpose2d)


class ConvTranspose3d(_ConvTranspose):
    """Transposed convolution of volumes [N, in_channels, D, H, W]; parameters as in `ConvTranspose2d`."""

    dims, function = 3, staticmethod(F.conv_transpose3d)
