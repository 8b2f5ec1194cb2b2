"""What can be wrong with a file."""

from __future__ import annotations


class CheckpointError(RuntimeError):
    """A file is no checkpoint, is damaged, does not fit, or holds what is not safe to read."""
