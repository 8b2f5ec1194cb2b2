"""check_layer: a module against torch's."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from scratchnet import Tensor
from scratchnet.testing.compare import compare, compare_gradients, flatten
from scratchnet.testing.to_torch import to_torch


def check_layer(
    ours: Any,
    theirs: Any,
    *inputs: Any,
    train: bool | None = None,
    grad: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    **kwargs: Any,
) -> None:
    """Give `ours` the weights of `theirs`, and compare all they do, in training and in evaluation mode.

    Compared are the keys, shapes and dtypes of the state_dict, names of the parameters, outputs, gradients of
    the inputs and of all parameters for random cotangents, and the state_dict (running statistics) after the
    call.

    Parameters
    ----------
    ours : scratchnet.nn.Module
    theirs : torch.nn.Module or str
        A string such as "Linear(3, 4)" is evaluated in `torch.nn`. It is given the dtype of the first
        floating-point input, and so is `ours`.
    *inputs, **kwargs
        numpy arrays, in tuples and lists too; other values are handed over as they are.
    train : bool, optional
        Only one of the modes. Default: both, training first.
    grad : bool
        Floating-point inputs require grad.
    rtol, atol : float, optional
        As for `check_against_torch`.

    Raises
    ------
    AssertionError
        Where the two differ.
    """
    if isinstance(theirs, str):
        theirs = _evaluate(theirs)
    floats = [x.dtype for x in flatten((inputs, kwargs)) if isinstance(x, np.ndarray) and x.dtype.kind == "f"]
    if floats:
        theirs, ours = theirs.to(to_torch(floats[0])), ours.to(floats[0])
    name = type(ours).__name__
    their_state = {key: value.numpy() for key, value in theirs.state_dict().items()}
    our_state = {key: value.array for key, value in ours.state_dict().items()}
    for what, index in (("keys", lambda s: list(s)), ("shapes", lambda s: {k: a.shape for k, a in s.items()}),
                        ("dtypes", lambda s: {k: a.dtype for k, a in s.items()})):  # fmt: skip
        a, b = index(our_state), index(their_state)
        assert a == b, f"{name}: {what} of the state_dict are {a}, in torch {b}"
    ours.load_state_dict({key: Tensor(value.copy()) for key, value in their_state.items()})
    for mode in (True, False) if train is None else (train,):
        _check_mode(ours.train(mode), theirs.train(mode), inputs, kwargs, grad, (rtol, atol))


def _check_mode(ours: Any, theirs: Any, inputs: tuple, kwargs: dict, grad: bool, tolerance: tuple) -> None:
    import torch

    from scratchnet.testing.compare import our_leaf, their_leaf, with_leaves

    name = f"{type(ours).__name__} in {'training' if ours.training else 'evaluation'}"
    (our_args, our_kwargs), our_leaves = with_leaves((inputs, kwargs), lambda a: our_leaf(a, grad))
    their_call, their_leaves = with_leaves((inputs, kwargs), lambda a: their_leaf(a, grad))
    their_args, their_kwargs = to_torch(their_call)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = theirs(*their_args, **their_kwargs)
    actual = ours(*our_args, **our_kwargs)
    compare(name, actual, expected, *tolerance)
    our_parameters, their_parameters = dict(ours.named_parameters()), dict(theirs.named_parameters())
    assert list(our_parameters) == list(their_parameters), (
        f"{name}: parameters {list(our_parameters)}, in torch {list(their_parameters)}"
    )
    our_inputs = [x for x in our_leaves if x.requires_grad]
    labels = [f"input {i}" for i, x in enumerate(our_leaves) if x.requires_grad]
    labels += [key for key, p in our_parameters.items() if p.requires_grad]
    compare_gradients(
        name,
        [y for y in flatten(actual) if isinstance(y, Tensor) and y.requires_grad],
        our_inputs + [p for p in our_parameters.values() if p.requires_grad],
        [y for y in flatten(expected) if isinstance(y, torch.Tensor) and y.requires_grad],
        [y for y in their_leaves if y.requires_grad] + [p for p in their_parameters.values() if p.requires_grad],
        tolerance,
        labels,
    )
    for key, value in theirs.state_dict().items():
        compare(f"{name}: {key} after the call", ours.state_dict()[key], value, *tolerance)


def _evaluate(text: str) -> Any:
    import torch

    return eval(text, vars(torch.nn))
