"""Dropout of larger pieces, beyond torch.nn: whole samples of a branch, and squares of pixels."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from scratchnet import random
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.dropout import SliceDropout, WholeDropout, drop
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.promotion import get_default_dtype


def drop_path(input: Tensor, p: float = 0.1, training: bool = False, inplace: bool = False) -> Tensor:
    """x / (1 − p), or 0 for whole samples of [N, ...] with probability p: for the branch of a residual network.

    Huang, Sun, Liu, Sedra and Weinberger, "Deep Networks with Stochastic Depth", 2016.

    Raises
    ------
    RuntimeError
        If the input is a single number; also as for `dropout`.
    """
    if check_tensor(input, "drop_path").array.ndim == 0:
        raise RuntimeError("drop_path: expected input of shape [N, ...], got a single number")
    return drop("drop_path", SliceDropout, input, p, training, inplace)


def stochastic_depth(input: Tensor, p: float, mode: str, training: bool = True) -> Tensor:
    """`drop_path` under torchvision's name; with `mode` "batch" instead of "row" all samples are dropped, or none.

    Raises
    ------
    ValueError
        For another mode; also as `drop_path`.
    """
    if mode not in ("batch", "row"):
        raise ValueError(f"stochastic_depth: mode has to be either 'batch' or 'row', but got {mode!r}")
    if mode == "row":
        return drop_path(input, p, training)
    return drop("stochastic_depth", WholeDropout, input, p, training, inplace=False)


def scheduled_drop_probability(p: float, block: int, blocks: int) -> float:
    """The p of one of `blocks` residual blocks, growing linearly with depth from 0 to p (Huang et al. 2016).

    Parameters
    ----------
    block : from 0 to blocks − 1

    Raises
    ------
    ValueError
        If there is no such block.
    """
    if not 0 <= block < blocks:
        raise ValueError(f"scheduled_drop_probability: expected block from 0 to {blocks - 1}, got {block}")
    return p * block / (blocks - 1) if blocks > 1 else p


def drop_block2d(
    input: Tensor, p: float, block_size: int, inplace: bool = False, eps: float = 1e-6, training: bool = True
) -> Tensor:
    """Zeroes squares of block_size × block_size pixels, and scales the rest so that the sum of the mask stays.

    A square begins at a pixel with probability γ = p · H W / (b² (H − b + 1)(W − b + 1)), so that about the part p of all
    pixels is dropped: dropping single pixels takes little away, their neighbours tell the same.

    Ghiasi, Lin and Le, "DropBlock: A Regularization Method for Convolutional Networks", 2018.

    Parameters
    ----------
    input : [N, C, H, W]
    block_size : b, at most H and W count; even ones too, which torchvision refuses
    eps : is added to the sum of the mask, by which its size is divided

    Raises
    ------
    ValueError
        If p is not from 0 to 1, or the input has not four dimensions.
    """
    return _drop_block(2, input, p, block_size, inplace, eps, training)


def drop_block3d(
    input: Tensor, p: float, block_size: int, inplace: bool = False, eps: float = 1e-6, training: bool = True
) -> Tensor:
    """Zeroes cubes of voxels of [N, C, D, H, W]; see `drop_block2d`."""
    return _drop_block(3, input, p, block_size, inplace, eps, training)


def _drop_block(
    dims: int, input: Tensor, p: float, block_size: int, inplace: bool, eps: float, training: bool
) -> Tensor:
    name = f"drop_block{dims}d"
    x = check_tensor(input, name)
    if not 0 <= p <= 1:
        raise ValueError(f"{name}: drop probability has to be between 0 and 1, but got {p}")
    if x.array.ndim != dims + 2:
        shape = "[N, C, H, W]" if dims == 2 else "[N, C, D, H, W]"
        raise ValueError(f"{name}: input should be {dims + 2} dimensional, {shape}, got shape {x.array.shape}")
    if not training or p == 0 or x.array.size == 0:
        return x
    factor = _block_mask(x.array.shape, p, block_size, eps)
    mask = Tensor(factor.astype(x.array.dtype if x.array.dtype.kind == "f" else get_default_dtype()))
    return x.mul_(mask) if inplace else x * mask


def _block_mask(shape: tuple[int, ...], p: float, block_size: int, eps: float) -> Any:
    """0 in the blocks that are dropped, and elsewhere what keeps the sum."""
    n, c, *size = shape
    block = min(block_size, *size)
    places = [side - block + 1 for side in size]
    gamma = p * math.prod(size) / (block ** len(size) * math.prod(places))
    corners = random.default_generator.bernoulli(min(gamma, 1.0), (n, c, *places), np.bool_)
    mask = ~_grown(corners, block)
    return mask * (mask.size / (eps + mask.sum()))


def _grown(corners: Any, block: int) -> Any:
    """True at the block × block (× block) pixels from every True on, towards larger indices."""
    places = corners.shape[2:]
    grown = np.zeros((*corners.shape[:2], *[n + block - 1 for n in places]), np.bool_)
    for offset in itertools.product(range(block), repeat=len(places)):
        shifted: Any = (..., *[slice(i, i + n) for i, n in zip(offset, places)])
        grown[shifted] |= corners
    return grown
