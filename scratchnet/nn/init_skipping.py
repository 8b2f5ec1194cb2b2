"""Leaving out the initialisation of parameters."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from scratchnet.autograd.mode import no_grad
from scratchnet.autograd.tensor import Tensor


class _State(threading.local):
    skipping = False


_state = _State()


@contextmanager
def skipped() -> Iterator[None]:
    """Within the block, and in this thread, no function of `nn.init` changes the tensor that it is given."""
    before, _state.skipping = _state.skipping, True
    try:
        yield
    finally:
        _state.skipping = before


def change(tensor: Tensor, fill: Callable[[Tensor], Tensor]) -> Tensor:
    """`fill(tensor)`, unrecorded: every change of values by `nn.init` goes through here."""
    if _state.skipping:
        return tensor
    with no_grad():
        return fill(tensor)
