"""Whether what a file gave fits the annotations of the dataclass that it is to become."""

from __future__ import annotations

from dataclasses import fields
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints


def check_fields(value: Any) -> None:
    """Compare the fields of a dataclass with its annotations.

    Raises
    ------
    TypeError
        That names the first field with something else in it.
    """
    kinds = get_type_hints(type(value))
    for field in fields(value):
        given = getattr(value, field.name)
        if not _fits(given, kinds[field.name]):
            raise TypeError(f"{field.name} of a {type(value).__name__} is no {field.type}")


def _fits(value: Any, kind: Any) -> bool:
    if kind is Any:
        return True
    outer, inner = get_origin(kind), get_args(kind)
    if outer in (Union, UnionType):
        return any(_fits(value, one) for one in inner)
    if outer is dict:
        return isinstance(value, dict) and all(_fits(k, inner[0]) and _fits(v, inner[1]) for k, v in value.items())
    if outer is list:
        return isinstance(value, list) and all(_fits(item, inner[0]) for item in value)
    if outer is tuple:
        return isinstance(value, tuple) and len(value) == len(inner) and all(map(_fits, value, inner))
    return isinstance(value, kind)
