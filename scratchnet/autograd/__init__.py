"""The engine: Tensors that remember how they were made, and the walk back from a result to its causes."""

from scratchnet.autograd import functional
from scratchnet.autograd.anomaly import detect_anomaly, set_detect_anomaly
from scratchnet.autograd.checkpoint import checkpoint
from scratchnet.autograd.engine import backward, grad
from scratchnet.autograd.function import INPUTS, NOTHING, OUT, OUTPUT, Function
from scratchnet.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck
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

Variable = Tensor  # torch's old name

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
