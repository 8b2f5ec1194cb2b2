"""Layers as modules, one family a file; they compute with the functions of the same file in `nn.functional`."""

from scratchnet.nn.containers import ModuleDict, ModuleList, Sequential
from scratchnet.nn.module import Module
from scratchnet.nn.modules.activation import (
    ELU,
    GELU,
    LeakyReLU,
    LogSigmoid,
    LogSoftmax,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from scratchnet.nn.modules.conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from scratchnet.nn.modules.dropout import Dropout, Dropout1d, Dropout2d
from scratchnet.nn.modules.embedding import Embedding
from scratchnet.nn.modules.flatten import Flatten, Unflatten
from scratchnet.nn.modules.fold import Fold, Unfold
from scratchnet.nn.modules.linear import Identity, Linear
from scratchnet.nn.modules.loss import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    MSELoss,
    NLLLoss,
    SmoothL1Loss,
)
from scratchnet.nn.modules.norm import BatchNorm1d, BatchNorm2d, LayerNorm
from scratchnet.nn.modules.pooling import AdaptiveAvgPool2d, AvgPool2d, MaxPool2d
from scratchnet.nn.parameter_containers import ParameterDict, ParameterList
