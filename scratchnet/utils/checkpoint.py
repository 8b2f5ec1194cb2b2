"""`scratchnet.autograd.checkpoint` at torch's address."""

from scratchnet.autograd.checkpoint import checkpoint, checkpoint_sequential

__all__ = ["checkpoint", "checkpoint_sequential"]
