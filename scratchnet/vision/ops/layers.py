"""Modules that pool over regions of interest."""

from __future__ import annotations

from typing import Any

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.module import Module
from scratchnet.vision.ops import roi


class _RoIModule(Module):
    """What they share: settings that are handed to a function of the same name, and printed.

    Shapes: [N, C, H, W] and [K, 5] (or a list of [L, 4]) to [K, C, P, Q]; see the function.
    """

    function: Any
    settings: tuple[str, ...] = ("output_size", "spatial_scale", "sampling_ratio")

    def __init__(self, output_size: Any, spatial_scale: float, sampling_ratio: int = -1) -> None:
        super().__init__()
        self.output_size, self.spatial_scale, self.sampling_ratio = output_size, spatial_scale, sampling_ratio

    def forward(self, input: Tensor, rois: Tensor | list[Tensor]) -> Tensor:
        return type(self).function(input, rois, *(getattr(self, name) for name in self.settings))

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={getattr(self, name)}" for name in self.settings)


class RoIAlign(_RoIModule):
    __doc__ = f"See `roi_align`. {_RoIModule.__doc__}"
    function = staticmethod(roi.roi_align)
    settings = (*_RoIModule.settings, "aligned")

    def __init__(self, output_size: Any, spatial_scale: float, sampling_ratio: int, aligned: bool = False) -> None:
        super().__init__(output_size, spatial_scale, sampling_ratio)
        self.aligned = aligned


class PSRoIAlign(_RoIModule):
    __doc__ = f"See `ps_roi_align`. {_RoIModule.__doc__}"
    function = staticmethod(roi.ps_roi_align)

    def __init__(self, output_size: Any, spatial_scale: float, sampling_ratio: int) -> None:
        super().__init__(output_size, spatial_scale, sampling_ratio)


class RoIPool(_RoIModule):
    __doc__ = f"See `roi_pool`. {_RoIModule.__doc__}"
    function = staticmethod(roi.roi_pool)
    settings = ("output_size", "spatial_scale")

    def __init__(self, output_size: Any, spatial_scale: float) -> None:
        super().__init__(output_size, spatial_scale)


class PSRoIPool(_RoIModule):
    __doc__ = f"See `ps_roi_pool`. {_RoIModule.__doc__}"
    function = staticmethod(roi.ps_roi_pool)
    settings = ("output_size", "spatial_scale")

    def __init__(self, output_size: Any, spatial_scale: float) -> None:
        super().__init__(output_size, spatial_scale)
