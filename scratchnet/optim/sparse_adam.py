"""Adam of sparse gradients, which do not exist here."""

from __future__ import annotations

from typing import Any

from scratchnet.optim.optimizer import Optimizer


class SparseAdam(Optimizer):
    """Not supported: gradients are dense here; use `Adam`."""

    def __init__(self, params: Any, *args: Any, **options: Any) -> None:
        raise NotImplementedError("SparseAdam: gradients are never sparse here; use Adam")
