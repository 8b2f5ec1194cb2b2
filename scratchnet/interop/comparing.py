"""`compare` and `replay`: the same run of a model of ours and of torch's, array by array."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from scratchnet.interop.comparison import Comparison
from scratchnet.interop.reference import Reference, check_ours, reference_of, run_ours
from scratchnet.interop.shipped import find

Loss = Callable[[Any], Any]


def compare(
    ours: Any,
    theirs: Any,
    inputs: Any,
    *,
    loss: Loss | tuple[Loss, Loss] | None = None,
    seed: int = 0,
    dtype: Any = None,
    train: bool | None = None,
    rtol: float | None = None,
    atol: float | None = None,
) -> Comparison:
    """Run a module of ours beside one of torch's, with its weights, and find the first number that differs.

    Copies of both run forward and backward, from the same seed (so that dropout drops the same elements) and from the
    same random gradient of every floating-point output. Compared are the inputs and outputs of every call of a module
    that both have, running statistics, the gradients of these outputs and inputs, and those of all parameters.

    Parameters
    ----------
    ours : scratchnet.nn.Module
        Gets `theirs.state_dict()`, and its modules get the modes, training or not, of those with the same names.
    theirs : torch.nn.Module
    inputs : tensor or array, tuple, dict
        Of either library; NumPy's floating-point arrays get the dtype of the model. A tuple is several arguments, a
        dict arguments by name.
    loss : callable or pair of callables, optional
        From the module's output to the number that is differentiated, in place of the random gradients. One that works
        on tensors of both libraries, or one for ours and one for torch's.
    seed : int
        Of the generators of both libraries, and of the random gradients.
    dtype : optional
        Both copies and floating-point inputs are converted to it. In float64 rounding does not hide differences.
    train : bool, optional
        Put both into training or evaluation mode. Default: `theirs` as it is.
    rtol, atol : float, optional
        Numbers agree if |ours − theirs| ≤ atol + rtol·|theirs|. Default: by dtype, those of `torch.testing.assert_close`.

    Returns
    -------
    Comparison
        Printed, it is a table. `ours`, `theirs` and the generators are as they were.

    Raises
    ------
    ImportError
        If torch is not installed.
    RuntimeError
        If the weights do not fit; the error has a table of what is missing, unexpected or of another shape.
    Exception
        Whatever one of the models raises, with a note that says which of the two, and in which layer.

    Examples
    --------
    >>> import torch
    >>> from scratchnet import interop, nn
    >>> interop.compare(nn.LayerNorm(4, eps=1e-3), torch.nn.LayerNorm(4), torch.eye(4)).likely_cause.text
    "eps is 0.001, torch's is 1e-05"
    """
    check_ours(ours)
    _check(rtol, atol)
    ours_loss, theirs_loss = loss if isinstance(loss, tuple) else (loss, loss)
    reference = reference_of(theirs, inputs, theirs_loss, seed, dtype, train)
    return Comparison(run_ours(ours, reference, ours_loss), reference, rtol, atol)


def replay(
    ours: Any,
    file: str | os.PathLike,
    *,
    loss: Loss | None = None,
    rtol: float | None = None,
    atol: float | None = None,
) -> Comparison:
    """As `compare`, with what `record` kept of torch's side. torch is not needed.

    Parameters
    ----------
    ours : scratchnet.nn.Module
        Is not changed.
    file : path
        Or the name of a reference that comes with the package: `references()` lists them.
    loss : callable, optional
        For a reference that was recorded with a loss: then ours is compared, too.
    rtol, atol : float, optional
        As for `compare`.

    Raises
    ------
    FileNotFoundError
    CheckpointError
        If the file is damaged, or no reference.
    RuntimeError
        If the weights do not fit.
    ValueError
        If there is a `loss`, and the reference was recorded without one.

    Examples
    --------
    >>> from scratchnet import interop, nn
    >>> interop.replay(nn.LSTM(3, 4, num_layers=2), "lstm").ok
    True
    """
    check_ours(ours)
    _check(rtol, atol)
    reference = Reference.load(find(file))
    if loss is not None and reference.observation.loss is None:
        raise ValueError(f"{os.fspath(file)} was recorded without a loss: there is none to compare with")
    return Comparison(run_ours(ours, reference, loss), reference, rtol, atol)


def _check(rtol: float | None, atol: float | None) -> None:
    for name, value in (("rtol", rtol), ("atol", atol)):
        if value is not None and not value >= 0:
            raise ValueError(f"{name} must be a number ≥ 0, got {value}")
