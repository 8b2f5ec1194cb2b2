"""Which network of the zoo a state dict is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scratchnet import nn
from scratchnet.nn.init_skipping import skipped
from scratchnet.nn.state_dict_report import without_prefix

# counts batches, is in no file from before 2018, and decides about no shape
_OPTIONAL = "num_batches_tracked"


def fitting(state_dict: Mapping[str, Any]) -> str | None:
    """The network of `vision.models` that has these names, with these shapes; None if there is none.

    Examples
    --------
    >>> from scratchnet.vision.models import LeNet5
    >>> fitting(LeNet5(3).state_dict())
    'vision.models.LeNet5(num_classes=3)'
    """
    from scratchnet.vision import models

    given = _shapes(without_prefix(state_dict, ()))
    for name in models.__all__:
        make = getattr(models, name)
        shapes = _shapes_of(make, {})
        if shapes is None or shapes.keys() != given.keys():
            continue
        others = {given[key][:1] for key in given if given[key] != shapes[key]}
        if not others:
            return f"vision.models.{name}()"
        classes = {"num_classes": max(others)[0]} if () not in others else {}  # if only the last layer is another
        if classes and _shapes_of(make, classes) == given:
            return f"vision.models.{name}(num_classes={classes['num_classes']})"
    return None


def _shapes_of(make: Any, arguments: dict[str, Any]) -> dict[str, tuple[int, ...]] | None:
    """Of a network, or None if it wants other arguments."""
    try:
        with skipped():
            network = make(**arguments)
    except TypeError:
        return None
    return _shapes(network.state_dict()) if isinstance(network, nn.Module) else None


def _shapes(state_dict: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in state_dict.items() if not name.endswith(_OPTIONAL)}
