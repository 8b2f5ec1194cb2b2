"""Module: the base class of all layers and networks."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Self

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.conversion import Conversion
from scratchnet.nn.hooks import Hooks, call_with_hooks, global_backward, global_forward, global_forward_pre
from scratchnet.nn.parameter import Buffer, Parameter
from scratchnet.nn.state_dict import StateDict

_HOOKS = (
    "_forward_pre_hooks",
    "_forward_hooks",
    "_backward_pre_hooks",
    "_backward_hooks",
    "_state_dict_hooks",
    "_state_dict_pre_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)


class Module(Hooks, StateDict, Conversion):
    """Something with parameters that computes: a layer, or a network made of layers.

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.hidden = nn.Linear(4, 8)
                self.out = nn.Linear(8, 1)

            def forward(self, x):
                return self.out(self.hidden(x).tanh())

    Parameters, buffers and modules that are assigned to attributes register themselves, in the order of
    assignment; `parameters()`, `state_dict()` and `to()` find them. A module is called, `net(x)`, and not its
    `forward`: the call runs the hooks too.

    Attributes
    ----------
    training : bool
        Set by `train()` and `eval()`; Dropout and BatchNorm look at it.
    """

    training: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if kwargs:
            raise TypeError(
                f"{type(self).__name__}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'"
            )
        if args:
            raise TypeError(
                f"{type(self).__name__}.__init__() takes 1 positional argument but {len(args) + 1} were given"
            )
        state: dict[str, Any] = self.__dict__
        state["training"] = True
        state["_parameters"], state["_buffers"], state["_modules"] = {}, {}, {}
        state["_non_persistent_buffers_set"] = set()
        for name in _HOOKS:
            state[name] = OrderedDict()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The computation; every subclass defines its own."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if (
            self._forward_hooks
            or self._forward_pre_hooks
            or self._backward_hooks
            or self._backward_pre_hooks
            or global_forward
            or global_forward_pre
            or global_backward
        ):
            return call_with_hooks(self, args, kwargs)
        return self.forward(*args, **kwargs)

    # ---- registration ------------------------------------------------------------------------------------
    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter; None reserves the name for one that is not used.

        Raises
        ------
        TypeError, KeyError, AttributeError
            If `param` is no Parameter, if the name is taken or cannot be used, before `Module.__init__`.
        ValueError
            If the parameter is the result of a recorded operation.
        """
        self._check_name(name, "parameter", "_parameters")
        if param is not None:
            if not isinstance(param, Parameter):
                raise TypeError(
                    f"cannot assign '{typename(param)}' object to parameter '{name}' "
                    "(scratchnet.nn.Parameter or None required)"
                )
            if param.grad_fn is not None:
                raise ValueError(
                    f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created "
                    f"explicitly. To express '{name}' as a function of another Tensor, compute the value in "
                    "the forward() method."
                )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that belongs to the module but is not learned, such as a running mean.

        Parameters
        ----------
        persistent : bool
            Whether it is part of `state_dict`.
        """
        self._check_name(name, "buffer", "_buffers")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{typename(tensor)}' object to buffer '{name}' (scratchnet Tensor or None required)"
            )
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a child under a name, which becomes an attribute."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{typename(module)} is not a Module subclass")
        self._check_name(name, "module", "_modules")
        self._modules[name] = module

    register_module = add_module

    def _check_name(self, name: Any, kind: str, registry: str) -> None:
        if registry not in self.__dict__:
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {typename(name)}")
        if hasattr(self, name) and name not in self.__dict__[registry]:
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')

    # ---- attributes --------------------------------------------------------------------------------------
    def __getattr__(self, name: str) -> Any:  # only called for what is no ordinary attribute
        own = self.__dict__
        for registry in ("_parameters", "_buffers", "_modules"):
            if registry in own and name in own[registry]:
                return own[registry][name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        for cls, registry, kind, what in _REGISTRIES:
            if isinstance(value, cls):
                if registry not in own:
                    raise AttributeError(f"cannot assign {what} before Module.__init__() call")
                self._move(name, value, registry)
                return
            if registry in own and name in own[registry]:
                if value is not None and not (registry == "_buffers" and isinstance(value, Tensor)):
                    expected = _EXPECTED[registry]
                    raise TypeError(
                        f"cannot assign '{typename(value)}' as {kind} '{name}' (scratchnet.{expected} or None expected)"
                    )
                own[registry][name] = value
                return
        object.__setattr__(self, name, value)

    def _move(self, name: str, value: Any, registry: str) -> None:
        """Register a value, which takes the place of whatever had the name in another role."""
        own = self.__dict__
        for other in (own, own["_parameters"], own["_buffers"], own["_modules"]):
            if other is not own[registry]:
                other.pop(name, None)
        if registry == "_modules":
            own[registry][name] = value
        elif registry == "_parameters":
            own["_non_persistent_buffers_set"].discard(name)
            self.register_parameter(name, value)
        else:
            self.register_buffer(name, value, value.persistent)

    def __delattr__(self, name: str) -> None:
        for registry in ("_parameters", "_buffers", "_modules"):
            if name in self.__dict__.get(registry, ()):
                del self.__dict__[registry][name]
                self._non_persistent_buffers_set.discard(name)
                return
        super().__delattr__(name)

    def __dir__(self) -> list[str]:
        keys = [*dir(type(self)), *self.__dict__, *self._parameters, *self._modules, *self._buffers]
        return sorted(key for key in keys if not key[0].isdigit())

    # ---- mode and printing -------------------------------------------------------------------------------
    def train(self, mode: bool = True) -> Self:
        """Tell the whole tree that it is being trained (or, with False, used)."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Self:
        """`train(False)`: Dropout passes everything on, BatchNorm uses its running statistics."""
        return self.train(False)

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What is printed between the parentheses; every layer defines its own."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        settings = extra.split("\n") if extra else []
        children = [f"({name}): {_indent(repr(module))}" for name, module in self._modules.items()]
        if not settings and not children:
            return f"{self._get_name()}()"
        if len(settings) == 1 and not children:
            return f"{self._get_name()}({settings[0]})"
        return f"{self._get_name()}(\n  " + "\n  ".join(settings + children) + "\n)"


_REGISTRIES = (
    (Parameter, "_parameters", "parameter", "parameters"),
    (Module, "_modules", "child module", "module"),
    (Buffer, "_buffers", "buffer", "buffer"),
)
_EXPECTED = {
    "_parameters": "nn.Parameter",
    "_modules": "nn.Module",
    "_buffers": "nn.Buffer, scratchnet.Tensor",
}


def typename(value: Any) -> str:
    """The name of a value's type for error messages."""
    cls = type(value)
    return cls.__name__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__qualname__}"


def _indent(text: str) -> str:
    return text.replace("\n", "\n  ")
