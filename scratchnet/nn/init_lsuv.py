"""Weights scaled by what a batch of data does in them."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.mode import no_grad
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.init_matrices import fill, orthogonal_
from scratchnet.nn.module import Module


def lsuv_(
    model: Module, batch: Any, tol: float = 0.1, max_iterations: int = 10, orthogonal: bool = True
) -> Module:
    """Layer-sequential unit variance: give every linear and convolutional layer outputs of variance 1.

        W = Q, orthogonal;  b = 0;  then from the first layer to the last   W = W / √Var(W x + b)

    until |Var − 1| < tol, where x is what the layers before, scaled already, make of the batch. No formula for the
    activation is needed, which is what sets it apart from Glorot's and He's.

    One pass of the model does it all: a layer is scaled when its input arrives, and passes on the scaled output. It
    runs in the mode that the model is in; in training mode BatchNorm takes note of the batch. A layer that is used
    several times is scaled at the first, and one that the batch does not reach only becomes orthogonal.

    Parameters
    ----------
    model : Module
    batch : Tensor, or tuple of the arguments of `model`
        One typical batch of inputs.
    tol : float
        How far from 1 a variance may be.
    max_iterations : int
        Divisions of one weight at most.
    orthogonal : bool
        Start from orthogonal weights and biases of 0; else from the present ones.

    Returns
    -------
    Module
        The model.

    Raises
    ------
    ValueError
        If the batch holds NaN or infinity, or the output of a layer has no positive, finite variance.

    Mishkin and Matas, "All you need is a good init", 2015.

    >>> from scratchnet import nn, randn
    >>> model = nn.init.lsuv_(nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4)), randn(64, 8))
    >>> abs(model(randn(64, 8)).var().item() - 1) < 1
    True
    """
    from scratchnet.nn.modules.conv import _Filters  # these import nn.init themselves
    from scratchnet.nn.modules.linear import Linear

    inputs = batch if isinstance(batch, tuple) else (batch,)
    for x in inputs:
        if isinstance(x, Tensor) and x.is_floating_point() and not np.isfinite(x.array).all():
            raise ValueError("lsuv_: the batch holds NaN or infinity")
    handles = []
    for name, layer in model.named_modules():
        if isinstance(layer, Linear | _Filters):
            if orthogonal:
                orthogonal_(layer.weight)
                if layer.bias is not None:
                    fill(layer.bias, 0)
            handles.append(layer.register_forward_hook(_scaling(name, tol, max_iterations)))
    try:
        with no_grad():
            model(*inputs)
    finally:
        for handle in handles:
            handle.remove()
    return model


def _scaling(name: str, tol: float, max_iterations: int) -> Any:
    """A hook that scales the layer's weight, at the first call, and gives the output of the scaled layer."""
    seen = False

    def hook(layer: Any, args: tuple, output: Tensor) -> Tensor:
        nonlocal seen
        if seen:
            return output
        seen = True
        for _ in range(max_iterations):
            variance = output.array.var(dtype=np.float64)
            if not 0 < variance < np.inf:
                raise ValueError(f"lsuv_: the output of layer {name!r} has variance {variance}; expected a positive one")
            if abs(variance - 1) < tol:
                break
            fill(layer.weight, layer.weight.array / layer.weight.dtype.type(np.sqrt(variance)))
            output = layer.forward(*args)
        return output

    return hook
