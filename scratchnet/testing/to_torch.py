"""Values in torch's terms, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet import Tensor, device
from scratchnet.autograd.size import Size


def to_torch(value: Any) -> Any:
    """Tensors (copied, in the same layout), dtypes, devices and shapes as torch's, also inside containers."""
    import torch

    if isinstance(value, Tensor):
        array = np.array(value.array, order="K")
        return torch.from_numpy(array) if all(s >= 0 for s in array.strides) else torch.from_numpy(array.copy())
    if isinstance(value, np.dtype):
        return torch.from_numpy(np.zeros(0, value)).dtype
    if isinstance(value, device):
        return torch.device(str(value))
    if isinstance(value, dict):
        return {key: to_torch(item) for key, item in value.items()}
    if type(value) in (tuple, list):
        return type(value)(map(to_torch, value))
    return value


def from_torch(value: Any) -> Any:
    """The reverse of `to_torch`."""
    import torch

    if isinstance(value, torch.Tensor):
        return Tensor(value.detach().numpy().copy())
    if isinstance(value, torch.dtype):
        return torch.zeros(0, dtype=value).numpy().dtype
    if isinstance(value, torch.device):
        return device(str(value))
    if isinstance(value, torch.Size):
        return Size(value)
    if isinstance(value, dict):
        return {key: from_torch(item) for key, item in value.items()}
    if type(value) in (tuple, list):
        return type(value)(map(from_torch, value))
    return value
