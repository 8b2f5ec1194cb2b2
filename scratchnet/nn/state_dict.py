"""`state_dict` and `load_state_dict`: all values of a module under dotted names, written and read back."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from scratchnet.autograd.hooks import RemovableHandle
from scratchnet.autograd.mode import no_grad
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.hooks import add
from scratchnet.nn.parameter import Parameter
from scratchnet.nn.state_dict_report import table, without_prefix
from scratchnet.nn.traversal import Traversal

_EXTRA_STATE = "_extra_state"


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """What `load_state_dict` returns."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()

    __str__ = __repr__


class StateDict(Traversal):
    """The part of `Module` that saves and loads."""

    # Stored with the values. A layer whose state changes its meaning raises it, and converts old values when
    # loading.
    _version: int = 1

    _non_persistent_buffers_set: set[str]
    _state_dict_hooks: OrderedDict
    _state_dict_pre_hooks: OrderedDict
    _load_state_dict_pre_hooks: OrderedDict
    _load_state_dict_post_hooks: OrderedDict

    def get_extra_state(self) -> Any:
        """What else belongs into the state dict; overridden together with `set_extra_state`."""
        raise RuntimeError(f"{type(self).__name__} has no extra state: override get_extra_state to give it one")

    def set_extra_state(self, state: Any) -> None:
        """Take back what `get_extra_state` returned."""
        raise RuntimeError(f"{type(self).__name__} has no extra state: override set_extra_state to read one")

    # ---- saving ------------------------------------------------------------------------------------------
    def state_dict(
        self, *, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """The parameters and persistent buffers of the tree, under their dotted names.

        The values share memory with the module: clone them to keep them from changing.

        Parameters
        ----------
        destination : dict, optional
            Filled and returned instead of a new dict.
        prefix : str
            Put before each name.
        keep_vars : bool
            Give the parameters themselves and not detached tensors.
        """
        if destination is None:
            destination = OrderedDict()
            vars(destination)["_metadata"] = OrderedDict()
        metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = metadata
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook, public in self._state_dict_hooks.values():
            replaced = hook(self, destination, prefix, metadata)
            if replaced is not None:
                if public:
                    raise RuntimeError("state_dict post-hook must return None")
                destination = replaced
        return destination

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        """Write this module's own values, not its children's."""
        for name, value in self._local_state().items():
            destination[prefix + name] = value if keep_vars else value.detach()
        if type(self).get_extra_state is not StateDict.get_extra_state:
            destination[prefix + _EXTRA_STATE] = self.get_extra_state()

    def _local_state(self) -> dict[str, Tensor]:
        state: dict[str, Tensor] = {name: p for name, p in self._parameters.items() if p is not None}
        for name, buffer in self._buffers.items():
            if buffer is not None and name not in self._non_persistent_buffers_set:
                state[name] = buffer
        return state

    # ---- loading -----------------------------------------------------------------------------------------
    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Copy the values of `state_dict` into the module.

        Parameters
        ----------
        state_dict : mapping
            From dotted names to Tensors, NumPy arrays, or tensors of PyTorch's. A prefix `module.` of all names, which
            DataParallel leaves, is ignored.
        strict : bool
            Whether its names must be exactly those of `self.state_dict()`.
        assign : bool
            Take the tensors themselves, with their dtype, instead of copying their values.

        Returns
        -------
        A pair of lists, `missing_keys` and `unexpected_keys`.

        Raises
        ------
        RuntimeError
            One error for all that does not fit: missing and unexpected keys (if `strict`), different shapes; first
            in torch's words, then as a table.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        metadata = getattr(state_dict, "_metadata", None)
        own = {
            path: value
            for prefix, module in self.named_modules(remove_duplicate=False)  # state_dict has hooks
            for path, value in ((f"{prefix}.{name}".lstrip("."), v) for name, v in module._local_state().items())
        }
        unwrapped = without_prefix(state_dict, own)
        if metadata and unwrapped.keys() != state_dict.keys():
            metadata = without_prefix({f"{name}.": value for name, value in metadata.items() if name}, ())
            metadata = {name.removesuffix("."): value for name, value in metadata.items()}
        state_dict = unwrapped  # a copy: hooks may change it
        keys = _IncompatibleKeys([], [])
        errors: list[str] = []
        _load(self, state_dict, "", metadata or {}, assign, keys, errors)
        if strict:
            for what, names in (("Unexpected", keys.unexpected_keys), ("Missing", keys.missing_keys)):
                if names:
                    quoted = ", ".join(f'"{name}"' for name in names)
                    errors.insert(0, f"{what} key(s) in state_dict: {quoted}. ")
        if errors:
            details = "\n\t".join(errors)
            rows = table(own, state_dict, *(keys if strict else ((), ())))
            raise RuntimeError(
                f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{details}" + (rows and f"\n\n{rows}")
            )
        return keys

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Read this module's own values, not its children's; what is wrong is added to the three lists."""
        for hook in self._load_state_dict_pre_hooks.values():
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        state = self._local_state()
        for name, target in state.items():
            key = prefix + name
            if key in state_dict:
                error = self._load_value(
                    name, target, key, state_dict[key], "assign_to_params_buffers" in local_metadata
                )
                if error:
                    error_msgs.append(error)
            elif strict:
                missing_keys.append(key)
        extra = prefix + _EXTRA_STATE
        if type(self).set_extra_state is not StateDict.set_extra_state:
            if extra in state_dict:
                self.set_extra_state(state_dict[extra])
            elif strict:
                missing_keys.append(extra)
        elif strict and extra in state_dict:
            unexpected_keys.append(extra)
        if strict:
            for key in state_dict:
                if key.startswith(prefix) and key != extra:
                    name, dot, _ = key[len(prefix) :].partition(".")
                    if name not in (self._modules if dot else state):
                        unexpected_keys.append(key)

    def _load_value(self, name: str, target: Tensor, key: str, value: Any, assign: bool) -> str | None:
        """Copy (or assign) one value; the complaint if that is not possible."""
        while_copying = f'While copying the parameter named "{key}", '
        if not isinstance(value, Tensor):
            if not hasattr(value, "__array__"):
                return (
                    f"{while_copying}expected scratchnet.Tensor or Tensor-like object from checkpoint but "
                    f"received {type(value)}"
                )
            value = Tensor(np.asarray(value.detach() if hasattr(value, "detach") else value))
        if target.ndim == 0 and value.shape == (1,):
            value = Tensor(value.array.reshape(()))
        if value.shape != target.shape:
            return (
                f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, the "
                f"shape in current model is {target.shape}."
            )
        try:
            if assign:
                if isinstance(target, Parameter):
                    value = value if isinstance(value, Parameter) else Parameter(value, target.requires_grad)
                    value.requires_grad_(target.requires_grad)
                setattr(self, name, value)
            else:
                with no_grad():
                    target.copy_(value)
        except Exception as error:
            return (
                f"{while_copying}whose dimensions in the model are {target.shape} and whose dimensions in "
                f"the checkpoint are {value.shape}, an exception occurred : {error.args}."
            )
        return None

    # ---- hooks -------------------------------------------------------------------------------------------
    def register_state_dict_pre_hook(self, hook: Callable) -> RemovableHandle:
        """Call `hook(module, prefix, keep_vars)` before `state_dict` reads the module."""
        return add(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook: Callable) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata)` after; it may change the dict in place."""
        return add(self._state_dict_hooks, (hook, True))

    def _register_state_dict_hook(self, hook: Callable) -> RemovableHandle:
        """As `register_state_dict_post_hook`, but the hook may return another dict."""
        return add(self._state_dict_hooks, (hook, False))

    def register_load_state_dict_pre_hook(self, hook: Callable) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, metadata, strict, missing, unexpected, errors)` before loading."""
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(self, hook: Callable, with_module: bool = False) -> RemovableHandle:
        return add(self._load_state_dict_pre_hooks, _Bound(hook, self) if with_module else hook)

    def register_load_state_dict_post_hook(self, hook: Callable) -> RemovableHandle:
        """Call `hook(module, incompatible_keys)` after loading; it may change the two lists in place."""
        return add(self._load_state_dict_post_hooks, hook)


class _Bound:
    """A hook with its module as the first argument; unlike a closure it is copied together with the module."""

    def __init__(self, hook: Callable, module: Any) -> None:
        self.hook, self.module = hook, module

    def __call__(self, *args: Any) -> Any:
        return self.hook(self.module, *args)


def _load(
    module: Any,
    state_dict: dict[str, Any],
    prefix: str,
    metadata: dict[str, dict],
    assign: bool,
    keys: _IncompatibleKeys,
    errors: list[str],
) -> None:
    """Load a tree of modules, parents before children."""
    local_metadata = metadata.get(prefix[:-1], {})
    if assign:
        local_metadata = {**local_metadata, "assign_to_params_buffers": True}
    module._load_from_state_dict(state_dict, prefix, local_metadata, True, *keys, errors)
    for name, child in module._modules.items():
        if child is not None:
            path = f"{prefix}{name}."
            part = {key: value for key, value in state_dict.items() if key.startswith(path)}
            _load(child, part, path, metadata, assign, keys, errors)
    for hook in module._load_state_dict_post_hooks.values():
        if hook(module, keys) is not None:
            raise AssertionError(
                "Hooks registered with `register_load_state_dict_post_hook` are not expected to return new "
                "values: change the lists of incompatible_keys in place."
            )
