"""What goes in and out: checkpoints of torch's, read and written without torch."""

from scratchnet.interop.errors import CheckpointError
from scratchnet.interop.loading import load
from scratchnet.interop.saving import save

__all__ = ["CheckpointError", "load", "save"]
