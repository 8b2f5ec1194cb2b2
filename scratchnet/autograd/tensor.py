"""The Tensor: an array, and how it came to be.

Only the engine's part is here: identity, history, gradient. Operations (`x.exp()`, `x + y`, …) are defined in
`scratchnet.ops` and attach themselves to the class with `@method`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from scratchnet.autograd.device import device as Device
from scratchnet.autograd.device import device_of
from scratchnet.autograd.mode import INFERENCE, modes
from scratchnet.autograd.size import Size, sizes_of

if TYPE_CHECKING:
    from scratchnet.autograd.function import Function
    from scratchnet.autograd.view import View


class Tensor:
    """An n-dimensional array that remembers the operation that made it.

    Attributes
    ----------
    array : numpy.ndarray
        The numbers. Changes made to it directly are not seen by the engine; use the in-place operations.
    grad : Tensor or None
        dL/d(self), after `L.backward()`, for leaves (and after `retain_grad` for others).
    requires_grad : bool
        Whether operations on this tensor are recorded.
    grad_fn : Function or None
        The operation that made it; None for a leaf.
    """

    # _counter: a list of one number, shared by all tensors over the same memory. _view: whose view this is, if of any.
    __slots__ = ("__dict__", "__weakref__", "_counter", "_grad", "_hooks", "_needs_grad", "_node", "_view", "array")
    __hash__ = object.__hash__

    def __init__(
        self, array: Any = (), requires_grad: bool = False, node: Function | None = None, *more_sizes: Any
    ) -> None:
        if array.__class__ is not ndarray:
            if array.__class__ is int:  # Tensor(2, 3): the others are sizes too
                given = (array, *(() if requires_grad is False else (requires_grad,)), *(() if node is None else (node,)))
                array, requires_grad, node = np.empty(sizes_of("Tensor", (*given, *more_sizes)), np.float32), False, None
            array = _as_array(array)
        self.array = array
        self._needs_grad = requires_grad
        self._node = node
        self._grad: Tensor | None = None
        self._counter: list[int] = [0]
        self._view: View | None = None
        self._hooks: dict | None = None

    # ---- history ---------------------------------------------------------------------------------------------
    @property
    def requires_grad(self) -> bool:
        if self._view is not None:
            self._view.refresh(self)
        return self._needs_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Record operations on this tensor from now on (or stop, for a leaf). Only for floating-point tensors."""
        if not requires_grad and self.grad_fn is not None:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed "
                "variable in a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
            )
        if requires_grad and self.array.dtype.kind != "f":
            raise RuntimeError(f"only Tensors of floating point dtype can require gradients, got {self.array.dtype}")
        if requires_grad and self._counter is INFERENCE and not modes.inference:
            raise RuntimeError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
        self._needs_grad = requires_grad
        return self

    @property
    def grad_fn(self) -> Function | None:
        if self._view is not None:
            self._view.refresh(self)
        node = self._node
        return node.source if node is not None else None

    @property
    def is_leaf(self) -> bool:
        """True if no recorded operation made it: gradients are accumulated in `grad` of leaves."""
        return self.grad_fn is None

    @property
    def output_nr(self) -> int:
        return 0 if self._node is None else self._node.output_nr

    def is_inference(self) -> bool:
        return self._counter is INFERENCE

    def _is_view(self) -> bool:
        return self._view is not None

    @property
    def _version(self) -> int:
        """How often the memory has been changed in place: what backward compares to find that a saved value is gone."""
        if self._counter is INFERENCE:
            raise RuntimeError("Inference tensors do not track version counter.")
        return self._counter[0]

    @property
    def _base(self) -> Tensor | None:
        return None if self._view is None else self._view.base

    # ---- gradient --------------------------------------------------------------------------------------------
    @property
    def grad(self) -> Tensor | None:
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"assigned grad must be a Tensor or None, got {type(value).__name__}")
            if value is self:
                raise RuntimeError("can't assign a tensor as its own grad")
            if value.array.shape != self.array.shape:
                raise RuntimeError(
                    f"assigned grad has shape {value.array.shape}, but the tensor has shape {self.array.shape}"
                )
            if value.array.dtype != self.array.dtype:
                raise RuntimeError(f"assigned grad has dtype {value.array.dtype}, but the tensor has {self.array.dtype}")
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Accumulate d(self)/d(leaf) into `grad` of every leaf. See `scratchnet.autograd.backward`."""
        from scratchnet.autograd.engine import backward

        backward(self, None if gradient is None else (gradient,), retain_graph, create_graph, inputs=inputs)

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Any:
        """Call `hook(grad)` whenever the gradient of this tensor is computed; a returned Tensor replaces it.

        Returns a handle with `remove()`.
        """
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        from scratchnet.autograd.hooks import add_hook

        return add_hook(self if self._node is None else self._node, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> Any:
        """Call `hook(self)` after a gradient was accumulated into `self.grad`. Only for leaves."""
        if not self.requires_grad or not self.is_leaf:
            raise RuntimeError("post accumulate grad hooks can only be registered on leaf tensors that require grad")
        from scratchnet.autograd.hooks import add_hook

        return add_hook(self, hook, after=True)

    def retain_grad(self) -> None:
        """Have `backward` fill `grad` of this tensor although it is no leaf."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        from scratchnet.autograd.hooks import retain

        if self._node is not None:
            retain(self._node, self)

    @property
    def retains_grad(self) -> bool:
        """Whether `retain_grad` was called on this tensor, which is no leaf."""
        from scratchnet.autograd.hooks import retains

        return not self.is_leaf and retains(self._node, self)

    # ---- the same memory under another history ---------------------------------------------------------------
    def _alias(self) -> Tensor:
        """Another Tensor object with the same memory, version counter and history."""
        if modes.grad and self.requires_grad:
            twin = Tensor(self.array, True, self._node)
        else:
            twin = Tensor(self.array)
        twin._counter = self._counter
        return twin

    def _become_copy(self) -> None:
        """Leave the shared memory before it is changed, with the version that backward expects to find."""
        self.array = self.array.copy()
        self._counter = [self._counter[0]]

    def detach(self) -> Tensor:
        """The same memory without history: gradients do not flow through the result."""
        twin = Tensor(self.array)
        twin._counter = self._counter
        return twin

    @property
    def data(self) -> Tensor:
        """The same memory without history, and with a version counter of its own: changes escape the engine's checks."""
        return Tensor(self.array)

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"Tensor.data must be set to a Tensor, got {type(value).__name__}")
        self.array = value.array

    # ---- what it is ------------------------------------------------------------------------------------------
    @property
    def dtype(self) -> np.dtype:
        return self.array.dtype

    @property
    def shape(self) -> Size:
        return Size(self.array.shape)

    @property
    def ndim(self) -> int:
        return self.array.ndim

    @property
    def device(self) -> Device:
        return device_of(self.array)

    def is_pinned(self, device: Any = None) -> bool:
        """Whether a GPU could fetch it from where it lies: False."""
        return False

    def pin_memory(self, device: Any = None) -> Tensor:
        """The tensor itself: there is no GPU to hold the memory still for."""
        return self

    @property
    def itemsize(self) -> int:
        return self.array.itemsize

    @property
    def nbytes(self) -> int:
        return self.array.nbytes

    if TYPE_CHECKING:  # operations attach themselves (see `method`); these lines tell type checkers so

        def __getattr__(self, name: str) -> Any: ...
        def __add__(self, other: Any) -> Tensor: ...
        __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __add__
        __pow__ = __rpow__ = __matmul__ = __rmatmul__ = __floordiv__ = __mod__ = __add__
        __lt__ = __le__ = __gt__ = __ge__ = __and__ = __or__ = __xor__ = __add__

        def __neg__(self) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def __getitem__(self, index: Any) -> Tensor: ...
        def __setitem__(self, index: Any, value: Any) -> None: ...
        def __len__(self) -> int: ...
        def __float__(self) -> float: ...
        def __int__(self) -> int: ...


def method(*names: str) -> Callable:
    """Attach a function to Tensor under its own name, or under the names given: `@method("mul", "__mul__")`."""

    def attach(function: Callable) -> Callable:
        for name in names or (function.__name__,):
            setattr(Tensor, name, function)
        return function

    return attach


def _as_array(array: Any) -> Any:
    """Operations hand over arrays; NumPy reductions hand over scalars; users, lists."""
    if isinstance(array, np.generic):
        return np.array(array)
    if hasattr(array, "__array_function__") and not isinstance(array, Tensor):  # an array of another library, or a subclass
        return array
    if isinstance(array, Tensor):
        raise TypeError("Tensor(x) of a Tensor is ambiguous: write x.detach(), x.clone() or x.alias()")
    if isinstance(array, Size):
        return np.empty(array, np.float32)
    if isinstance(array, bool | float):
        raise TypeError(f"Tensor({array}): data must be a sequence; give single numbers to scratchnet.tensor")
    return np.array(array, dtype=np.float32)  # as torch.Tensor([1, 2]) does
