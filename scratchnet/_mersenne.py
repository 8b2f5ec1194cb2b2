"""MT19937 with torch's seeding, torch's state layout and torch's way of making unit uniforms from words.

M. Matsumoto and T. Nishimura, *Mersenne Twister: a 623-dimensionally equidistributed uniform pseudo-random
number generator* (1998).  NumPy makes the words.
"""

from __future__ import annotations

import os
import threading
from typing import Any, Self

import numpy as np

DEFAULT_SEED = 67280421310721
_WORDS = 624                        # 32-bit words in MT19937's state
_STATE_BYTES = 5056

# torch's CPUGeneratorImplState byte by byte: states may be carried between the two libraries.
_STATE = np.dtype([
    ("seed", "<u8"), ("left", "<i4"), ("seeded", "<i4"), ("next", "<u8"), ("words", "<u8", _WORDS),
    ("normal_x", "<f8"), ("normal_y", "<f8"), ("normal_rho", "<f8"), ("normal_is_valid", "<i4"),
    ("_gap", "<i4"), ("next_float_normal", "<f4"), ("next_float_normal_is_valid", "<u4")])


class MersenneTwister:
    """The stream of words: seed, state, words and uniforms.  Whoever draws holds ``_lock``.

    Tensors are of a layer above: `scratchnet.ops` sets ``wrap_state``, which makes one of a state's bytes.
    """

    wrap_state: Any = np.asarray

    def __init__(self):
        self._lock = threading.RLock()
        self._bits = np.random.MT19937(0)
        self._source = np.random.Generator(self._bits)
        self.manual_seed(DEFAULT_SEED)

    def manual_seed(self, seed: int) -> Self:
        """Restart the stream.  The seed is an int of [-2^63, 2^64 - 1]; its low 32 bits choose the stream."""
        seed = int(seed)
        if not -2**63 <= seed < 2**64:
            raise ValueError(f"manual_seed: expected a seed in [-2**63, 2**64 - 1], got {seed}")
        with self._lock:
            self._seed = seed % 2**64
            self._bits._legacy_seeding(seed & 0xFFFFFFFF)
            self._cached_normal: float | None = None
        return self

    def seed(self) -> int:
        """Restart the stream from a seed of the operating system's, and return it."""
        seed = int.from_bytes(os.urandom(8), "little") & (2**53 - 1)
        self.manual_seed(seed)
        return seed

    def initial_seed(self) -> int:
        return self._seed

    def get_state(self) -> Any:
        """The state as a Tensor of uint8 [5056], cached normal included, laid out as torch's."""
        return type(self).wrap_state(self.state_bytes())

    def state_bytes(self) -> np.ndarray:
        """The state as an array."""
        record = np.zeros(1, _STATE)
        with self._lock:
            state = self._bits.state["state"]
            record["seed"], record["seeded"] = self._seed, 1
            record["next"], record["words"] = state["pos"], state["key"]
            record["left"] = _WORDS + 1 - state["pos"]
            if self._cached_normal is not None:
                record["normal_y"], record["normal_is_valid"] = self._cached_normal, 1
        return record.view(np.uint8)

    def set_state(self, state: Any) -> Self:
        """Return to a state of ``get_state``, a Tensor or an array, ours or torch's.  If the bytes are none, nothing changes."""
        state = np.ascontiguousarray(state)
        if state.dtype != np.uint8:
            raise TypeError(f"set_state: expected a state of dtype uint8, got {state.dtype}")
        if state.shape != (_STATE_BYTES,):
            raise RuntimeError(f"set_state: expected a state of shape ({_STATE_BYTES},), got {state.shape}")
        record = state.view(_STATE)[0]
        left, words = int(record["left"]), record["words"]
        in_range = 1 <= left <= _WORDS and record["next"] <= _WORDS and words.max() < 2**32
        if not (record["seeded"] and in_range):
            raise RuntimeError("set_state: the bytes are not a state of the Mersenne Twister")
        with self._lock:
            self._seed = int(record["seed"])
            self._bits.state = {"bit_generator": "MT19937",
                                "state": {"key": words.astype(np.uint32), "pos": _WORDS + 1 - left}}
            self._cached_normal = float(record["normal_y"]) if record["normal_is_valid"] else None
        return self

    def clone_state(self) -> Self:
        """A new generator that goes on from here; the two are independent afterwards."""
        return type(self)().set_state(self.state_bytes())

    def __getstate__(self):
        return self.state_bytes()

    def __setstate__(self, state):
        self.__init__()
        self.set_state(state)

    def _words32(self, n: int) -> np.ndarray:
        return self._source.integers(0, 2**32, size=n, dtype=np.uint32)

    def _words64(self, n: int) -> np.ndarray:
        """Two words each, the upper half drawn first."""
        pairs = self._words32(2 * n).astype("<u4", copy=False).view("<u8")
        words = pairs << np.uint64(32)
        words |= pairs >> np.uint64(32)
        return words

    def _unit(self, n: int, dtype=np.float64) -> np.ndarray:
        """n multiples of 2^-24 (float32, one word each) or 2^-53 (float64, two words each) in [0, 1)."""
        if dtype == np.float32:
            words = self._words32(n)
            words &= np.uint32(2**24 - 1)
            scale = 2.0**-24
        else:
            words = self._words64(n)
            words &= np.uint64(2**53 - 1)
            scale = 2.0**-53
        u = words.astype(dtype)
        u *= scale
        return u
