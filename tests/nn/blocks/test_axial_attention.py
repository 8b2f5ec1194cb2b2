"""Axial attention: loops over lines and positions in torch, gradients, refusals."""

import numpy as np
import pytest
import torch
from torch.nn import BatchNorm1d, BatchNorm2d, Conv1d

import scratchnet
from scratchnet import nn
from scratchnet.testing import check_gradient, check_layer, values


class Axial(torch.nn.Module):
    """Position by position."""

    def __init__(self, inputs, outputs, groups, length, stride, width, positions):
        super().__init__()
        self.width, self.groups, self.stride, self.length = width, groups, stride, length
        self.relative = torch.nn.Parameter(torch.randn(2 * outputs // groups, 2 * length - 1)) if positions else None
        self.qkv_transform = Conv1d(inputs, 2 * outputs, 1, bias=False)
        self.bn_qkv = BatchNorm1d(2 * outputs)
        self.bn_similarity = BatchNorm2d(groups * (3 if positions else 1))
        self.bn_output = BatchNorm1d(outputs * (2 if positions else 1))

    def forward(self, x):
        x = x.transpose(1, 2) if self.width else x.permute(0, 3, 1, 2)
        n, lines, _, length = x.shape
        qkv = self.bn_qkv(self.qkv_transform(x.flatten(0, 1)))
        half = qkv.shape[1] // self.groups // 4
        heads = [(h[:, :half], h[:, half : 2 * half], h[:, 2 * half :]) for h in qkv.chunk(self.groups, 1)]
        r = self.relative
        terms = [[], [], []]
        for q, k, _ in heads:
            for kind in range(3 if r is not None else 1):
                rows = [
                    torch.stack([
                        (q[:, :, i] * k[:, :, j]).sum(1) if kind == 0
                        else q[:, :, i] @ r[:half, i - j + length - 1] if kind == 1
                        else k[:, :, j] @ r[half : 2 * half, j - i + length - 1]
                        for j in range(length)
                    ], 1)
                    for i in range(length)
                ]  # fmt: skip
                terms[kind].append(torch.stack(rows, 1))
        scores = self.bn_similarity(torch.stack([s for kind in terms for s in kind], 1))
        weights = torch.softmax(sum(scores.chunk(3 if r is not None else 1, 1)), 3)
        outputs = []
        for h, (_, _, v) in enumerate(heads):
            for c in range(2 * half):
                w = weights[:, h]
                outputs.append(torch.einsum("bij,bj->bi", w, v[:, c]))
                if r is not None:
                    at = torch.arange(length)
                    outputs.append((w * r[2 * half + c, at[:, None] - at + length - 1]).sum(2))
        y = self.bn_output(torch.stack(outputs, 1))
        y = y if r is None else y[:, ::2] + y[:, 1::2]
        y = y.reshape(n, lines, -1, length)
        y = y.transpose(1, 2) if self.width else y.permute(0, 2, 3, 1)
        return torch.nn.functional.avg_pool2d(y, self.stride)


@pytest.mark.parametrize("width, positions, stride", [(False, True, 1), (True, True, 2), (True, False, 1)])
def test_against_torch(width, positions, stride):
    ours = nn.AxialAttention(3, 8, 2, 4, stride, width, positions)
    theirs = Axial(3, 8, 2, 4, stride, width, positions)
    check_layer(ours, theirs, values((2, 3, *((2, 4) if width else (4, 2))), 0))


@pytest.mark.parametrize("positions", [False, True])
def test_gradients(positions):
    net = nn.AxialAttention(1, 2, 1, 2, position_sensitive=positions).double()
    check_gradient(net, values((2, 1, 2, 1), 0))


def test_where_it_starts():
    net = nn.AxialAttention(100, 16, 2, 200)
    assert np.std(net.qkv_transform.weight.array) == pytest.approx(0.1, rel=0.05)
    assert np.std(net.relative.array) == pytest.approx(8**-0.5, rel=0.05)


def test_refusals_and_repr():
    with pytest.raises(ValueError, match="out_planes must be divisible by 2 · groups, got 12 and 4"):
        nn.AxialAttention(3, 12, 4)
    net = nn.AxialAttention(3, 8, 2, 5, stride=2, width=True)
    assert repr(net).startswith("AxialAttention(\n  3, 8, groups=2, kernel_size=5, stride=2, width=True\n")
    with pytest.raises(RuntimeError, match=r"length kernel_size=5, got input of shape \(1, 3, 5, 4\) with 4 columns"):
        net(scratchnet.ones(1, 3, 5, 4))
    assert "position_sensitive=False" in repr(nn.AxialAttention(3, 8, 2, position_sensitive=False))
