"""`scratchnet.autograd.checkpoint` at torch's address."""

from scratchnet.autograd import checkpoint

__all__ = ["checkpoint"]
