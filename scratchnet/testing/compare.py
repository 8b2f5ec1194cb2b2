"""The same call here and in torch: values, shapes, dtypes, gradients, refusals."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import scratchnet
from scratchnet import Tensor
from scratchnet.testing.to_torch import from_torch, to_torch

# relative and absolute tolerance by dtype: a few roundings, in whatever order the sums are taken
TOLERANCES = {"float64": (1e-9, 1e-10), "float32": (2e-5, 2e-6), "float16": (2e-3, 1e-3)}


def check_against_torch(
    fn: str | Callable[..., Any],
    *args: Any,
    torch_fn: Callable[..., Any] | None = None,
    grad: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    **kwargs: Any,
) -> None:
    """Make the same call here and in torch, and compare all that comes back.

    Compared are values, shapes and dtypes of the (nested) outputs, which of them require grad, the arguments
    after the call, the gradients of all floating-point arguments for random cotangents; and if torch raises,
    this must raise an exception of the same type.

    Parameters
    ----------
    fn : str or callable
        A name: "exp" stands for `scratchnet.exp` and `torch.exp`, "nn.functional.relu" and "Tensor.exp"
        likewise. Or a callable, and torch's counterpart as `torch_fn`.
    *args, **kwargs
        numpy arrays become Tensors on both sides, also inside lists and tuples; dtypes are translated; other
        values are handed over.
    grad : bool
        Floating-point arrays require grad.
    rtol, atol : float, optional
        Default: by dtype, 1e-9 for float64 and 2e-5 for float32.

    Raises
    ------
    AssertionError
        Where the two differ.

    Examples
    --------
    >>> check_against_torch("sum", np.arange(6.0).reshape(2, 3), dim=1, keepdim=True)
    >>> check_against_torch("Tensor.reshape", np.zeros(6), 4, 2)  # both refuse
    """
    import torch

    ours, theirs, name = _resolve(fn, torch_fn)
    tolerance = (rtol, atol)
    our_args, our_leaves = with_leaves((args, kwargs), lambda a: our_leaf(a, grad))
    their_args, their_leaves = with_leaves((args, kwargs), lambda a: their_leaf(a, grad))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected, refusal = _attempt(theirs, to_torch(their_args[0]), to_torch(their_args[1]))
    actual, our_refusal = _attempt(ours, *our_args)
    _compare_refusals(name, our_refusal, refusal)
    if refusal is not None:
        return
    compare(name, actual, expected, *tolerance)
    for i, (x, y) in enumerate(zip(our_leaves, their_leaves)):
        compare(f"{name}: argument {i} after the call", x.detach(), y.detach(), *tolerance)
    our_inputs, their_inputs = (
        [x for x in our_leaves if x.requires_grad],
        [y for y in their_leaves if y.requires_grad],
    )
    if grad and our_inputs:
        their_outputs = [y for y in flatten(expected) if isinstance(y, torch.Tensor) and y.requires_grad]
        our_outputs = [x for x in flatten(actual) if isinstance(x, Tensor) and x.requires_grad]
        compare_gradients(name, our_outputs, our_inputs, their_outputs, their_inputs, tolerance)


def compare_gradients(
    name: str,
    our_outputs: list,
    our_inputs: list,
    their_outputs: list,
    their_inputs: list,
    tolerance: tuple,
    labels: Any = None,
) -> None:
    """Gradients of the inputs, for the same random cotangents of the outputs. None counts as zeros."""
    import torch

    assert len(our_outputs) == len(their_outputs), (
        f"{name}: {len(our_outputs)} outputs require grad, in torch {len(their_outputs)}"
    )
    if not our_outputs:
        return
    rng = np.random.default_rng(5)
    cotangents = [rng.standard_normal(y.shape).astype(y.dtype) for y in our_outputs]
    theirs, refusal = _attempt(
        torch.autograd.grad,
        (their_outputs, their_inputs, [to_torch(Tensor(v)) for v in cotangents]),
        {"allow_unused": True},
    )
    ours, our_refusal = _attempt(
        scratchnet.autograd.grad,
        (our_outputs, our_inputs, [Tensor(v) for v in cotangents]),
        {"allow_unused": True},
    )
    _compare_refusals(f"{name}, backward", our_refusal, refusal)
    if refusal is not None:
        return
    for i, (g, h, x, y) in enumerate(zip(ours, theirs, our_inputs, their_inputs)):
        label = labels[i] if labels else f"argument {i}"
        g = Tensor(np.zeros_like(x.array)) if g is None else g
        compare(f"{name}: gradient of {label}", g, torch.zeros_like(y) if h is None else h, *tolerance)


def compare(name: str, actual: Any, expected: Any, rtol: float | None = None, atol: float | None = None) -> None:
    """Compare a result with torch's: Tensors, numbers, shapes, dtypes, and tuples, lists, dicts of them."""
    import torch

    if isinstance(expected, torch.Tensor):
        assert isinstance(actual, Tensor), f"{name}: got a {type(actual).__name__}, torch gives a Tensor"
        _compare_tensors(name, actual, expected, rtol, atol)
    elif isinstance(expected, dict):
        assert list(actual) == list(expected), f"{name}: keys {list(actual)}, in torch {list(expected)}"
        for key in expected:
            compare(f"{name}[{key!r}]", actual[key], expected[key], rtol, atol)
    elif isinstance(expected, torch.Size):
        assert tuple(actual) == tuple(expected), f"{name}: {tuple(actual)}, in torch {tuple(expected)}"
    elif isinstance(expected, tuple | list):
        kind = tuple if isinstance(expected, tuple) else list
        assert isinstance(actual, kind), f"{name}: got a {type(actual).__name__}, torch gives a {kind.__name__}"
        assert len(actual) == len(expected), f"{name}: {len(actual)} results, in torch {len(expected)}"
        for i, (a, b) in enumerate(zip(actual, expected)):
            compare(f"{name}[{i}]", a, b, rtol, atol)
    elif isinstance(expected, float):
        assert isinstance(actual, float), f"{name}: got a {type(actual).__name__}, torch gives a float"
        close = np.isclose(actual, expected, rtol=rtol or 1e-9, atol=atol or 1e-10, equal_nan=True)
        assert close, f"{name}: {actual}, in torch {expected}"
    else:
        expected = from_torch(expected)
        assert type(actual) is type(expected), f"{name}: got {actual!r}, torch gives {expected!r}"
        assert actual == expected, f"{name}: {actual!r}, in torch {expected!r}"


