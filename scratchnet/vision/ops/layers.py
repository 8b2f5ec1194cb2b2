"""Modules that pool over regions of interest."""

from __future__ import annotations

from typing import Any

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.module import Module
from scratchnet.vision.ops import roi


class _RoIModule(Module):
    """What they share: settings, in the order of a function's arguments, that are handed to it and printed."""

    function: Any

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.settings = tuple(settings)
        for name, value in settings.items():
            setattr(self, name, value)

    def forward(self, input: Tensor, rois: Tensor | list[Tensor]) -> Tensor:
        return type(self).function(input, rois, *(getattr(self, name) for name in self.settings))

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={getattr(self, name)}" for name in self.settings)


class RoIAlign(_RoIModule):
    """`roi_align` as a layer: its settings here, its input and boxes in the call.

    Shapes: [N, C, H, W] and [K, 5] (or a list of [L, 4]) to [K, C, P, Q]
    """

    function = staticmethod(roi.roi_align)

    def __init__(self, output_size: Any, spatial_scale: float, sampling_ratio: int, aligned: bool = False) -> None:
        super().__init__(
            output_size=output_size, spatial_scale=spatial_scale, sampling_ratio=sampling_ratio, aligned=aligned
        )


class PSRoIAlign(_RoIModule):
    """`ps_roi_align` as a layer: its settings here, its input and boxes in the call.

    Shapes: [N, C·P·Q, H, W] and [K, 5] (or a list of [L, 4]) to [K, C, P, Q]
    """

    function = staticmethod(roi.ps_roi_align)

    def __init__(self, output_size: Any, spatial_scale: float, sampling_ratio: int) -> None:
        super().__init__(output_size=output_size, spatial_scale=spatial_scale, sampling_ratio=sampling_ratio)


class RoIPool(_RoIModule):
    """`roi_pool` as a layer: its settings here, its input and boxes in the call.

    Shapes: [N, C, H, W] and [K, 5] (or a list of [L, 4]) to [K, C, P, Q]
    """

    function = staticmethod(roi.roi_pool)

    def __init__(self, output_size: Any, spatial_scale: float) -> None:
        super().__init__(output_size=output_size, spatial_scale=spatial_scale)


class PSRoIPool(_RoIModule):
    """`ps_roi_pool` as a layer: its settings here, its input and boxes in the call.

    Shapes: [N, C·P·Q, H, W] and [K, 5] (or a list of [L, 4]) to [K, C, P, Q]
    """

    function = staticmethod(roi.ps_roi_pool)

    def __init__(self, output_size: Any, spatial_scale: float) -> None:
        super().__init__(output_size=output_size, spatial_scale=spatial_scale)
