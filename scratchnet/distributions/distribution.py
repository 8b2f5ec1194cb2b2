"""What distributions have in common: shapes, checks, and what follows from a few formulas."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.mode import no_grad
from scratchnet.autograd.size import Size
from scratchnet.autograd.tensor import Tensor
from scratchnet.ops import broadcast_tensors
from scratchnet.ops.promotion import get_default_dtype


class Distribution:
    """A batch of distributions with the same name and their own parameters.

    A subclass gives `log_prob`, `entropy`, `mean`, `variance` and one of `sample` and `rsample`.

    Parameters
    ----------
    batch_shape : sequence of int
        How many there are.
    event_shape : sequence of int
        Shape of one outcome.
    validate_args : bool, optional
        Whether parameters and values are checked; True by default.
    """

    has_rsample = False

    def __init__(self, batch_shape: Any = (), event_shape: Any = (), validate_args: bool | None = None) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        self._validate_args = validate_args is not False

    @property
    def batch_shape(self) -> Size:
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        return self._event_shape

    @property
    def mean(self) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no mean")

    @property
    def variance(self) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no variance")

    @property
    def stddev(self) -> Tensor:
        """√variance"""
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Outcomes, [*sample_shape, *batch_shape, *event_shape], through which no gradient flows."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Outcomes as a function of the parameters and of noise, so that gradients flow to the parameters."""
        raise NotImplementedError(f"{type(self).__name__} has no reparametrized samples")

    def log_prob(self, value: Tensor) -> Tensor:
        """Logarithm of the probability, or of the density, at `value`."""
        raise NotImplementedError(f"{type(self).__name__} has no log_prob")

    def entropy(self) -> Tensor:
        """-E[log_prob], in nats, [*batch_shape]."""
        raise NotImplementedError(f"{type(self).__name__} has no entropy")

    def perplexity(self) -> Tensor:
        """exp(entropy)"""
        return self.entropy().exp()

    def _extended(self, sample_shape: Any) -> tuple[int, ...]:
        return (*sample_shape, *self._batch_shape, *self._event_shape)

    def _check(self, **parameters: tuple[Tensor, Any, str]) -> None:
        """Refuse parameters of which a condition does not hold everywhere: name -> (values, condition, its text)."""
        if not self._validate_args:
            return
        for name, (values, holds, text) in parameters.items():
            if not np.all(holds):
                raise ValueError(
                    f"Expected parameter {name} of shape {tuple(values.shape)} of distribution {type(self).__name__} to "
                    f"satisfy the constraint {text}, but found invalid values:\n{values}"
                )

    def _check_value(self, value: Any, holds: Any, text: str) -> None:
        """Refuse values outside the support, or that do not broadcast with the batch."""
        if not self._validate_args:
            return
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        shape = self._batch_shape + self._event_shape
        for given, expected in zip(reversed(value.array.shape), reversed(shape)):
            if 1 not in (given, expected) and given != expected:
                raise ValueError(f"Value is not broadcastable with batch_shape+event_shape: {value.array.shape} vs {shape}.")
        if not np.all(holds(value.array)):
            raise ValueError(
                f"Expected value argument of shape {value.array.shape} to be within the support ({text}) of the "
                f"distribution {type(self).__name__}, but found invalid values:\n{value}"
            )

    def __repr__(self) -> str:
        parts = [
            f"{name}: {value if value.array.size == 1 else value.shape}"
            for name, value in vars(self).items()
            if isinstance(value, Tensor)
        ]
        return f"{type(self).__name__}({', '.join(parts)})"


def broadcast_parameters(*given: Any) -> list[Tensor]:
    """Numbers and tensors as tensors of one shape; numbers alone in the default dtype, else in that of the tensors."""
    dtype = next((x.array.dtype for x in given if isinstance(x, Tensor)), get_default_dtype())
    for x in given:
        if not isinstance(x, Tensor | int | float | np.number):
            raise ValueError(f"Input arguments must all be instances of Number or Tensor, got {type(x).__name__}")
    return list(broadcast_tensors(*(x if isinstance(x, Tensor) else Tensor(np.array(x, dtype)) for x in given)))


def one_of(probs: Any, logits: Any) -> Any:
    """The one that is given; both and neither are refused."""
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")
    return logits if probs is None else probs


def clamp_probs(probs: Tensor) -> Tensor:
    """Away from 0 and 1 by the dtype's eps, so that logarithms are finite."""
    eps = float(np.finfo(probs.array.dtype).eps)
    return probs.clamp(eps, 1 - eps)
