"""One batch on several devices."""

from __future__ import annotations

from typing import Any

from scratchnet.nn.module import Module


class DataParallel(Module):
    """Calls a module; with several devices torch would give each a part of the batch.

    Here there is one device, and so it does what torch's does without GPUs: it calls `module`, whose names in
    `state_dict` begin with "module.".

    Parameters
    ----------
    module : Module
    device_ids, output_device, dim
        Accepted for torch's sake: which devices, where the outputs go, and along which dimension a batch is split.
    """

    def __init__(self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0) -> None:
        super().__init__()
        self.module = module
        self.device_ids: list[int] = []

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)
