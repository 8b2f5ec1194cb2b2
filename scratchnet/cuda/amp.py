"""`scratchnet.amp` at torch's old address, where `autocast` takes no device."""

from __future__ import annotations

from typing import Any

from scratchnet import amp
from scratchnet.amp import GradScaler

__all__ = ["GradScaler", "autocast"]


class autocast(amp.autocast):
    """`amp.autocast("cuda", …)`"""

    def __init__(self, enabled: bool = True, dtype: Any = None, cache_enabled: bool = True) -> None:
        super().__init__("cuda", dtype, enabled, cache_enabled)
