"""Optimizer: parameters in groups, the options of each group, and the state of each parameter."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from scratchnet.autograd.mode import enable_grad
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.parameter import reset_gradient
from scratchnet.optim.hooks import (
    OptimizerHooks,
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
    replaced,
)

__all__ = ["Optimizer", "register_optimizer_step_post_hook", "register_optimizer_step_pre_hook", "required", "zeros"]


class _Required:
    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()


class Optimizer(OptimizerHooks):
    """Base class of all optimizers.

    A subclass checks its options, hands them to `__init__` as `defaults`, and defines `_new_state(array, group)` and
    `_change(array, gradient, state, group)`, which changes the array of one parameter; or it defines `step` itself.

    Parameters
    ----------
    params : iterable of Tensors, of (name, Tensor) pairs, or of dicts
        A dict is a group, `{"params": [...], "lr": 0.1}`: its options replace the defaults.
    defaults : dict
        Options and their values for groups that do not give them.

    Attributes
    ----------
    param_groups : list of dicts
    state : dict from parameters to dicts
    """

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                f"{type(params).__name__}"
            )
        self.defaults = defaults
        self.state: defaultdict[Any, dict] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self._init_hooks()
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    # ---- groups ------------------------------------------------------------------------------------------
    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with options of their own, e.g. a layer that was frozen until now.

        Raises
        ------
        TypeError
            If `param_group` is no dict, or holds what is no Tensor.
        ValueError
            If a parameter is in a group already or the result of an operation, or a required option is missing.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of "
                "tensors in sets will change between runs. Please use a list instead."
            )
        params = [params] if isinstance(params, Tensor) else list(params)
        names = [p[0] for p in params if isinstance(p, tuple)]
        if names:
            if len(names) < len(params):
                raise ValueError("all optimizer params should be with/without names. Some param names are missing")
            params, param_group["param_names"] = [p[1] for p in params], names
        param_group["params"] = params
        self._check_params(param_group)
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
            param_group.setdefault(name, default)
        self.param_groups.append(param_group)

    def _check_params(self, new: dict[str, Any]) -> None:
        for p in new["params"]:
            if not isinstance(p, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}")
            if not (p.is_leaf or p.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        if len(set(new["params"])) < len(new["params"]):
            warnings.warn("optimizer contains a parameter group with duplicate parameters", stacklevel=4)
        for group in self.param_groups:
            if ("param_names" in group) != ("param_names" in new):
                this = "with names" if "param_names" in new else "without names"
                raise ValueError(
                    "all optimizer param groups should be with/without names. cannot add param group "
                    f"{this} to the optimizer"
                )
            if not set(group["params"]).isdisjoint(new["params"]):
                raise ValueError("some parameters appear in more than one parameter group")

    # ---- stepping ----------------------------------------------------------------------------------------
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient.

        Parameters
        ----------
        closure : callable, optional
            Computes the loss and its gradients again; its result is returned.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p._grad is not None:
                    self._update(p, p._grad, group)
        return loss

    def _update(self, p: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        """Change one parameter: count the step, and have `_change` work on arrays."""
        state = self._state_of(p, group)
        if "step" in state:
            state["step"].array += 1
        self._change(p.array, grad.array, state, group)
        p._counter[0] += 1

    def _state_of(self, p: Tensor, group: dict[str, Any]) -> dict[str, Tensor]:
        """What is kept of a parameter, from now on if nothing was."""
        state = self.state[p]
        if not state:
            state.update({name: Tensor(array) for name, array in self._new_state(p.array, group).items()})
        return state

    def _new_state(self, p: Any, group: dict[str, Any]) -> dict[str, Any]:
        """The arrays that are kept of a parameter; "step" counts its steps."""
        return zeros(p)

    def _change(self, p: Any, g: Any, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        raise NotImplementedError(f"{type(self).__name__} must define _change, _update or step")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or set them to zero."""
        for group in self.param_groups:
            for p in group["params"]:
                reset_gradient(p, set_to_none)

    # ---- state -------------------------------------------------------------------------------------------
    def state_dict(self) -> dict[str, Any]:
        """`{"state": …, "param_groups": …}`: state and options, with numbers in place of the parameters."""
        for hook in list(self._state_dict_pre_hooks.values()):
            hook(self)
        numbers: dict[Tensor, int] = {}
        groups = []
        for group in self.param_groups:
            for p in group["params"]:
                numbers.setdefault(p, len(numbers))
            packed = {key: value for key, value in group.items() if key != "params"}
            groups.append({**packed, "params": [numbers[p] for p in group["params"]]})
        state = {numbers.get(key, key): value for key, value in self.state.items()}
        return replaced(self._state_dict_post_hooks, self, {"state": state, "param_groups": groups})

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take options and state from a `state_dict()`; tensors are copied, in the dtype of their parameter.

        Raises
        ------
        ValueError
            If the numbers of groups, or of parameters in a group, differ.
        """
        state_dict = replaced(self._load_state_dict_pre_hooks, self, state_dict.copy())
        saved = state_dict["param_groups"]
        if len(saved) != len(self.param_groups):
            raise ValueError(
                f"loaded state dict has a different number of parameter groups: {len(saved)}, but the "
                f"optimizer has {len(self.param_groups)}"
            )
        parameters: dict[Any, Tensor] = {}
        for group, new in zip(self.param_groups, saved):
            if len(group["params"]) != len(new["params"]):
                raise ValueError(
                    "loaded state dict contains a parameter group that doesn't match the size of "
                    f"optimizer's group: {len(new['params'])} parameters, expected {len(group['params'])}"
                )
            parameters.update(zip(new["params"], group["params"]))
        self.state = defaultdict(dict)
        for key, value in state_dict["state"].items():
            self.state[parameters.get(key, key)] = _copied(value, parameters.get(key))
        for group, new in zip(self.param_groups, saved):
            params, names = group["params"], group.get("param_names")
            group.clear()
            group.update({**_copied({k: v for k, v in new.items() if k != "params"}, None), "params": params})
            if names is not None:
                group.setdefault("param_names", names)
        for hook in list(self._load_state_dict_post_hooks.values()):
            hook(self)

    def __repr__(self) -> str:
        text = f"{type(self).__name__} ("
        for i, group in enumerate(self.param_groups):
            options = [f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params"]
            text += f"\nParameter Group {i}\n" + "".join(options)
        return text + ")"


# State that is one number in float32, whatever the parameter is: in another dtype a resumed run would round otherwise.
_NUMBERS = frozenset(["step", "eta", "mu", "mu_product"])


def _copied(value: Any, parameter: Tensor | None, key: Any = None) -> Any:
    """A copy of saved state; tensors and arrays take their parameter's dtype, but for single numbers."""
    if isinstance(value, Tensor) or hasattr(value, "__array__"):
        array = np.asarray(value.array if isinstance(value, Tensor) else value).copy()
        if parameter is not None and key not in _NUMBERS:
            array = array.astype(parameter.dtype, copy=False)
        return Tensor(array)
    if isinstance(value, dict):
        return {k: _copied(v, parameter, k) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_copied(v, parameter) for v in value)
    return value


def zeros(like: Any, *names: str) -> dict[str, Any]:
    """A count of steps, and arrays of zeros in the layout of a parameter."""
    return {"step": np.zeros((), np.float32), **{name: np.zeros_like(like) for name in names}}
