"""NumPy functions on Tensors: `np.exp(x)` is `x.exp()`, with its gradient.

NumPy asks the arguments of its functions whether they want to do the work (NEP 13 and NEP 18). A Tensor does,
if there is an operation here that means the same. Where there is none, NumPy works on the arrays and
returns arrays, but only if no
Tensor requires grad: a gradient is never lost silently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor, method

__all__: list[str] = []

# NumPy's name: ours, where they differ. Other elementwise functions of one name mean the same.
_ELEMENTWISE = {
    "absolute": "abs", "power": "pow", "rint": "round", "invert": "bitwise_not", "divide": "div",
    "equal": "eq",
}  # fmt: skip
_TENSORS_ONLY = {
    "maximum",
    "minimum",
    "fmax",
    "fmin",
    "arctan2",
    "hypot",
    "logaddexp",
    "logaddexp2",
}  # numbers refused

# All others that mean the same here, but for the names of their arguments.
_FUNCTIONS = {
    name: name
    for name in (
        *("sum", "mean", "prod", "any", "all", "argmax", "argmin", "cumsum", "cumprod", "std", "var"),
        *("trace", "nansum", "argsort", "argwhere", "count_nonzero", "where", "inner", "outer", "tensordot"),
        *("einsum", "nan_to_num", "reshape", "ravel", "squeeze", "moveaxis", "swapaxes", "broadcast_to"),
        *("stack", "hstack", "vstack"),
        *("dstack", "column_stack", "tile", "roll", "flip", "rot90", "fliplr", "flipud", "tril", "triu"),
        *("diag", "diagonal", "diagflat", "atleast_1d", "atleast_2d", "atleast_3d"),
        *("zeros_like", "ones_like", "full_like", "empty_like"),
    )
} | {
    "max": "amax", "amax": "amax", "min": "amin", "amin": "amin", "clip": "clamp", "concatenate": "cat",
    "transpose": "permute", "expand_dims": "unsqueeze", "repeat": "repeat_interleave", "round": "round",
    "take_along_axis": "take_along_dim",
    "array_split": "tensor_split",
    "broadcast_arrays": "broadcast_tensors", "copy": "clone", "shape": "size", "ndim": "dim", "size": "numel",
}  # fmt: skip
_LINALG = {"norm", "inv", "det", "slogdet", "solve", "cholesky", "qr", "svd", "eigh", "pinv", "matrix_power"}

_ARGUMENTS = {
    "axis": "dim", "keepdims": "keepdim", "axes": "dims", "reps": "dims", "shift": "shifts", "axis1": "dim1",
    "axis2": "dim2", "a_min": "min", "a_max": "max", "ddof": "correction",
}  # fmt: skip


@method()
def __array_ufunc__(
    self: Tensor, ufunc: np.ufunc, call: str, *inputs: Any, out: Any = None, **kwargs: Any
) -> Any:
    """`np.add(x, y)`, and also `array + x`."""
    name = _ELEMENTWISE.get(ufunc.__name__, ufunc.__name__)
    operation = _find(name)
    if call == "__call__" and operation is not None and out is None and not kwargs:
        operands = [_operand(x) for x in inputs]
        if name in _TENSORS_ONLY:
            operands = [x if isinstance(x, Tensor) else Tensor(np.array(x)) for x in operands]
        return operation(*operands)
    if out is not None:
        kwargs["out"] = out
    writes_first = (inputs[0],) if call == "at" else ()
    return _on_arrays(
        f"np.{ufunc.__name__}", getattr(ufunc, call), inputs, kwargs, (*writes_first, *(out or ()))
    )


@method()
def __array_function__(self: Tensor, function: Callable, types: Any, args: tuple, kwargs: dict) -> Any:
    """`np.concatenate([x, y], axis=1)`, and all others that are not elementwise."""
    name = function.__name__
    if function.__module__ == "numpy.linalg":
        from scratchnet.ops import linalg

        operation = getattr(linalg, name) if name in _LINALG else None
    else:
        operation = _matmul if name == "dot" else _find(_FUNCTIONS.get(name, ""))
    if operation is None or kwargs.get("out") is not None:
        return _on_arrays(f"np.{name}", function, args, kwargs, (kwargs.get("out"),))
    return operation(*map(_operand, args), **_renamed(name, args, kwargs))


def _renamed(name: str, args: tuple, kwargs: dict) -> dict:
    """Keyword arguments under our names, with NumPy's defaults where ours are others."""
    named = {_ARGUMENTS.get(k, k): v for k, v in kwargs.items() if v is not None}
    if name in ("std", "var"):
        named.setdefault("correction", 0)
    if name in ("tril", "triu", "diag", "diagflat") and "k" in named:
        named["offset" if name == "diagflat" else "diagonal"] = named.pop("k")
    if name in ("flip", "roll") and "dim" in named:
        named["dims"] = named.pop("dim")
    if name in ("transpose", "flip") and len(args) == 1 and "dims" not in named:
        named["dims"] = tuple(range(args[0].array.ndim))[:: -1 if name == "transpose" else 1]
    return named


def _matmul(a: Tensor, b: Tensor) -> Tensor:
    """np.dot: the same as matmul for vectors and matrices."""
    if not (1 <= a.array.ndim <= 2 and 1 <= b.array.ndim <= 2):
        raise TypeError("np.dot of a Tensor is for vectors and matrices only: use matmul, mul or tensordot")
    return _find("matmul")(a, b)


def _find(name: str) -> Any:
    """The operation of this name, a function or a method."""
    from scratchnet import ops

    return getattr(ops, name, None) or (getattr(Tensor, name, None) if name else None)


def _operand(x: Any) -> Any:
    """Arrays as Tensors, NumPy scalars as Python numbers: what operations take."""
    if isinstance(x, np.ndarray):
        return Tensor(x)
    if isinstance(x, np.generic):
        return x.item()
    return type(x)(map(_operand, x)) if isinstance(x, tuple | list) else x


def _on_arrays(name: str, function: Callable, args: Any, kwargs: dict, written: tuple) -> Any:
    """Let NumPy do it, if nothing is lost."""
    if any(isinstance(x, Tensor) for x in written):
        raise TypeError(
            f"{name} cannot write into a Tensor: use the operations in place, which the engine can follow"
        )
    if any(x.requires_grad for x in _tensors((args, kwargs))):
        raise TypeError(
            f"{name} has no counterpart here (or not with these arguments), and NumPy would lose the "
            "gradient of a Tensor that requires grad. Use .detach() if that is meant."
        )
    return function(*_arrays(args), **_arrays(kwargs))


def _tensors(x: Any) -> Iterator[Tensor]:
    if isinstance(x, Tensor):
        yield x
    elif isinstance(x, dict):
        yield from _tensors(list(x.values()))
    elif isinstance(x, tuple | list):
        for item in x:
            yield from _tensors(item)


def _arrays(x: Any) -> Any:
    if isinstance(x, Tensor):
        return x.array
    if isinstance(x, dict):
        return {k: _arrays(v) for k, v in x.items()}
    return type(x)(map(_arrays, x)) if isinstance(x, tuple | list) else x
