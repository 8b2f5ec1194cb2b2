"""Random tensors. After `manual_seed` they hold torch's numbers (see scratchnet/random.py)."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet._generator import in_memory_order, memory_order
from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor, method
from scratchnet.autograd.view import check_memory, check_writable
from scratchnet.ops.broadcasting import broadcast_tensors
from scratchnet.ops.creation import empty_like, fresh, size_of
from scratchnet.ops.dims import as_shape, whole_number
from scratchnet.ops.dtypes import as_dtype
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.fill import Replace, assign
from scratchnet.ops.promotion import get_default_dtype
from scratchnet.random import Generator, default_generator

__all__ = [
    "rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like",
    "normal", "bernoulli", "binomial", "multinomial", "poisson",
]  # fmt: skip

Source = Generator | None
Generator.wrap_state = Tensor


def _draw(draw: Any, shape: tuple[int, ...], dtype: Any, *args: Any) -> np.ndarray:
    """Floating-point numbers in a dtype; float16 ones are converted from float32."""
    dtype = get_default_dtype() if dtype is None else as_dtype(dtype)
    if dtype.kind != "f":
        raise NotImplementedError(f"{draw.__name__}: not implemented for {dtype}; expected a floating-point dtype")
    array = draw(shape, np.float32 if dtype.itemsize < 4 else dtype, *args)
    return array.astype(dtype, copy=False)


# ---- new tensors ---------------------------------------------------------------------------------
def rand(*args: Any, size: Any = None, generator: Source = None, dtype: Any = None, **options: Any) -> Tensor:
    """Numbers distributed uniformly in [0, 1)."""
    g = generator or default_generator
    return fresh(_draw(g.uniform, size_of("rand", args, size), dtype), **options)


def randn(*args: Any, size: Any = None, generator: Source = None, dtype: Any = None, **options: Any) -> Tensor:
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
    n = whole_number(n, "randperm: n")
    return fresh((generator or default_generator).randperm(n, as_dtype(dtype)), **options)


def rand_like(input: Tensor, *, dtype: Any = None, **options: Any) -> Tensor:
    """`rand` in the shape, and by default the dtype, of `input`."""
    return _like(input, "uniform_", (), dtype, options)


def randn_like(input: Tensor, *, dtype: Any = None, **options: Any) -> Tensor:
    """`randn` in the shape, and by default the dtype, of `input`."""
    return _like(input, "normal_", (), dtype, options)


def randint_like(input: Tensor, low: int = 0, high: int | None = None, *, dtype: Any = None, **options: Any) -> Tensor:
    """`randint` in the shape, and by default the dtype, of `input`."""
    bounds = (low,) if high is None else (low, high)
    return _like(input, "random_", bounds, dtype, options)


def _like(input: Tensor, fill: str, args: tuple, dtype: Any, options: dict) -> Tensor:
    """A new tensor with the shape and the strides of `input`, filled."""
    source = {"generator": options.pop("generator")} if "generator" in options else {}
    y = empty_like(input, dtype=dtype, **{**options, "requires_grad": False})
    getattr(y, fill)(*args, **source)
    return y.requires_grad_() if options.get("requires_grad") else y


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
    m, s = (x.array if isinstance(x, Tensor) else x for x in (mean, std))
    try:
        shape = np.broadcast_shapes(np.shape(m), np.shape(s))
    except ValueError:
        raise RuntimeError(f"normal: mean {np.shape(m)} and std {np.shape(s)} do not broadcast") from None
    if np.any(np.less(s, 0)):
        raise RuntimeError("normal expects all elements of std >= 0.0")
    z = _draw(g.normal, shape, m.dtype if isinstance(mean, Tensor) else s.dtype)
    return fresh((z * s + m).astype(z.dtype, copy=False))


def bernoulli(input: Tensor, p: float | None = None, *, generator: Source = None) -> Tensor:
    """1 with the probability that `input` (or `p`) gives, else 0. The gradient is 0."""
    check_tensor(input, "bernoulli")
    g = generator or default_generator
    x = input.array
    if p is None and x.dtype.kind != "f":
        raise NotImplementedError(f"bernoulli: expected probabilities of a floating-point dtype, got {x.dtype}")
    drawn = g.bernoulli(p, x.shape, x.dtype) if p is not None else _bernoulli(g, x, x.dtype)
    return Replace()(input, drawn)


def _bernoulli(g: Generator, p: np.ndarray, dtype: np.dtype) -> np.ndarray:
    return g.bernoulli(p if p.dtype.itemsize >= 4 else p.astype(np.float32)).astype(dtype, copy=False)


def poisson(input: Tensor, generator: Source = None) -> Tensor:
    """Numbers of events, of which `input` are expected at each place: P(k) = λᵏ exp(-λ) / k!. The gradient is 0.

    Parameters
    ----------
    input : Tensor of floats, λ

    Returns
    -------
    Tensor of its shape and dtype

    Raises
    ------
    RuntimeError
        For a rate that is negative or not finite.
    NotImplementedError
        For other dtypes than floating-point ones.
    """
    rate = check_tensor(input, "poisson").array
    if rate.dtype.kind != "f":
        raise NotImplementedError(f"poisson: expected input of a floating-point dtype, got {rate.dtype}")
    return Replace()(input, (generator or default_generator).poisson(rate))


class Binomial(Function):
    """y = how many of n trials succeed with probability p. As in torch, it has no derivative."""

    reads = NOTHING

    def __init__(self, generator: Source) -> None:
        self.generator = generator or default_generator

    def forward(self, count: Any, prob: Any) -> Any:
        return self.generator.binomial(count, prob)


def binomial(count: Tensor, prob: Tensor, generator: Source = None) -> Tensor:
    """How many of `count` trials succeed, each with probability `prob`: P(k) = n! / (k! (n − k)!) · pᵏ (1 − p)ⁿ⁻ᵏ.

    It has no derivative.

    Parameters
    ----------
    count, prob : Tensors of one floating-point dtype, whose shapes broadcast

    Returns
    -------
    Tensor of that dtype, of the shape they broadcast to

    Raises
    ------
    ValueError
        For other dtypes than floating-point ones.
    RuntimeError
        For different dtypes, shapes that do not broadcast, and a count that is not finite.
    """
    for name, x in (("count", count), ("prob", prob)):
        if check_tensor(x, "binomial", name).array.dtype.kind != "f":
            raise ValueError(f"binomial only supports floating-point dtypes for {name}, got: {x.dtype}")
    if count.dtype != prob.dtype:
        raise RuntimeError(f"binomial: expected prob of count's dtype {count.dtype}, got {prob.dtype}")
    return Binomial(generator)(*broadcast_tensors(count, prob))


@method()
def multinomial(input: Tensor, num_samples: int, replacement: bool = False, *, generator: Source = None) -> Tensor:
    """Indices drawn in proportion to weights of shape (categories,) or (rows, categories)."""
    check_tensor(input, "multinomial")
    return fresh((generator or default_generator).multinomial(input.array, num_samples, replacement))


method("bernoulli")(bernoulli)


# ---- in place ------------------------------------------------------------------------------------
def _fill(x: Tensor, draw: Any) -> Tensor:
    """Replace the numbers of `x` by those of `draw(shape)`, in the order in which they lie in memory."""
    check_writable(x)  # before random numbers are used up
    check_memory(x)
    return assign(x, in_memory_order(draw, x.array))


def _filler(name: str, doc: str, **defaults: float) -> Any:
    """`x.name_(…)`: fill with numbers of a distribution, whose parameters are `defaults`."""
    names = list(defaults)

    def fill(input: Tensor, *args: float, generator: Source = None, **named: float) -> Tensor:
        given = dict(zip(names, args)) | named
        if len(args) > len(names) or len(given) < len(args) + len(named) or set(given) - set(names):
            raise TypeError(f"{name}_() takes {', '.join(names)}, got {args} and {sorted(named)}")
        parameters = [*(defaults | given).values()]
        if name == "normal":
            parameters.append(not input.array.flags.c_contiguous)
        draw = getattr(generator or default_generator, name)
        return _fill(input, lambda shape: _draw(draw, shape, input.array.dtype, *parameters))

    fill.__name__ = fill.__qualname__ = f"{name}_"
    fill.__doc__ = doc
    return method(f"{name}_")(fill)


_filler("normal", "Fill with normal numbers: `x.normal_(mean=0, std=1)`.", mean=0.0, std=1.0)
_filler("uniform", "Fill with numbers of [from, to): `x.uniform_(0, 1)`.", **{"from": 0.0, "to": 1.0})
_filler("exponential", "Fill with numbers of density λ·exp(-λx): `x.exponential_(lambd=1)`.", lambd=1.0)
_filler("log_normal", "Fill with exp of normal numbers: `x.log_normal_(mean=1, std=2)`.", mean=1.0, std=2.0)
_filler("cauchy", "Fill with Cauchy's distribution: `x.cauchy_(median=0, sigma=1)`.", median=0.0, sigma=1.0)


@method()
def geometric_(input: Tensor, p: float, *, generator: Source = None) -> Tensor:
    """Fill with the number of trials up to the first success, each of probability p."""
    g, dtype = generator or default_generator, input.array.dtype
    if dtype.kind == "b":
        raise NotImplementedError("geometric_: not implemented for bool")
    return _fill(input, lambda shape: g.geometric(p, shape, dtype))


@method()
def bernoulli_(input: Tensor, p: Any = 0.5, *, generator: Source = None) -> Tensor:
    """Fill with 1 with probability p (a number, or a tensor that broadcasts), else 0."""
    g, x = generator or default_generator, input.array
    if not isinstance(p, Tensor):
        return _fill(input, lambda shape: g.bernoulli(p, shape, x.dtype))
    places = p.expand(x.shape).array.transpose(memory_order(x))
    return _fill(input, lambda shape: _bernoulli(g, places, x.dtype))


@method()
def random_(input: Tensor, *args: int, generator: Source = None, **named: int) -> Tensor:
    """Fill with ints of [from, to): `x.random_(to)`, `x.random_(from, to)`.

    Without bounds: of all that the dtype holds without gaps, from 0.
    """
    dtype = input.array.dtype
    names = ("to",) if len(args) == 1 and "to" not in named else ("from", "to")
    bounds = {"from": 0, "to": _end(dtype)} | dict(zip(names, args)) | named
    if len(bounds) > 2 or len(args) + len(named) > 2:
        raise TypeError(f"random_() takes from and to, got {args} and {sorted(named)}")
    g = generator or default_generator
    return _fill(input, lambda shape: g.randint(bounds["from"], bounds["to"], shape, dtype))


def _end(dtype: np.dtype) -> int:
    """One more than the last of the ints that a dtype holds without gaps."""
    if dtype.kind == "f":
        return int(2 ** (np.finfo(dtype).nmant + 1)) + 1
    return 2 if dtype.kind == "b" else int(np.iinfo(dtype).max) + 1
