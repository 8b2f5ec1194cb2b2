"""What goes in and out: checkpoints of torch's, read and written without torch; models compared with torch's."""

from __future__ import annotations

import importlib
from typing import Any

from scratchnet.interop.errors import CheckpointError
from scratchnet.interop.loading import load
from scratchnet.interop.saving import save

__all__ = ["CheckpointError", "compare", "convert", "load", "record", "references", "replay", "save"]

# Imported when first used: who loads a checkpoint need not wait for them.
_LATER = {
    "compare": "comparing",
    "convert": "converting",
    "record": "reference",
    "references": "shipped",
    "replay": "comparing",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(importlib.import_module(f"scratchnet.interop.{_LATER[name]}"), name)
    raise AttributeError(f"module 'scratchnet.interop' has no attribute {name!r}")
