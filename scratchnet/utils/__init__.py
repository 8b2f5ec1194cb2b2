"""torch's addresses for things that live elsewhere here: `utils.data` and `utils.checkpoint`."""

from scratchnet.utils import checkpoint, data

__all__ = ["checkpoint", "data"]