def _compare_tensors(name: str, actual: Tensor, expected: Any, rtol: float | None, atol: float | None) -> None:
    theirs = expected.detach().numpy()
    assert tuple(actual.shape) == theirs.shape, f"{name}: shape {tuple(actual.shape)}, in torch {theirs.shape}"
    assert actual.dtype == theirs.dtype, f"{name}: dtype {actual.dtype}, in torch {theirs.dtype}"
    assert actual.requires_grad == expected.requires_grad, (
        f"{name}: requires_grad is {actual.requires_grad}, in torch {expected.requires_grad}"
    )
    default_rtol, default_atol = TOLERANCES.get(str(theirs.dtype), (0, 0))
    rtol, atol = default_rtol if rtol is None else rtol, default_atol if atol is None else atol
    np.testing.assert_allclose(
        actual.array, theirs, rtol, atol, equal_nan=True, err_msg=f"{name}: (desired is torch's)"
    )


def _compare_refusals(name: str, ours: Exception | None, theirs: Exception | None) -> None:
    if ours is None and theirs is None:
        return
    if theirs is None:
        raise AssertionError(f"{name}: raises {type(ours).__name__}: {ours}\nbut torch does not") from ours
    if ours is None:
        raise AssertionError(f"{name}: gives a result, but torch raises {type(theirs).__name__}: {theirs}")
    a, b = _builtin(ours), _builtin(theirs)
    if not (issubclass(a, b) or issubclass(b, a)) or Exception in (a, b):
        raise AssertionError(f"{name}: raises {a.__name__}: {ours}\nbut torch {b.__name__}: {theirs}") from ours


def _builtin(error: Exception) -> type:
    """The built-in exception that an exception is a kind of."""
    return next(cls for cls in type(error).__mro__ if cls.__module__ == "builtins")


# ---- making the call ---------------------------------------------------------------------------------------
def _resolve(fn: str | Callable, torch_fn: Callable | None) -> tuple[Callable, Callable, str]:
    import torch

    if callable(fn):
        if torch_fn is None:
            raise ValueError("check_against_torch: a callable needs its counterpart in torch, as torch_fn")
        return fn, torch_fn, getattr(fn, "__name__", str(fn))
    ours: Any = scratchnet
    theirs: Any = torch
    for part in fn.split("."):
        ours, theirs = getattr(ours, part), getattr(theirs, part)
    return ours, torch_fn or theirs, fn


def _attempt(fn: Callable, args: Any, kwargs: Any) -> tuple[Any, Exception | None]:
    try:
        return fn(*args, **kwargs), None
    except Exception as error:
        return None, error


def our_leaf(array: Any, grad: bool) -> Tensor:
    return Tensor(array.copy(order="K"), requires_grad=grad and array.dtype.kind == "f")


def their_leaf(array: Any, grad: bool) -> Any:
    return to_torch(Tensor(array)).requires_grad_(grad and array.dtype.kind == "f")


def with_leaves(value: Any, leaf: Callable[[Any], Any]) -> tuple[Any, list]:
    """The value with every numpy array in it made a leaf, and the leaves."""
    leaves: list = []

    def visit(v: Any) -> Any:
        if isinstance(v, np.ndarray):
            leaves.append(leaf(v))
            return leaves[-1]
        if isinstance(v, dict):
            return {key: visit(item) for key, item in v.items()}
        if type(v) in (tuple, list):
            return type(v)(map(visit, v))
        if isinstance(v, slice):
            return slice(visit(v.start), visit(v.stop), visit(v.step))
        return v

    return visit(value), leaves


def flatten(value: Any) -> list:
    """The leaves of nested tuples, lists and dicts."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, tuple | list):
        return [leaf for item in value for leaf in flatten(item)]
    return [value]
