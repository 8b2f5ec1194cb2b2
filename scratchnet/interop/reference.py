"""What torch computed, kept: in memory for `compare`, in a file for `replay`."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from numbers import Integral
from typing import Any

import numpy as np

import scratchnet
from scratchnet.interop.arguments import as_arguments, dtype_name, full_name
from scratchnet.interop.errors import CheckpointError
from scratchnet.interop.fields import check_fields
from scratchnet.interop.loading import load
from scratchnet.interop.nested import to_array
from scratchnet.interop.observing import Call, Observation, duplicate, kind_of, observe
from scratchnet.interop.packing import Packer, Thinned, unpack
from scratchnet.interop.saving import save

_FORMAT = "scratchnet reference 1"


@dataclass
class Reference:
    """A module of torch's, what it was given, and what it made of it.

    Attributes
    ----------
    kind : str
        Its class.
    about : str
        What it prints as: its layers and their options.
    torch_version : str
    dtype : str or None
        Of its floating-point parameters, if they have one.
    seed : int
    modes : dict of bool
        Whether each of its modules is in training mode, by name.
    frozen : list of str
        Its parameters that do not require grad.
    state : dict of arrays
        Its state dict before it ran.
    args, kwargs
        Its inputs, arrays in place of tensors.
    observation : Observation
    """

    kind: str
    about: str
    torch_version: str
    dtype: str | None
    seed: int
    modes: dict[str, bool]
    frozen: list[str]
    state: dict[str, np.ndarray]
    args: tuple
    kwargs: dict[str, Any]
    observation: Observation

    @property
    def dtypes(self) -> list[str]:
        """Of floating-point weights, buffers and inputs."""
        given = self.observation.calls[0].inputs.values() if self.observation.calls else ()
        return sorted({a.dtype.name for a in (*self.state.values(), *given) if a.dtype.kind == "f"})

    def save(self, file: str | os.PathLike, most: int | None = None) -> None:
        """Write it; of gradients with more than `most` numbers, inside the model, only as many."""
        values = asdict(self)
        seen = values["observation"]
        for call in seen["calls"]:
            for name in ("gradients", "input_gradients"):
                call[name] = {place: Thinned.to(g, most) for place, g in call[name].items()}
        seen["parameter_gradients"] = {n: Thinned.to(g, most) for n, g in seen["parameter_gradients"].items()}
        save({"format": _FORMAT, **Packer()(values)}, file)

    @classmethod
    def load(cls, file: str | os.PathLike) -> Reference:
        """Read what `save` wrote.

        Raises
        ------
        CheckpointError
            If it is damaged, or something else.
        """
        values = load(file)
        if not isinstance(values, dict) or values.pop("format", None) != _FORMAT:
            raise CheckpointError(f"cannot replay {os.fspath(file)}: scratchnet.interop.record did not write it")
        try:
            values = unpack(values)
            seen = values.pop("observation")
            calls = [Call(**call) for call in seen.pop("calls")]
            events = [tuple(event) for event in seen.pop("events")]
            reference = cls(**values, observation=Observation(calls, events, **seen))
            reference._check()
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise CheckpointError(f"cannot replay {os.fspath(file)}: it is no complete reference ({error})") from error
        return reference

    def _check(self) -> None:
        """Refuse what a damaged file made of it, before it is compared with anything."""
        seen = self.observation
        for part in (self, seen, *seen.calls):
            check_fields(part)
        if self.dtype is not None:
            dtype_name(self.dtype)
        if "" not in self.modes:
            raise ValueError("it does not say whether the model is in training mode")
        if any(not 0 <= index < len(seen.calls) for index, _ in seen.events):
            raise ValueError("a call begins or ends that is not there")


def reference_of(
    theirs: Any, inputs: Any, loss: Callable | None, seed: int, dtype: Any, train: bool | None
) -> Reference:
    """Run a copy of a module of torch's."""
    torch = import_torch()
    if not isinstance(theirs, torch.nn.Module):
        raise TypeError(f"theirs must be a torch.nn.Module, got {full_name(theirs)}")
    if not isinstance(seed, Integral) or seed < 0:
        raise ValueError(f"seed must be an integer ≥ 0, got {seed!r}")
    module = duplicate(theirs).cpu()
    if train is not None:
        module.train(train)
    if dtype is not None:
        module.to(getattr(torch, dtype_name(dtype)))
    module.zero_grad(set_to_none=True)
    state = {name: to_array(value) for name, value in module.state_dict().items() if isinstance(value, torch.Tensor)}
    dtypes = {p.dtype for p in module.parameters() if p.is_floating_point()}
    if torch.bfloat16 in dtypes:
        raise ValueError("theirs has parameters of bfloat16, which NumPy has not: compare with dtype='float32'")
    only = str(dtypes.pop()).removeprefix("torch.") if len(dtypes) == 1 else None
    args, kwargs = as_arguments(inputs, dtype and dtype_name(dtype), only)
    modes = {name: m.training for name, m in module.named_modules()}
    frozen = [name for name, p in module.named_parameters() if not p.requires_grad]
    seen = observe(torch, module, args, kwargs, seed=seed, cotangents=random_cotangents(seed), loss=loss)
    # without its suffix: which build of this version it was changes nothing
    version = torch.__version__.partition("+")[0]
    return Reference(
        kind_of(torch, module), repr(module), version, only, seed, modes, frozen, state, args, kwargs, seen
    )


