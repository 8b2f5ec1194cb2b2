"""scratchnet: PyTorch you can read."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as _np

from scratchnet import autograd, ops
from scratchnet.autograd import (
    Tensor,
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from scratchnet.autograd.device import device
from scratchnet.autograd.size import Size
from scratchnet.ops import *  # noqa: F403
from scratchnet.ops import linalg
from scratchnet.ops.promotion import get_default_dtype, set_default_dtype
from scratchnet.random import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)

__version__ = "0.1.0"

float16 = half = _np.dtype(_np.float16)
float32 = float = _np.dtype(_np.float32)
float64 = double = _np.dtype(_np.float64)
uint8 = _np.dtype(_np.uint8)
int8 = _np.dtype(_np.int8)
int16 = short = _np.dtype(_np.int16)
int32 = int = _np.dtype(_np.int32)
int64 = long = _np.dtype(_np.int64)
bool = _np.dtype(_np.bool_)
dtype = _np.dtype
pi, e, inf, nan = _np.pi, _np.e, _np.inf, _np.nan

# Imported when first used, so that `import scratchnet` stays quick.
_SUBPACKAGES = frozenset(
    """
    amp backends cli config cuda data distributions func interop kernels metrics nn optim study testing text training
    utils vision
    """.split()
)
# Functions of `nn.functional` that are methods of Tensor too.
_METHODS = frozenset(["hardshrink", "log_softmax", "prelu", "relu", "relu_", "softmax"])
# Those that torch has by the same name, with the same arguments, in `torch` itself.
_LAYERS = _METHODS | frozenset(
    """
    adaptive_avg_pool1d alpha_dropout avg_pool1d bilinear celu celu_ channel_shuffle conv1d conv2d conv3d conv_tbc
    conv_transpose1d conv_transpose2d conv_transpose3d cosine_similarity dropout feature_alpha_dropout
    group_norm layer_norm max_pool1d max_pool1d_with_indices max_pool2d max_pool3d native_channel_shuffle
    pairwise_distance pdist pixel_shuffle pixel_unshuffle rms_norm rrelu rrelu_ selu selu_ threshold threshold_
    """.split()
)
_CHECKPOINTS = frozenset(["load", "save"])
_RECURRENT = frozenset("lstm lstm_cell gru gru_cell rnn_tanh rnn_tanh_cell rnn_relu rnn_relu_cell".split())
_TYPED = frozenset(
    "FloatTensor DoubleTensor HalfTensor LongTensor IntTensor ShortTensor CharTensor ByteTensor BoolTensor".split()
)
_SWITCHES = frozenset(
    """
    are_deterministic_algorithms_enabled compile finfo get_num_threads iinfo set_num_threads
    use_deterministic_algorithms
    """.split()
)


class _MethodOfNN:
    """A method of Tensor that importing `nn.functional` defines: it does so when it is first looked up."""

    def __init__(self, name: str):
        self.name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        importlib.import_module("scratchnet.nn.functional")
        return getattr(owner if instance is None else instance, self.name)


for _name in _METHODS:
    setattr(Tensor, _name, _MethodOfNN(_name))


def __getattr__(name: str) -> Any:
    if name in _SUBPACKAGES:
        return importlib.import_module(f"scratchnet.{name}")
    if name in _LAYERS:
        return getattr(importlib.import_module("scratchnet.nn.functional"), name)
    if name in _RECURRENT:
        return getattr(importlib.import_module("scratchnet.nn.functional.recurrent_layers"), name)
    if name in _CHECKPOINTS:
        return getattr(importlib.import_module("scratchnet.interop"), name)
    if name in _TYPED:
        return getattr(importlib.import_module("scratchnet.ops.typed_tensors"), name)
    if name in _SWITCHES:
        return getattr(importlib.import_module("scratchnet.backends.switches"), name)
    raise AttributeError(
        f"module 'scratchnet' has no attribute {name!r}; docs/coverage.md lists which of torch's names are here"
    )


def __dir__() -> list[str]:
    return sorted({*globals(), *_SUBPACKAGES, *_LAYERS, *_RECURRENT, *_CHECKPOINTS, *_TYPED, *_SWITCHES})
