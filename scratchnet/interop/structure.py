"""The last look at what came out of a pickle, before anybody walks it."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np

from scratchnet.autograd.device import device
from scratchnet.autograd.size import Size
from scratchnet.autograd.tensor import Tensor
from scratchnet.interop.errors import CheckpointError
from scratchnet.nn.parameter import Parameter

MOST_DEPTH = 200
_LEAVES = frozenset([type(None), bool, int, float, complex, str, bytes, Tensor, Parameter, Size, np.ndarray, device])
_CONTAINERS = frozenset([list, tuple, dict, OrderedDict, Counter, set, frozenset])


def check_structure(value: Any, most: int) -> None:
    """Refuse what is deep, contains itself, shows more than `most` objects to who walks it, or is not data.

    `[a, a]` with a = `[b, b]` with b = … is small in memory, yet whoever visits or prints it would never end: the
    objects are counted as often as they are seen.
    """
    seen: dict[int, int] = {}  # id of a container → how many objects it shows
    path: list[tuple[int, Iterator[Any]]] = []
    counts = [0]
    entered: set[int] = set()
    pending: Iterator[Any] = iter((value,))
    while True:
        for item in pending:
            counts[-1] += 1
            kind = type(item)
            if kind in _CONTAINERS:
                if id(item) in seen:
                    counts[-1] += seen[id(item)]
                    continue
                if id(item) in entered:
                    raise CheckpointError(f"a {kind.__name__} contains itself")
                if len(path) >= MOST_DEPTH:
                    raise CheckpointError(f"the structure is nested deeper than {MOST_DEPTH} levels")
                entered.add(id(item))
                path.append((id(item), pending))
                counts.append(0)
                pending = _children(item)
                break
            if kind not in _LEAVES and not issubclass(kind, np.generic | np.dtype):
                raise CheckpointError(f"an object of type {kind.__name__} is no data")
        else:
            if not path:
                return
            container, pending = path.pop()
            entered.discard(container)
            seen[container] = counts.pop()
            counts[-1] += seen[container]
        if counts[-1] > most:
            raise CheckpointError(f"the structure shows more than {most} objects to who walks it: a memo bomb?")


def _children(container: Any) -> Iterator[Any]:
    if not isinstance(container, dict):
        return iter(container)
    return chain(container, container.values(), (getattr(container, "_metadata", None),))
