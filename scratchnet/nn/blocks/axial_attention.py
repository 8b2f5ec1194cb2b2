"""Attention along one axis of an image."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn import init
from scratchnet.nn.module import Module
from scratchnet.nn.modules.batchnorm import BatchNorm1d, BatchNorm2d
from scratchnet.nn.modules.conv import Conv1d
from scratchnet.nn.modules.factory import unset


class AxialAttention(Module):
    """Multi-head attention of each pixel to those of its column (with `width`: of its row).

        y_i = BN(Σ_j a_ij v_j) + BN(Σ_j a_ij r^v_{i−j})
        a_ij = softmax_j(BN(q_i · k_j) + BN(q_i · r^q_{i−j}) + BN(k_j · r^k_{j−i}))

    q, k and v are normalised linear maps of a pixel's channels; the r are learned, one for each distance along the
    axis, and shared by the heads. A column and then a row reach all pixels, at a cost of H W (H + W) instead of (H W)².
    Without `position_sensitive` the r are missing.

    Ho, Kalchbrenner, Weissenborn and Salimans, "Axial Attention in Multidimensional Transformers", 2019; with
    positions, and with names as in its published code: Wang, Zhu, Green, Adam, Yuille and Chen, "Axial-DeepLab:
    Stand-Alone Axial-Attention for Panoptic Segmentation", 2020.

    Parameters
    ----------
    in_planes, out_planes : int
        Channels.
    groups : int
        Heads. Each has out_planes / groups features of v, and half as many of q and k.
    kernel_size : int
        The length of the axis.
    stride : int
        Followed by average pooling.
    width : bool
        Along rows, not columns.
    position_sensitive : bool

    Attributes
    ----------
    qkv_transform : Conv1d without bias, drawn from N(0, 1/in_planes)
    relative : [2 · out_planes / groups, 2 · kernel_size − 1], drawn from N(0, groups / out_planes)
        r^q, r^k and r^v; the middle is distance 0.
    bn_qkv, bn_similarity, bn_output : batch normalisation

    Raises
    ------
    ValueError
        If 2 · groups does not divide out_planes.
    RuntimeError
        If the input's axis has another length than kernel_size, and there are positions.

    Shapes: [N, in_planes, H, W] to [N, out_planes, H / stride, W / stride]
    """

    def __init__(
        self,
        in_planes: int,
        out_planes: int,
        groups: int = 8,
        kernel_size: int = 56,
        stride: int = 1,
        width: bool = False,
        position_sensitive: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if groups < 1 or out_planes % (2 * groups):
            raise ValueError(
                f"AxialAttention: out_planes must be divisible by 2 · groups, got {out_planes} and {groups}"
            )
        self.in_planes, self.out_planes, self.groups = in_planes, out_planes, groups
        self.kernel_size, self.stride, self.width = kernel_size, stride, width
        self.position_sensitive = position_sensitive
        self.group_planes = out_planes // groups
        factory = {"device": device, "dtype": dtype}
        terms = 3 if position_sensitive else 1
        self.qkv_transform = Conv1d(in_planes, 2 * out_planes, 1, bias=False, **factory)
        self.bn_qkv = BatchNorm1d(2 * out_planes, **factory)
        self.bn_similarity = BatchNorm2d(groups * terms, **factory)
        self.bn_output = BatchNorm1d(out_planes * (2 if position_sensitive else 1), **factory)
        distances = unset((2 * self.group_planes, 2 * kernel_size - 1), **factory) if position_sensitive else None
        self.register_parameter("relative", distances)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        init.normal_(self.qkv_transform.weight, 0, math.sqrt(1 / self.in_planes))
        if self.relative is not None:
            init.normal_(self.relative, 0, math.sqrt(1 / self.group_planes))

    def forward(self, input: Tensor) -> Tensor:
        order = (0, 2, 1, 3) if self.width else (0, 3, 1, 2)
        lines = input.permute(*order)  # [N, the other axis, C, length]
        n, others, channels, length = lines.shape
        if self.position_sensitive and length != self.kernel_size:
            raise RuntimeError(
                f"AxialAttention: expected an axis of length kernel_size={self.kernel_size}, got input of shape "
                f"{input.array.shape} with {length} {'columns' if self.width else 'rows'}"
            )
        y = self._along(lines.reshape(n * others, channels, length)).unflatten(0, (n, others))
        y = y.permute(*np.argsort(order).tolist())
        return F.avg_pool2d(y, self.stride, self.stride) if self.stride > 1 else y

    def _along(self, x: Tensor) -> Tensor:
        """[B, in_planes, L] to [B, out_planes, L]"""
        features = [self.group_planes // 2, self.group_planes // 2, self.group_planes]
        q, k, v = self.bn_qkv(self.qkv_transform(x)).unflatten(1, (self.groups, -1)).split(features, 2)
        scores = [q.mT @ k]
        if self.position_sensitive:
            r_q, r_k, r_v = self._of_pairs(x.shape[2]).split(features, 0)
            scores += [ops.einsum("bgci,cij->bgij", q, r_q), ops.einsum("bgcj,cji->bgij", k, r_k)]
        weights = F.softmax(sum(self.bn_similarity(ops.cat(scores, 1)).chunk(len(scores), 1)), 3)
        results = [v @ weights.mT]
        if self.position_sensitive:
            results.append(ops.einsum("bgij,cij->bgci", weights, r_v))
        # the published code puts the two results of a feature side by side, which the order of bn_output follows
        y = self.bn_output(ops.stack(results, 3).flatten(1, 3))
        return y.unflatten(1, (self.out_planes, len(results))).sum(2)

    def _of_pairs(self, length: int) -> Tensor:
        """relative[:, i − j + L − 1] for all positions i, j: [2 · group_planes, L, L]"""
        i = np.arange(length)
        return self.relative[:, Tensor(i[:, None] - i + length - 1)]

    def extra_repr(self) -> str:
        text = f"{self.in_planes}, {self.out_planes}, groups={self.groups}, kernel_size={self.kernel_size}"
        text += f", stride={self.stride}" * (self.stride != 1) + ", width=True" * self.width
        return text + ", position_sensitive=False" * (not self.position_sensitive)