def run_ours(ours: Any, reference: Reference, loss: Callable | None) -> Observation:
    """Run a copy of a module of ours as the reference was run: same weights, modes, inputs, seed and cotangents.

    Raises
    ------
    RuntimeError
        If the weights do not fit.
    """
    module = duplicate(ours)
    if reference.dtype is not None:
        module.to(np.dtype(reference.dtype))
    module.load_state_dict(reference.state)
    module.zero_grad()
    for name, p in module.named_parameters():
        p.requires_grad_(name not in reference.frozen)
    root = reference.modes[""]
    for name, m in module.named_modules():
        m.training = reference.modes.get(name, root)

    def cotangents(outputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        given = reference.observation.cotangents
        return {
            place: given[place].astype(y.dtype)
            for place, y in outputs.items()
            if place in given and given[place].shape == y.shape
        }

    return observe(
        scratchnet, module, reference.args, reference.kwargs, seed=reference.seed, cotangents=cotangents, loss=loss
    )


def check_ours(ours: Any) -> None:
    if not isinstance(ours, scratchnet.nn.Module):
        raise TypeError(f"ours must be a scratchnet.nn.Module, got {full_name(ours)}")


def record(
    theirs: Any,
    inputs: Any,
    file: str | os.PathLike,
    *,
    loss: Callable[[Any], Any] | None = None,
    seed: int = 0,
    dtype: Any = None,
    train: bool | None = None,
    most: int | None = None,
) -> None:
    """Keep in a file what `compare` needs of a module of torch's, so that `replay` needs no torch.

    The file has its weights, inputs, the kinds and options of its layers, their outputs and all gradients. It is a
    checkpoint that `scratchnet.load` reads; one of that name is replaced when the new one is complete.

    Parameters
    ----------
    theirs : torch.nn.Module
        Is not changed.
    inputs, loss, seed, dtype, train
        As for `compare`. Of a loss, its value and its gradients with respect to the output are kept.
    file : path
    most : int, optional
        Of gradients inside the model with more numbers than this, keep only so many, evenly spread.

    Raises
    ------
    ImportError
        If torch is not installed.
    """
    if most is not None and (not isinstance(most, int) or most < 1):
        raise ValueError(f"record: expected an integer most ≥ 1, got {most}")
    reference_of(theirs, inputs, loss, seed, dtype, train).save(file, most)


def import_torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            "comparing with a module of torch's needs torch: pip install torch. Without it, replay (on the command "
            "line, --reference) compares with what was recorded"
        ) from error
    return torch


def random_cotangents(seed: int) -> Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]:
    def draw(outputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        rng = np.random.default_rng([seed, 1])  # not the stream that inputs are likely to come from
        return {place: rng.standard_normal(y.shape).astype(y.dtype) for place, y in outputs.items()}

    return draw
