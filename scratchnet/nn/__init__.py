"""Layers, losses and networks."""

from scratchnet.nn import init
from scratchnet.nn.containers import ModuleDict, ModuleList, Sequential
from scratchnet.nn.module import Module
from scratchnet.nn.parameter import Buffer, Parameter
from scratchnet.nn.parameter_containers import ParameterDict, ParameterList
