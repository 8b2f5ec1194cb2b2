"""The generator of `random`: words of the Mersenne Twister, turned into numbers by torch's rules."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, prod

import numpy as np

from scratchnet import _cephes
from scratchnet._counts import Counts

_RANGE_OF_ONE_WORD = 1 << 28        # torch takes a 64-bit draw for integer ranges from here on
_CHUNK = 1 << 15                    # words at a time stay in cache
_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


class Generator(Counts):
    """A stream of random numbers that is torch's for the same seed.

    Draws take a shape (an int or a tuple) and return a new C-contiguous array; each holds a lock, so
    threads may share a generator.  A new generator starts from a fixed seed, as torch's does.

    Parameters
    ----------
    device : only ``"cpu"`` exists.
    """

    def __init__(self, device: str = "cpu"):
        if str(device) != "cpu":
            raise RuntimeError(f"Generator: expected device 'cpu', got {device!r}")
        self.device = "cpu"
        super().__init__()

    def uniform(self, shape, dtype=np.float32, low: float = 0.0, high: float = 1.0) -> np.ndarray:
        """low + u·(high - low), u uniform in [0, 1)."""
        shape, dtype = _shape(shape), _float_dtype("uniform", dtype)
        limit, low, high = float(np.finfo(dtype).max), float(low), float(high)
        for name, value in (("from", low), ("to", high)):
            if not -limit <= value <= limit:
                raise RuntimeError(f"uniform: {name}={value} is out of bounds for {dtype}")
        if not low <= high:
            raise RuntimeError(f"uniform expects to return a [from, to) range, but from={low} > to={high}")
        if high - low > limit:
            raise RuntimeError(f"uniform: to - from = {high} - {low} is more than the largest {dtype}")
        with self._lock:
            u = self._unit(prod(shape), dtype)
        if (low, high) != (0, 1):
            low, high = dtype.type(low), dtype.type(high)
            u = _cephes.fma(u, high - low, low) if dtype == np.float32 else u * (high - low) + low
        return u.reshape(shape)

    def normal(
        self, shape, dtype=np.float32, mean: float = 0.0, std: float = 1.0, in_pairs: bool = False
    ) -> np.ndarray:
        """mean + std·z, z standard normal by the transform of Box and Muller (1958), see `_box_muller`.

        Sixteen numbers and more are made in blocks of 16 uniforms of the dtype (the last block overlaps its
        neighbour when 16 does not divide the size); fewer are made one pair at a time in float64, the
        second of a pair kept for the next call, and so are all with ``in_pairs``: that is how torch fills
        tensors with gaps or in another than row-major order.
        """
        shape, dtype = _shape(shape), _float_dtype("normal", dtype)
        if not std >= 0:
            raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
        n = prod(shape)
        with self._lock:
            if n < 16 or in_pairs:
                return (self._normal_pairs(n) * std + mean).astype(dtype).reshape(shape)
            u = self._unit(n, dtype)
            tail = self._unit(16, dtype) if n % 16 else None
        whole = n - n % 16
        u[:whole] = _box_muller(u[:whole], mean, std)
        if tail is not None:
            u[-16:] = _box_muller(tail, mean, std)
        return u.reshape(shape)

    def _normal_pairs(self, n: int) -> np.ndarray:
        """n standard normal float64 numbers drawn one pair at a time, through the cached second of a pair."""
        cached = [] if self._cached_normal is None or n == 0 else [self._cached_normal]
        missing = n - len(cached)
        if n == 0:
            return np.empty(0)
        u = self._unit(2 * ((missing + 1) // 2)).reshape(-1, 2)
        radius, theta = np.sqrt(-2 * np.log1p(-u[:, 1])), 2 * np.pi * u[:, 0]
        z = np.concatenate([cached, np.stack([radius * np.cos(theta), radius * np.sin(theta)], 1).ravel()])
        self._cached_normal = float(z[-1]) if missing % 2 else None
        return z[:n]

    def exponential(self, shape, dtype=np.float32, lambd: float = 1.0) -> np.ndarray:
        """-log(1 - u)/λ, density λ·exp(-λx)."""
        shape, dtype = _shape(shape), _float_dtype("exponential", dtype)
        _require_positive("exponential", "lambda", lambd)
        with self._lock:
            u = self._unit(prod(shape))
        return (-1.0 / lambd * np.log1p(-u)).astype(dtype).reshape(shape)

    def log_normal(self, shape, dtype=np.float32, mean: float = 1.0, std: float = 2.0) -> np.ndarray:
        """exp(mean + std·z), z standard normal."""
        shape, dtype = _shape(shape), _float_dtype("log_normal", dtype)
        _require_positive("log_normal", "std", std)
        with self._lock:
            z = self._normal_pairs(prod(shape))
        return np.exp(z * std + mean).astype(dtype).reshape(shape)

    def cauchy(self, shape, dtype=np.float32, median: float = 0.0, sigma: float = 1.0) -> np.ndarray:
        """median + σ·tan(π(u - ½))."""
        shape, dtype = _shape(shape), _float_dtype("cauchy", dtype)
        _require_positive("cauchy", "sigma", sigma)
        with self._lock:
            u = self._unit(prod(shape))
        return (median + sigma * np.tan(np.pi * (u - 0.5))).astype(dtype).reshape(shape)

    def randint(self, low: int, high: int, shape, dtype=np.int64) -> np.ndarray:
        """Integers of [low, high): one word modulo the range, or two where the range is 2^28 or more."""
        shape, dtype, low, high = _shape(shape), np.dtype(dtype), int(low), int(high)
        if low >= high:
            raise RuntimeError(f"randint expects 'from' < 'to', but got from={low} >= to={high}")
        if low < -2**63 or high > 2**63:
            raise ValueError(f"randint: expected bounds of 64-bit integers, got from={low}, to={high}")
        if dtype.kind in "iub":
            limits = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
            for name, value in (("from", low), ("to - 1", high - 1)):
                if not limits[0] <= value <= limits[1]:
                    raise RuntimeError(f"randint: {name} = {value} is out of bounds for {dtype}")
        n, span = prod(shape), high - low
        with self._lock:
            if span < _RANGE_OF_ONE_WORD:
                values = (self._words32(n) % np.uint32(span)).astype(np.int64)
            else:
                values = (self._words64(n) % np.uint64(span)).view(np.int64)
        values += np.int64(low)                     # wraps around: right for ranges wider than int64 as well
        return values.astype(dtype, copy=False).reshape(shape)

    def randperm(self, n: int, dtype=np.int64) -> np.ndarray:
        """A permutation of 0 … n-1 by the shuffle of Fisher and Yates (1938), from the front."""
        n = int(n)
        if n < 0:
            raise RuntimeError(f"randperm: n must be non-negative, got {n}")
        dtype = np.dtype(dtype)
        if dtype.kind in "iu" and n - 1 > np.iinfo(dtype).max:
            raise RuntimeError(f"randperm: {n - 1} cannot be converted to {dtype} without overflow")
        with self._lock:
            words = self._words32(max(n - 1, 0))
        i = np.arange(len(words), dtype=np.int64)
        order = list(range(n))
        for k, other in enumerate((i + words % (n - i)).tolist()):      # a list: faster than array items
            order[k], order[other] = order[other], order[k]
        return np.array(order, dtype=dtype)

    def bernoulli(self, p, shape=None, dtype=None) -> np.ndarray:
        """1 where u < p, else 0.

        Parameters
        ----------
        p : a number in [0, 1] (u has 53 bits), or a float array of them (u has its dtype's 24 or 53 bits).
        shape : of the result; left out for an array p.
        dtype : of the result; float32, or that of an array p, when left out.
        """
        if not isinstance(p, np.ndarray):
            if not 0 <= p <= 1:
                raise RuntimeError(f"bernoulli expects p to be in [0, 1], but got p={p}")
            return self._less_than(float(p), _shape(shape)).astype(dtype or np.float32, copy=False)
        _float_dtype("bernoulli", p.dtype)
        if not (np.all(p >= 0) and np.all(p <= 1)):
            raise RuntimeError("bernoulli: expected every element of p to be in [0, 1]")
        with self._lock:
            u = self._unit(p.size, p.dtype)
        return (u.reshape(p.shape) < p).astype(dtype or p.dtype)

    def _less_than(self, p: float, shape: tuple[int, ...]) -> np.ndarray:
        """Where u < p, as bool.  Not u, a fraction of 53 bits, is compared but the integer u·2^53 that it is made of."""
        result = np.empty(prod(shape), np.bool_)
        bits, limit = np.uint64(2**53 - 1), np.uint64(ceil(p * 2**53))
        with self._lock:
            for start in range(0, result.size, _CHUNK):
                part = result[start : start + _CHUNK]
                words = self._words64(part.size)
                words &= bits
                np.less(words, limit, out=part)
        return result.reshape(shape)

    def geometric(self, p: float, shape, dtype=np.float32) -> np.ndarray:
        """⌈log u / log(1 - p)⌉: the number of trials up to the first success."""
        if not 0 < p < 1:
            raise RuntimeError(f"geometric expects p to be in (0, 1), but got p={p}")
        shape = _shape(shape)
        with self._lock, np.errstate(divide="ignore"):
            values = np.ceil(np.log(self._unit(prod(shape))) / np.log1p(-p))
        return values.astype(dtype).reshape(shape)

    def multinomial(self, weights: np.ndarray, num_samples: int, replacement: bool = False) -> np.ndarray:
        """Indices drawn in proportion to weights.

        With replacement: the place of u in the cumulative sums.  Without: the largest weights/q, q
        exponential (the *exponential race*), which draws one after the other from what is left.

        Parameters
        ----------
        weights : [categories] or [rows, categories], float, not negative, not all zero in a row.

        Returns
        -------
        int64 [num_samples] or [rows, num_samples]
        """
        _check_multinomial(weights, num_samples, replacement)
        rows = weights if weights.ndim == 2 else weights[None]
        if replacement and num_samples > 1:
            with self._lock:
                u = self._unit(rows.shape[0] * num_samples).reshape(rows.shape[0], num_samples)
            picked = np.empty(u.shape, np.int64)
            for row, weight in enumerate(rows):
                cumulative = np.cumsum(weight, dtype=weight.dtype)
                cumulative /= cumulative[-1]
                cumulative[-1] = 1
                picked[row] = np.searchsorted(cumulative, u[row], side="left")
        else:
            race = rows / self.exponential(rows.shape, rows.dtype)
            picked = np.argsort(-race, axis=1, kind="stable")[:, :num_samples]
        return picked if weights.ndim == 2 else picked[0]


def _box_muller(u: np.ndarray, mean: float, std: float) -> np.ndarray:
    """z_j = √(-2 log(1 - u_j))·cos(2π u_{j+8}), z_{j+8} = the same with sin, in each block of 16."""
    dtype = u.dtype.type
    z, u = np.empty_like(u).reshape(-1, 2, 8), u.reshape(-1, 2, 8)
    for i in range(0, len(u), 1024):                # the temporaries of 1024 blocks stay in cache
        part = slice(i, i + 1024)
        u1, theta = dtype(1) - u[part, 0], dtype(2 * np.pi) * u[part, 1]
        if dtype is np.float32:
            radius = np.sqrt(dtype(-2) * _cephes.log(u1))
            sin, cos = _cephes.sin_cos(theta)
            z[part, 0] = _cephes.fma(radius * cos, dtype(std), dtype(mean))
            z[part, 1] = _cephes.fma(radius * sin, dtype(std), dtype(mean))
        else:
            radius = np.sqrt(-2 * np.log(u1))
            z[part, 0] = radius * np.cos(theta) * std + mean
            z[part, 1] = radius * np.sin(theta) * std + mean
    return z.reshape(-1)


def _check_multinomial(weights, num_samples, replacement):
    if weights.dtype not in _FLOATS:
        raise RuntimeError(f"multinomial: expected float32 or float64 weights, got {weights.dtype}")
    if weights.ndim not in (1, 2):
        raise RuntimeError(f"multinomial: expected weights of 1 or 2 dimensions, got shape {weights.shape}")
    if num_samples <= 0:
        raise RuntimeError(f"multinomial: expected num_samples > 0, got {num_samples}")
    if not replacement and num_samples > weights.shape[-1]:
        raise RuntimeError(f"multinomial: cannot draw num_samples={num_samples} without replacement from "
                           f"{weights.shape[-1]} categories")
    if not (np.all(weights >= 0) and np.all(np.isfinite(weights))):
        raise RuntimeError("multinomial: weights contain inf, nan or an element < 0")
    if not np.all(weights.sum(-1) > 0):
        raise RuntimeError("multinomial: invalid distribution (sum of weights <= 0)")


def memory_order(array: np.ndarray) -> list[int]:
    """The dimensions from the slowest to the fastest.  Repeated ones, of stride 0, stay beside their neighbours."""
    order = list(range(array.ndim))[::-1]
    if array.flags.c_contiguous:
        return order[::-1]
    place = [(abs(step), size) for step, size in zip(array.strides, array.shape)]
    for end in range(1, array.ndim):                # sorted by insertion: 0 compares as equal to everything
        at = end
        for before in reversed(range(end)):
            slow, fast = place[order[before]], place[order[at]]
            if slow[0] and fast[0] and slow > fast:
                order[before], order[at], at = order[at], order[before], before
            elif slow[0] and fast[0] and slow[0] < fast[0]:
                break
    return order[::-1]


def in_memory_order(draw: Callable[[tuple[int, ...]], np.ndarray], like: np.ndarray) -> np.ndarray:
    """`draw(shape)` in the shape and the layout of `like`.

    torch fills tensors in the order in which their elements lie in memory: a transposed one column by column.
    """
    order = memory_order(like)
    return draw(tuple(like.shape[d] for d in order)).transpose(np.argsort(order))


def _shape(shape) -> tuple[int, ...]:
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if any(size < 0 for size in shape):
        raise RuntimeError(f"Trying to create an array with a negative dimension: {shape}")
    return shape


def _require_positive(name: str, argument: str, value: float) -> None:
    if not value > 0:  # NaN is refused too
        raise RuntimeError(f"{name} expects {argument} > 0.0, but found {argument}={value}")


def _float_dtype(name, dtype) -> np.dtype:
    dtype = np.dtype(dtype)
    if dtype not in _FLOATS:
        raise NotImplementedError(f"{name}: expected dtype float32 or float64, got {dtype}")
    return dtype
