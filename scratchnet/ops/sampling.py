"""Random tensors. After `manual_seed` they hold torch's numbers (see scratchnet/random.py)."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import check_memory, check_writable
from scratchnet.ops.creation import fresh, size_of
from scratchnet.ops.dims import as_shape
from scratchnet.ops.dtypes import as_dtype
from scratchnet.ops.fill import Replace, assign
from scratchnet.ops.promotion import get_default_dtype
from scratchnet.random import Generator, default_generator

__all__ = [
    "rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like",
    "normal", "bernoulli", "multinomial",
]  # fmt: skip

Source = Generator | None


def _draw(draw: Any, shape: tuple[int, ...], dtype: Any, *args: Any) -> np.ndarray:
    """Floating-point numbers in a dtype; float16 ones are converted from float32."""
    dtype = get_default_dtype() if dtype is None else as_dtype(dtype)
    if dtype.kind != "f":
        raise NotImplementedError(
            f"{draw.__name__}: not implemented for {dtype}; expected a floating-point dtype"
        )
    array = draw(shape, np.float32 if dtype.itemsize < 4 else dtype, *args)
    return array.astype(dtype, copy=False)


# ---- new tensors ---------------------------------------------------------------------------------
def rand(*args: Any, size: Any = None, generator: Source = None, dtype: Any = None, **options: Any) -> Tensor:
    """Numbers distributed uniformly in [0, 1)."""
    g = generator or default_generator
    return fresh(_draw(g.uniform, size_of("rand", args, size), dtype), **options)


def randn(
    *args: Any, size: Any = None, generator: Source = None, dtype: Any = None, **options: Any
) -> Tensor:
    """Normal numbers of mean 0 and variance 1."""
    g = generator or default_generator
    return fresh(_draw(g.normal, size_of("randn", args, size), dtype), **options)


def randint(
    low: Any = 0,
    high: Any = None,
    size: Any = None,
    *,
    generator: Source = None,
    dtype: Any = np.int64,
    **options: Any,
) -> Tensor:
    """Ints of [low, high), all equally likely: `randint(10, (3,))`, `randint(5, 10, (3,))`."""
    if size is None:
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    for name, value in (("low", low), ("high", high)):
        if not hasattr(value, "__index__"):
            raise TypeError(f"randint(): argument {name!r} must be int, not {type(value).__name__}")
    if not isinstance(size, tuple | list):
        raise TypeError(f"randint(): argument 'size' must be tuple of ints, not {type(size).__name__}")
    g = generator or default_generator
    return fresh(g.randint(low, high, size_of("randint", (size,)), as_dtype(dtype)), **options)


def randperm(n: int, *, generator: Source = None, dtype: Any = np.int64, **options: Any) -> Tensor:
    """0 … n - 1 in random order."""
    return fresh((generator or default_generator).randperm(n, as_dtype(dtype)), **options)


def rand_like(input: Tensor, *, dtype: Any = None, **options: Any) -> Tensor:
    """`rand` in the shape, and by default the dtype, of `input`."""
    return rand(input.array.shape, dtype=input.array.dtype if dtype is None else dtype, **options)


def randn_like(input: Tensor, *, dtype: Any = None, **options: Any) -> Tensor:
    """`randn` in the shape, and by default the dtype, of `input`."""
    return randn(input.array.shape, dtype=input.array.dtype if dtype is None else dtype, **options)


def randint_like(
    input: Tensor, low: int = 0, high: int | None = None, *, dtype: Any = None, **options: Any
) -> Tensor:
    """`randint` in the shape, and by default the dtype, of `input`."""
    low, high = (0, low) if high is None else (low, high)
    return randint(
        low, high, input.array.shape, dtype=input.array.dtype if dtype is None else dtype, **options
    )


def normal(
    mean: Any,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Source = None,
    dtype: Any = None,
    **options: Any,
) -> Tensor:
    """Normal numbers; `mean` and `std` may be tensors that broadcast, or numbers along with a `size`."""
    g = generator or default_generator
    if size is not None:
        return fresh(_draw(g.normal, as_shape(size), dtype, mean, std), **options)
    if not isinstance(mean, Tensor) and not isinstance(std, Tensor):
        raise TypeError("normal(): expected a Tensor as mean or std, or numbers and a size")
    given = [x.array for x in (mean, std) if isinstance(x, Tensor)]
    try:
        shape = np.broadcast_shapes(*[a.shape for a in given])
    except ValueError:
        raise RuntimeError(
            f"normal: the shapes of mean {list(given[0].shape)} and std {list(given[-1].shape)} do not "
            "broadcast"
        ) from None
    if np.any((std.array if isinstance(std, Tensor) else np.asarray(std)) < 0):
        raise RuntimeError("normal expects all elements of std >= 0.0")
    z = _draw(g.normal, shape, given[0].dtype)
    return fresh(
        z * given[-1] + mean
        if isinstance(std, Tensor) and not isinstance(mean, Tensor)
        else _scaled(z, mean, std)
    )


def _scaled(z: np.ndarray, mean: Tensor, std: Any) -> np.ndarray:
    return z * z.dtype.type(std) + mean.array if not isinstance(std, Tensor) else z * std.array + mean.array


def bernoulli(input: Tensor, p: float | None = None, *, generator: Source = None) -> Tensor:
    """1 with the probability that `input` (or `p`) gives, else 0. The gradient is 0."""
    g = generator or default_generator
    x = input.array
    if p is None and x.dtype.kind != "f":
        raise NotImplementedError(
            f"bernoulli: expected probabilities of a floating-point dtype, got {x.dtype}"
        )
    drawn = g.bernoulli(p, x.shape, x.dtype) if p is not None else _bernoulli(g, x, x.dtype)
    return Replace()(input, drawn)


def _bernoulli(g: Generator, p: np.ndarray, dtype: np.dtype) -> np.ndarray:
    return g.bernoulli(p if p.dtype.itemsize >= 4 else p.astype(np.float32)).astype(dtype, copy=False)


@method()
def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Source = None
) -> Tensor:
    """Indices drawn in proportion to weights of shape (categories,) or (rows, categories)."""
    return fresh((generator or default_generator).multinomial(input.array, num_samples, replacement))


method("bernoulli")(bernoulli)


# ---- in place ------------------------------------------------------------------------------------
def _fill(x: Tensor, draw: Any, *args: Any) -> Tensor:
    """Replace the numbers of `x` by new ones of its dtype."""
    check_writable(x)  # before random numbers are used up
    check_memory(x)
    return assign(x, _draw(draw, x.array.shape, x.array.dtype, *args))


@method()
def normal_(input: Tensor, mean: float = 0, std: float = 1, *, generator: Source = None) -> Tensor:
    """Fill with normal numbers of a mean and a standard deviation."""
    return _fill(input, (generator or default_generator).normal, mean, std)


@method()
def uniform_(input: Tensor, *bounds: float, generator: Source = None, **named: float) -> Tensor:
    """Fill with numbers distributed uniformly in [from, to): `x.uniform_(from=0, to=1)`."""
    low, high = _from_to("uniform_", bounds, named, 0.0, 1.0)
    return _fill(input, (generator or default_generator).uniform, low, high)


@method()
def exponential_(input: Tensor, lambd: float = 1, *, generator: Source = None) -> Tensor:
    """Fill with numbers of density λ·exp(-λx)."""
    return _fill(input, (generator or default_generator).exponential, lambd)


@method()
def log_normal_(input: Tensor, mean: float = 1, std: float = 2, *, generator: Source = None) -> Tensor:
    """Fill with exp of normal numbers of a mean and a standard deviation."""
    return _fill(input, (generator or default_generator).log_normal, mean, std)


@method()
def cauchy_(input: Tensor, median: float = 0, sigma: float = 1, *, generator: Source = None) -> Tensor:
    """Fill with numbers of Cauchy's distribution."""
    return _fill(input, (generator or default_generator).cauchy, median, sigma)


