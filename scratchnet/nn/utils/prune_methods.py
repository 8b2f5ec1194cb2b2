"""The rules by which pruning chooses what to set to zero: at random, by magnitude, by norms of channels, by a given mask."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.utils.prune_base import BasePruningMethod


class Identity(BasePruningMethod):
    """Prunes nothing: a mask of ones."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask


class _Amount(BasePruningMethod):
    """A method that prunes `amount` elements or channels: an int is their number, a float their fraction."""

    amount: Any

    def __init__(self, amount: float) -> None:
        if not isinstance(amount, numbers.Real):
            raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
        if amount < 0 or (amount > 1 and not isinstance(amount, numbers.Integral)):
            raise ValueError(
                f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer"
            )
        self.amount = amount

    def number(self, size: int) -> int:
        """How many of `size` are to be pruned."""
        n: Any = self.amount if isinstance(self.amount, numbers.Integral) else round(self.amount * size)
        if n > size:
            raise ValueError(f"amount={n} should be smaller than the number of parameters to prune={size}")
        return int(n)


class _Unstructured(_Amount):
    """Prunes the elements of least score."""

    PRUNING_TYPE = "unstructured"

    def scores(self, t: Tensor) -> Tensor:
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        mask = default_mask.clone()
        if n := self.number(t.array.size):
            mask.array.flat[ops.topk(self.scores(t).reshape(-1), n, largest=False).indices.array] = 0
        return mask


class RandomUnstructured(_Unstructured):
    """Prunes elements at random."""

    def scores(self, t: Tensor) -> Tensor:
        return -ops.rand_like(t)


class L1Unstructured(_Unstructured):
    """Prunes the elements of least magnitude."""

    def scores(self, t: Tensor) -> Tensor:
        return t.detach().abs()


class _Structured(_Amount):
    """Prunes the channels of least score along a dimension."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def kept(self, t: Tensor, n: int) -> Any:
        """Indices of the channels that stay, or which stay, if n are pruned."""
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if t.ndim <= 1:
            raise ValueError(
                "Structured pruning can only be applied to multidimensional tensors. Found tensor of shape "
                f"{tuple(t.shape)} with {t.ndim} dims"
            )
        if not -t.ndim <= self.dim < t.ndim:
            raise IndexError(f"Invalid index {self.dim} for tensor of size {tuple(t.shape)}")
        n = self.number(t.shape[self.dim])
        if n == 0:
            return default_mask
        mask = np.zeros_like(t.array)
        np.moveaxis(mask, self.dim, 0)[self.kept(t, n)] = 1
        return Tensor(mask * default_mask.array.astype(mask.dtype))


class RandomStructured(_Structured):
    """Prunes channels at random."""

    def kept(self, t: Tensor, n: int) -> Any:
        chances = ops.rand(t.shape[self.dim]).array
        return chances > np.sort(chances)[n - 1]


class LnStructured(_Structured):
    """Prunes the channels of least n-norm."""

    def __init__(self, amount: float, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def kept(self, t: Tensor, n: int) -> Any:
        dims = [d for d in range(t.ndim) if d != self.dim % t.ndim]
        norms = ops.norm(t.detach(), self.n, dims)
        return ops.topk(norms, len(norms) - n).indices.array


class CustomFromMask(BasePruningMethod):
    """Prunes what a given mask says."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if default_mask.shape != self.mask.shape:
            raise AssertionError(
                f"default_mask shape {tuple(default_mask.shape)} must match self.mask shape {tuple(self.mask.shape)}"
            )
        return default_mask * self.mask.to(default_mask.dtype)
