"""Differentiable functions of Tensors, one family a file. Importing them attaches the methods to Tensor."""

from scratchnet.ops.arithmetic import *  # noqa: F403
