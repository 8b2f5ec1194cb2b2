"""Layers, losses and networks."""

from scratchnet.nn import functional, init, modules, parameter, utils
from scratchnet.nn.lazy import UninitializedBuffer, UninitializedParameter
from scratchnet.nn.modules import *  # noqa: F403
from scratchnet.nn.parameter import Buffer, Parameter
