"""Which network of the zoo a state dict is for."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from scratchnet import nn
from scratchnet.nn.init_skipping import skipped
from scratchnet.nn.state_dict_report import without_prefix

Shapes = dict[str, tuple[int, ...]]

_PACKAGES = ("vision.models", "text.models")
# buffers that many files lack or have besides, and that decide about no shape
_OPTIONAL = ("num_batches_tracked", "position_ids")


def fitting(state_dict: Mapping[str, Any]) -> str | None:
    """The network that has these names with these shapes, and the arguments that make it so; None if there is none.

    Arguments that change no shape, such as numbers of heads, are left at their defaults.

    Examples
    --------
    >>> from scratchnet.vision.models import LeNet5
    >>> fitting(LeNet5(3).state_dict())
    'vision.models.LeNet5(num_classes=3)'
    """
    given = _shapes(without_prefix(state_dict, ()))
    for name, make in _networks():
        arguments = _ARGUMENTS.get(name, _classes)(make, given)
        if arguments is not None and _shapes_of(make, arguments) == given:
            return f"{name}({', '.join(f'{key}={value}' for key, value in arguments.items())})"
    return None


def _networks() -> Iterator[tuple[str, Callable[..., Any]]]:
    for package in _PACKAGES:
        models = importlib.import_module(f"scratchnet.{package}")
        for name in models.__all__:
            yield f"{package}.{name}", getattr(models, name)


def _classes(make: Callable[..., Any], given: Shapes) -> dict[str, int] | None:
    """The number of classes, which is the size of what has another shape than in the network by default."""
    shapes = _shapes_of(make, {})
    if shapes is None or shapes.keys() != given.keys():
        return None
    sizes = {given[key][:1] for key in given if given[key] != shapes[key]}
    if not sizes:
        return {}
    return {"num_classes": max(sizes)[0]} if () not in sizes else None


def _of_bert(make: Callable[..., Any], given: Shapes) -> dict[str, int] | None:
    """The sizes of a BERT, from the shapes of its embeddings and of its first layer."""
    tables = [given.get(f"embeddings.{kind}_embeddings.weight", ()) for kind in ("word", "position", "token_type")]
    inner = given.get("encoder.layer.0.intermediate.dense.bias", ())
    if [len(shape) for shape in (*tables, inner)] != [2, 2, 2, 1]:
        return None
    layers = {key.split(".")[2] for key in given if key.startswith("encoder.layer.")}
    (words, width), (positions, _), (types, _) = tables
    return {
        "vocab_size": words, "hidden_size": width, "num_hidden_layers": len(layers), "intermediate_size": inner[0],
        "max_position_embeddings": positions, "type_vocab_size": types,
    }  # fmt: skip


_ARGUMENTS = {"text.models.BertModel": _of_bert}


def _shapes_of(make: Callable[..., Any], arguments: Mapping[str, Any]) -> Shapes | None:
    """Of a network; None if these are no arguments for it."""
    try:
        with skipped():
            network = make(**arguments)
    except (TypeError, ValueError, MemoryError):
        return None
    return _shapes(network.state_dict()) if isinstance(network, nn.Module) else None


def _shapes(state_dict: Mapping[str, Any]) -> Shapes:
    return {name: tuple(value.shape) for name, value in state_dict.items() if not name.endswith(_OPTIONAL)}