@method()
def geometric_(input: Tensor, p: float, *, generator: Source = None) -> Tensor:
    """Fill with the number of trials up to the first success, each of probability p."""
    if input.array.dtype.kind == "b":
        raise NotImplementedError("geometric_: not implemented for bool")
    return assign(input, (generator or default_generator).geometric(p, input.array.shape, input.array.dtype))


@method()
def bernoulli_(input: Tensor, p: Any = 0.5, *, generator: Source = None) -> Tensor:
    """Fill with 1 with probability p (a number, or a tensor that broadcasts), else 0."""
    g, dtype = generator or default_generator, input.array.dtype
    if isinstance(p, Tensor):
        return assign(input, _bernoulli(g, p.expand(input.array.shape).array, dtype))
    return assign(input, g.bernoulli(p, input.array.shape, dtype))


@method()
def random_(input: Tensor, *bounds: int, generator: Source = None, **named: int) -> Tensor:
    """Fill with ints of [from, to): `x.random_(to)`, `x.random_(from, to)`.

    Without bounds: of all that the dtype holds without gaps, from 0.
    """
    dtype = input.array.dtype
    top = (
        2 ** (np.finfo(dtype).nmant + 1) + 1
        if dtype.kind == "f"
        else 2
        if dtype.kind == "b"
        else np.iinfo(dtype).max + 1
    )
    if len(bounds) == 1 and not named:
        bounds = (0, *bounds)
    low, high = _from_to("random_", bounds, named, 0, int(top))
    return assign(input, (generator or default_generator).randint(low, high, input.array.shape, dtype))


def _from_to(function: str, given: tuple, named: dict, *values: Any) -> tuple:
    """The arguments `from` (no name in Python, hence a dict) and `to`."""
    unknown = set(named) - {"from", "to"}
    if unknown or len(given) > 2:
        raise TypeError(f"{function}() takes from and to, got {given} and {sorted(named)}")
    low, high = (*given, *values[len(given) :])
    return named.get("from", low), named.get("to", high)
