"""`torch.amp` on a machine that computes in the dtypes it is given: mixed precision is accepted, and off."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from scratchnet.autograd.device import device

__all__ = ["GradScaler", "autocast"]


class autocast:
    """Lets a block, or a decorated function, compute in the dtypes of its tensors: nothing is cast.

    torch without a GPU does the same for `"cuda"`; for `"cpu"` it would compute in bfloat16, which is not here.
    """

    def __init__(
        self, device_type: str = "cuda", dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        self.device = device(device_type).type

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *error: Any) -> None:
        pass

    def __call__(self, function: Callable) -> Callable:
        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return inside


class GradScaler:
    """`torch.amp.GradScaler` as it is where it is not needed: the scale is 1, and `step` is the optimizer's."""

    def __init__(self, device: str = "cuda", enabled: bool = True, **options: Any) -> None:
        unknown = options.keys() - {"init_scale", "growth_factor", "backoff_factor", "growth_interval"}
        if unknown:
            raise TypeError(f"GradScaler got an unexpected keyword argument {min(unknown)!r}")

    def scale(self, outputs: Any) -> Any:
        """The losses as they are."""
        return outputs

    def unscale_(self, optimizer: Any) -> None:
        """Gradients are not scaled: nothing is to be undone."""

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """`optimizer.step(*args, **kwargs)`"""
        return optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """The scale stays 1."""

    def get_scale(self) -> float:
        return 1.0

    def is_enabled(self) -> bool:
        return False

    def state_dict(self) -> dict:
        return {}

    def load_state_dict(self, state_dict: dict) -> None:
        """Nothing is kept, as in torch's disabled scaler."""
