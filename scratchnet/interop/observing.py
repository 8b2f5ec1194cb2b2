"""What happens inside a module, ours or torch's: one code watches both, since they have the same names."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import scratchnet
from scratchnet.interop.nested import Mapped, described, is_plain, leaves, to_array
from scratchnet.interop.packing import Thinned


@dataclass
class Call:
    """One call of one module.

    Attributes
    ----------
    name : str
        Dotted, empty for the model itself.
    number : int
        0 for the first call of this module, 1 for its second, ...
    kind : str
        The class: of a subclass of a layer of the library's, that layer's.
    options : dict
        Its public attributes that are numbers, strings, None or tuples of such.
    args, kwargs
        What it was called with: arrays in place of tensors, inside any containers.
    outputs : dict of arrays
        By their place in what it returned: "" for a single tensor, else "[0]", "[1][0]", ".key".
    gradients, input_gradients : dict of arrays
        Of the floating-point outputs and inputs, by place; a place where none arrived is missing.
    """

    name: str
    number: int
    kind: str
    options: dict[str, Any]
    training: bool
    args: tuple
    kwargs: dict[str, Any]
    outputs: dict[str, np.ndarray] = field(default_factory=dict)
    gradients: dict[str, np.ndarray | Thinned] = field(default_factory=dict)
    input_gradients: dict[str, np.ndarray | Thinned] = field(default_factory=dict)

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        """The arrays among the arguments, by place."""
        return {place: a for place, a in leaves((self.args, self.kwargs)) if isinstance(a, np.ndarray)}


@dataclass
class Observation:
    """A forward and a backward pass.

    Attributes
    ----------
    calls : list of Call
        In the order in which they began.
    events : list of (int, bool)
        Which call began (False) or ended (True), one after the other.
    parameter_gradients : dict of arrays
    buffers : dict of arrays
        As they are afterwards.
    cotangents : dict of arrays
        The gradients that the backward pass started from, by place in the output.
    loss : array, optional
    """

    calls: list[Call]
    events: list[tuple[int, bool]]
    parameter_gradients: dict[str, np.ndarray | Thinned]
    buffers: dict[str, np.ndarray]
    cotangents: dict[str, np.ndarray]
    loss: np.ndarray | None = None


Cotangents = Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]


def observe(
    library: Any,
    module: Any,
    args: Any,
    kwargs: Any,
    *,
    seed: int,
    cotangents: Cotangents | None = None,
    loss: Callable[[Any], Any] | None = None,
) -> Observation:
    """Run a module forward and backward.

    Parameters
    ----------
    library : module
        torch, or scratchnet.
    module : Module of that library
        Changed: gradients are left in it, running statistics go on. Hand over a copy.
    args, kwargs
        Arrays where the module gets tensors.
    seed : int
        The library's default generator starts from it, and is afterwards as it was before.
    cotangents : callable, optional
        From the outputs that require grad to what is to be their gradient.
    loss : callable, optional
        Takes the module's output, returns the number to differentiate; in place of cotangents.

    Raises
    ------
    TypeError
        If `loss` is no function, or returns no number.
    Exception
        Whatever the module raises, with a note on where it was.
    """
    if loss is not None and not callable(loss):
        raise TypeError(f"loss must be a function of the module's output, got {type(loss).__name__}")
    watch = _Watch(library, module)
    fork: dict[str, Any] = {} if library is scratchnet else {"devices": []}
    with library.random.fork_rng(**fork), library.enable_grad(), watch.whose_errors():
        library.manual_seed(seed)
        made = _Leaves(library)
        output = module(*made(args), **made(kwargs))
        given: dict[str, np.ndarray] = {}
        value = None
        if loss is not None:
            value = loss(_Aliases(library, given)(output))
            if not (isinstance(value, library.Tensor) and value.numel() == 1):
                got = list(value.shape) if isinstance(value, library.Tensor) else type(value).__name__
                raise TypeError(f"loss must return a tensor of one number, got {got}")
            if value.requires_grad:
                value.backward()
        elif cotangents is not None:
            given = _backward(library, output, cotangents)
    parameters = {n: p for n, p in module.named_parameters() if p.grad is not None}
    return Observation(
        watch.calls,
        watch.events,
        {name: to_array(p.grad) for name, p in parameters.items()},
        {name: to_array(b) for name, b in module.named_buffers()},
        given,
        None if value is None else to_array(value),
    )


def _backward(library: Any, output: Any, cotangents: Cotangents) -> dict[str, np.ndarray]:
    outputs = {place: t for place, t in leaves(output) if _differentiable(library, t)}
    given = cotangents({place: to_array(t) for place, t in outputs.items()})
    if given:
        library.autograd.backward(
            [outputs[place] for place in given], [library.as_tensor(g.copy()) for g in given.values()]
        )
    return given


class _Watch:
    """Hooks on all modules of a tree that write down what they see."""

    def __init__(self, library: Any, module: Any) -> None:
        self.library = library
        self.calls: list[Call] = []
        self.events: list[tuple[int, bool]] = []
        self.names = {id(m): name for name, m in module.named_modules()}
        self.counts: dict[str, int] = {}
        self.open: list[int] = []
        for m in module.modules():
            m.register_forward_pre_hook(self.begins, with_kwargs=True)
            m.register_forward_hook(self.ends)

    @contextmanager
    def whose_errors(self) -> Iterator[None]:
        """Note with an error whose it is: that of a layer alone does not tell which of two models it is in."""
        try:
            yield
        except Exception as error:
            call = self.calls[self.open[-1] if self.open else 0] if self.calls else None
            layer = "" if call is None or not call.name else f"{call.name} ({call.kind}) of "
            error.add_note(f"(in {layer}{'our model' if self.library is scratchnet else 'the model of torch'})")
            raise

    def begins(self, module: Any, args: tuple, kwargs: dict) -> tuple:
        name = self.names[id(module)]
        number = self.counts[name] = self.counts.get(name, -1) + 1
        call = Call(
            name,
            number,
            kind_of(self.library, module),
            {k: v for k, v in vars(module).items() if not k.startswith("_") and k != "training" and is_plain(v)},
            module.training,
            *described((args, kwargs)),
        )
        self.open.append(len(self.calls))
        self.events.append((len(self.calls), False))
        self.calls.append(call)
        return _Aliases(self.library, call.input_gradients)((args, kwargs))

    def ends(self, module: Any, args: tuple, output: Any) -> None:
        index = self.open.pop()
        while self.calls[index].name != self.names[id(module)]:  # that one raised an error, which the model caught
            index = self.open.pop()
        self.events.append((index, True))
        call = self.calls[index]
        for place, t in leaves(output):
            if isinstance(t, self.library.Tensor):
                call.outputs[place] = to_array(t)
                if t.requires_grad:
                    t.register_hook(_keeper(call.gradients, place))


def _keeper(kept: dict[str, Any], place: str) -> Callable[[Any], None]:
    def keep(gradient: Any) -> None:
        kept[place] = to_array(gradient)

    return keep


class _Leaves(Mapped):
    """Arrays as tensors of the library; those of floats require grad, and are no leaves: layers may change them."""

    def __init__(self, library: Any) -> None:
        self.library = library

    def leaf(self, value: Any, place: str) -> Any:
        if not isinstance(value, np.ndarray):
            return value
        t = self.library.as_tensor(value.copy())
        return t.requires_grad_(True).clone() if value.dtype.kind == "f" else t


class _Aliases(Mapped):
    """Each tensor that requires grad under another name, so that the gradient through this one call is told from that of others.

    A tensor that is handed over twice stays one tensor: attention looks whether keys *are* values.
    """

    def __init__(self, library: Any, kept: dict[str, Any]) -> None:
        self.library, self.kept = library, kept
        self.made: dict[int, Any] = {}

    def leaf(self, value: Any, place: str) -> Any:
        if not _differentiable(self.library, value):
            return value
        if id(value) not in self.made:
            self.made[id(value)] = alias = value.view_as(value)
            alias.register_hook(_keeper(self.kept, place))
        return self.made[id(value)]


def kind_of(library: Any, module: Any) -> str:
    """The class of a module, or the layer of the library's that this is derived from."""
    base = library.nn.Module
    for cls in type(module).__mro__:
        if cls is not base and vars(library.nn).get(cls.__name__) is cls:
            return cls.__name__
    return type(module).__name__


def duplicate(module: Any) -> Any:
    """A copy of a module, to be run in its place.

    Raises
    ------
    TypeError
        If it cannot be copied.
    """
    try:
        return copy.deepcopy(module)
    except Exception as error:
        raise TypeError(f"{type(module).__name__} cannot be copied, and must not be changed: {error}") from error


def _differentiable(library: Any, value: Any) -> bool:
    return isinstance(value, library.Tensor) and value.requires_grad
