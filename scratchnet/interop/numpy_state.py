"""NumPy's dtypes and arrays in a pickle: both are made empty, and told their state afterwards."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from scratchnet.interop.errors import CheckpointError

_MOST_DIMENSIONS = 32


class NumpyType:
    """A dtype while it is read: its byte order follows with the state."""

    def __init__(self, code: str) -> None:
        self.code, self.dtype = code, np.dtype(f"<{code}")

    def set_state(self, state: Any) -> None:
        """(version, byte order, …); what follows describes fields and objects, which no allowed dtype has."""
        order = state[1] if type(state) is tuple and len(state) > 1 else None
        if type(order) is not str or order not in ("<", ">", "|", "="):
            raise CheckpointError("the pickle sets the state of a NumPy dtype to what is none")
        self.dtype = np.dtype(order + self.code)


def set_array_state(array: np.ndarray, state: Any) -> None:
    """Fill an empty array in place, since the pickle may refer to it already.

    Parameters
    ----------
    array : numpy.ndarray
    state : (version, shape, dtype, Fortran order, bytes)
        From the file, so anything.
    """
    if type(state) is not tuple or len(state) != 5:
        raise CheckpointError("the state of a NumPy array must be (version, shape, dtype, Fortran order, bytes)")
    _, shape, kind, fortran, raw = state
    if array.size or (type(kind), type(fortran), type(raw)) != (NumpyType, bool, bytes):
        raise CheckpointError("the pickle sets the state of a NumPy array to what is none")
    if type(shape) is not tuple or len(shape) > _MOST_DIMENSIONS:  # first: a product of many long numbers takes years
        raise CheckpointError(f"the shape of a NumPy array must be a tuple of at most {_MOST_DIMENSIONS} sizes")
    if any(type(size) is not int or not 0 <= size < 2**63 for size in shape):
        raise CheckpointError("the sizes of a NumPy array must be integers ≥ 0, of 64 bits")
    if prod(shape) * kind.dtype.itemsize != len(raw):
        raise CheckpointError(f"a NumPy array declares {prod(shape)} numbers of {kind.dtype}, has {len(raw)} bytes")
    array.__setstate__((1, shape, kind.dtype, fortran, raw))
