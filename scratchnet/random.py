"""Random numbers: the same seed gives the same stream as torch's CPU generator, number for number.

Every draw is made of 32-bit words of the Mersenne Twister, seeded with the low 32 bits of the seed; `Generator`
turns them into numbers by torch's rules, so that the state after a call is torch's too.

Integers, permutations, choices and masks, and float32 uniforms and normals have torch's bits; float64 normals agree
within two units in the last place, functions of a uniform number (exponential, Cauchy, …) within a few, where another
logarithm or a fused multiply-add rounds otherwise.  (Older releases of torch sampled ``bernoulli`` of a scalar p, and
``exponential``, from a generator of Intel's library on Intel's processors; torch 2.13 does not.)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scratchnet._generator import Generator

default_generator = Generator()
default_generator.seed()


def manual_seed(seed: int) -> Generator:
    """Restart the default generator from ``seed`` and return it."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Restart the default generator from a seed of the operating system's, and return it."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed the default generator was last restarted from."""
    return default_generator.initial_seed()


def get_rng_state() -> Any:
    """The default generator's state, a Tensor of uint8 [5056]."""
    return default_generator.get_state()


def set_rng_state(state: Any) -> None:
    """Return the default generator to a state of `get_rng_state`, a Tensor or an array of bytes."""
    default_generator.set_state(state)


@contextmanager
def fork_rng(devices: Any = None, enabled: bool = True) -> Iterator[None]:
    """Leave the default generator after the block as it was before it. There are no other `devices`."""
    if not enabled:
        yield
        return
    state = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(state)
