"""Penalties on the size of parameters, to be added to a loss."""

from __future__ import annotations

import fnmatch
import functools
import operator
from collections.abc import Callable, Iterable

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.module import Module


def l1_penalty(module: Module, names: str | Iterable[str] = "*") -> Tensor:
    """Σ |w| over the parameters of a module: many become 0, or nearly so.

        loss = criterion(net(x), y) + 1e-4 * l1_penalty(net, "*.weight")

    Its gradient is sign(w), also for the least w, and 0 for w = 0: a step of gradient descent goes past 0 where
    |w| < lr · λ, so weights end near 0 but rarely at it. No optimizer has an option for it.

    Tibshirani, "Regression Shrinkage and Selection via the Lasso", 1996.

    Parameters
    ----------
    module : Module
    names : str or several
        Patterns of names as in `named_parameters`, with * for any text ("*.weight" is no bias, "head.*" one part). A
        parameter counts once, if any of them fits and it requires grad.

    Returns
    -------
    []

    Raises
    ------
    ValueError
        If a pattern fits no parameter that requires grad: a misspelt one would go unnoticed.
    """
    return _total(module, names, ops.abs, "l1_penalty")


def l2_penalty(module: Module, names: str | Iterable[str] = "*") -> Tensor:
    """½ Σ w² over the parameters of a module, whose gradient is w.

    How λ · l2_penalty differs from an optimizer's `weight_decay` = λ:

    - With SGD, momentum or not, it is the same, and so it is with Adam, RMSprop, Adagrad, …, which add λ w to the
      gradient too. All of these divide both by the size of past gradients: large gradients, little decay.
    - AdamW's (and Muon's, LAMB's, …) takes lr · λ · w from w directly, past those averages: that is no penalty on any loss
      (Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019).
    - `weight_decay` is for all parameters of a group, biases and the weights of normalisation among them, where it helps
      little; `names` chooses. And it is not seen in the value of the loss, nor in clipped gradients' norms.

    Parameters, returns, raises: as `l1_penalty`.
    """
    return _total(module, names, ops.square, "l2_penalty") / 2


def _total(module: Module, names: str | Iterable[str], size: Callable[[Tensor], Tensor], function: str) -> Tensor:
    parameters = {name: p for name, p in module.named_parameters() if p.requires_grad}
    chosen: dict[str, Tensor] = {}
    for pattern in [names] if isinstance(names, str) else names:
        fitting = {name: p for name, p in parameters.items() if fnmatch.fnmatchcase(name, pattern)}
        if not fitting:
            raise ValueError(
                f"{function}: {pattern!r} is the name of no parameter that requires grad; there are {list(parameters)}"
            )
        chosen |= fitting
    if not chosen:
        raise ValueError(f"{function}: no names are given")
    return functools.reduce(operator.add, [size(p).sum() for p in chosen.values()])
