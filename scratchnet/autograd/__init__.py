"""The engine: Tensors that remember how they were made, and the walk back from a result to its causes."""

import importlib
from typing import Any

from scratchnet.autograd.anomaly import detect_anomaly, set_detect_anomaly
from scratchnet.autograd.checkpoint import checkpoint
from scratchnet.autograd.engine import backward, grad
from scratchnet.autograd.function import INPUTS, NOTHING, OUT, OUTPUT, Function
from scratchnet.autograd.mode import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from scratchnet.autograd.tensor import Tensor
from scratchnet.autograd.torch_style import once_differentiable
from scratchnet.autograd.variable import Variable

# Imported when first used, so that `import scratchnet` stays quick: name -> module that has it.
_LATER = {
    "GradcheckError": "gradient_check",
    "gradcheck": "gradient_check",
    "gradgradcheck": "gradient_check",
    "functional": "functional",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'scratchnet.autograd' has no attribute {name!r}")
    module = importlib.import_module(f"scratchnet.autograd.{_LATER[name]}")
    return getattr(module, name, module)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})

__all__ = [
    "INPUTS",
    "NOTHING",
    "OUT",
    "OUTPUT",
    "Function",
    "GradcheckError",
    "Tensor",
    "Variable",
    "backward",
    "checkpoint",
    "detect_anomaly",
    "enable_grad",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_grad",
    "once_differentiable",
    "set_detect_anomaly",
    "set_grad_enabled",
]
