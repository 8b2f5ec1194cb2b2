"""SE, ECA, SK and CBAM: torch's own operations as written in the papers, gradients to second order, by hand."""

from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch.nn import BatchNorm2d, Conv1d, Conv2d, ModuleList, ReLU, Sequential

from scratchnet import Tensor, nn
from scratchnet.testing import check_gradient, check_layer, values


class SqueezeExcitation(torch.nn.Module):
    def __init__(self, channels, squeezed):
        super().__init__()
        self.fc1, self.fc2 = Conv2d(channels, squeezed, 1), Conv2d(squeezed, channels, 1)

    def forward(self, x):
        z = x.mean((2, 3))
        z = torch.relu(z @ self.fc1.weight[:, :, 0, 0].T + self.fc1.bias)
        return x * torch.sigmoid(z @ self.fc2.weight[:, :, 0, 0].T + self.fc2.bias)[:, :, None, None]


class ECA(torch.nn.Module):
    def __init__(self, kernel_size):
        super().__init__()
        self.conv = Conv1d(1, 1, kernel_size, padding=kernel_size // 2, bias=False)

    def forward(self, x):
        return x * torch.sigmoid(self.conv(x.mean((2, 3))[:, None]))[:, 0, :, None, None]


class SelectiveKernel(torch.nn.Module):
    def __init__(self, channels, squeezed, convolutions):
        super().__init__()
        self.paths = ModuleList(Sequential(OrderedDict(conv=c, bn=BatchNorm2d(channels))) for c in convolutions)
        self.attn = Sequential(
            OrderedDict(
                fc_reduce=Conv2d(channels, squeezed, 1, bias=False), bn=BatchNorm2d(squeezed), act=ReLU(),
                fc_select=Conv2d(squeezed, channels * len(convolutions), 1, bias=False),
            )
        )  # fmt: skip

    def forward(self, x):
        maps = [torch.relu(path(x)) for path in self.paths]
        scores = self.attn(sum(maps).mean((2, 3), keepdim=True)).chunk(len(maps), 1)
        total = sum(s.exp() for s in scores)
        return sum(u * s.exp() / total for u, s in zip(maps, scores))


class CBAM(torch.nn.Module):
    def __init__(self, channels, squeezed, size):
        super().__init__()
        self.channel, self.spatial = torch.nn.Module(), torch.nn.Module()
        self.channel.fc1 = Conv2d(channels, squeezed, 1, bias=False)
        self.channel.fc2 = Conv2d(squeezed, channels, 1, bias=False)
        conv = Conv2d(2, 1, size, padding=size // 2, bias=False)
        self.spatial.conv = Sequential(OrderedDict(conv=conv, bn=BatchNorm2d(1)))

    def forward(self, x):
        pooled = x.flatten(2).mean(2)[:, :, None, None], x.flatten(2).max(2).values[:, :, None, None]
        x = torch.sigmoid(sum(self.channel.fc2(torch.relu(self.channel.fc1(z))) for z in pooled)) * x
        return x * torch.sigmoid(self.spatial.conv(torch.stack([x.mean(1), x.max(1).values], 1)))


BLOCKS = {
    "SqueezeExcitation": (lambda: nn.SqueezeExcitation(4, 3), lambda: SqueezeExcitation(4, 3)),
    "ECA": (lambda: nn.ECA(kernel_size=3), lambda: ECA(3)),
    "SelectiveKernel": (
        lambda: nn.SelectiveKernel(4, min_channels=2),
        lambda: SelectiveKernel(4, 2, [Conv2d(4, 4, 3, 1, d, d, bias=False) for d in (1, 2)]),
    ),
    "SelectiveKernel with options": (
        lambda: nn.SelectiveKernel(4, 2, (1, 3, 5), 2, 2, 1, 1, keep_3x3=False),
        lambda: SelectiveKernel(2, 2, [Conv2d(4, 2, k, 2, k // 2, groups=2, bias=False) for k in (1, 3, 5)]),
    ),
    "CBAM": (lambda: nn.CBAM(4, 2, 3), lambda: CBAM(4, 2, 3)),
}


@pytest.mark.parametrize("block", BLOCKS)
def test_against_torch(block):
    ours, theirs = (make() for make in BLOCKS[block])
    check_layer(ours, theirs, values((3, 4, 5, 4), 0, distinct=True))


@pytest.mark.parametrize(
    "make, channels",
    [
        (lambda: nn.SqueezeExcitation(2, 1), 2), (lambda: nn.ECA(2), 2), (lambda: nn.CBAM(2, 2, 1), 2),
        (lambda: nn.SelectiveKernel(1, 1, (1, 3), min_channels=1), 1),
    ],
    ids=["SqueezeExcitation", "ECA", "CBAM", "SelectiveKernel"],
)  # fmt: skip
def test_gradients(make, channels):
    check_gradient(make().double(), values((2, channels, 2, 2), 1, distinct=True))


def test_other_activations():
    net = nn.SqueezeExcitation(4, 2, nn.SiLU, nn.Hardsigmoid)
    assert isinstance(net.activation, nn.SiLU) and isinstance(net.scale_activation, nn.Hardsigmoid)


def test_by_hand():
    """All weights 0: every attention is σ(0) = 1/2."""
    x = Tensor(values((1, 2, 2, 2), 0))
    for net, factor in ((nn.SqueezeExcitation(2, 1), 0.5), (nn.ECA(2), 0.5), (nn.CBAM(2, 1), 0.25)):
        for p in net.double().parameters():
            nn.init.zeros_(p)
        np.testing.assert_allclose(net(x).array, factor * x.array, rtol=1e-12)


@pytest.mark.parametrize("channels, size", [(1, 3), (8, 3), (16, 3), (64, 3), (128, 5), (256, 5), (512, 5), (2048, 7)])
def test_size_of_the_filter_of_eca(channels, size):
    """|(log₂ C + 1) / 2|, made odd."""
    assert nn.ECA(channels).conv.kernel_size == (size,)


def test_dilated_paths():
    """A 5×5 path is a 3×3 one with dilation 2, and gives maps of the same size."""
    net = nn.SelectiveKernel(2, kernel_size=(3, 5, 7))
    assert [path.conv.kernel_size for path in net.paths] == [(3, 3)] * 3
    assert [path.conv.dilation for path in net.paths] == [(1, 1), (2, 2), (3, 3)]
    assert net.attn.fc_reduce.out_channels == 32
    assert net.double()(Tensor(values((2, 2, 7, 6), 0))).shape == (2, 2, 7, 6)


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.ECA(kernel_size=4), lambda: nn.ECA(0), lambda: nn.SelectiveKernel(2, kernel_size=(3,)),
        lambda: nn.SelectiveKernel(2, kernel_size=(3, 4)), lambda: nn.CBAM(8), lambda: nn.CBAM(8, 0),
        lambda: nn.SelectiveKernel(2, reduction=0), lambda: nn.CBAM(16, kernel_size=2),
    ],
)  # fmt: skip
def test_refusals(make):
    with pytest.raises(ValueError, match="must be"):
        make()


def test_repr():
    line = "Conv1d(1, 1, kernel_size=(3,), stride=(1,), padding=(1,), bias=False)"
    assert repr(nn.ECA(64)) == f"ECA(\n  (conv): {line}\n)"
