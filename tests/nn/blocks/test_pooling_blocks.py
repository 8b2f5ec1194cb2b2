"""Pyramids of pools, dilated convolutions side by side, strips: torch, loops, by hand, gradients, refusals."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.nn import AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Dropout, ModuleList, ReLU, Sequential

from scratchnet import Tensor, nn
from scratchnet.testing import check_gradient, check_layer, values


@pytest.mark.parametrize("pool, best", [("max", np.max), ("avg", np.mean)])
@pytest.mark.parametrize("height, width", [(5, 4), (3, 7)])
def test_pyramid_by_loops(pool, best, height, width):
    x = values((2, 3, height, width), 0)
    expected = [
        [
            best(image[c, i * height // n : -(-(i + 1) * height // n), j * width // n : -(-(j + 1) * width // n)])
            for n in (3, 1, 2) for c in range(3) for i in range(n) for j in range(n)
        ]
        for image in x
    ]  # fmt: skip
    block = nn.SpatialPyramidPooling([3, 1, 2], pool)
    np.testing.assert_allclose(block(Tensor(x)).array, expected, rtol=1e-12, atol=1e-15)
    check_gradient(block, values((1, 2, height, width), 0, distinct=True))


def test_pyramid_of_four_pixels():
    x = Tensor(np.array([[[[1.0, 2], [3, 4]]]]))
    assert nn.SpatialPyramidPooling([2, 1])(x).tolist() == [[1, 2, 3, 4, 4]]
    assert repr(nn.SpatialPyramidPooling()) == "SpatialPyramidPooling(levels=(6, 3, 2, 1), pool='max')"


@pytest.mark.parametrize("args", [([],), ([2, 0],), ([1], "median")])
def test_pyramid_refusals(args):
    with pytest.raises(ValueError, match=r"SpatialPyramidPooling: (levels|pool) must be"):
        nn.SpatialPyramidPooling(*args)


def unit(inputs, outputs, size=1, dilation=1, relu=True):
    sides = (size, size) if isinstance(size, int) else size
    padding = tuple(k // 2 * dilation for k in sides)
    conv = Conv2d(inputs, outputs, sides, padding=padding, dilation=dilation, bias=False)
    return [conv, BatchNorm2d(outputs), *([ReLU()] if relu else [])]


class ASPP(torch.nn.Module):
    def __init__(self, inputs, rates, outputs):
        super().__init__()
        branches = [Sequential(*unit(inputs, outputs)), *[Sequential(*unit(inputs, outputs, 3, r)) for r in rates]]
        self.convs = ModuleList([*branches, Sequential(AdaptiveAvgPool2d(1), *unit(inputs, outputs))])
        self.project = Sequential(*unit((len(rates) + 2) * outputs, outputs), Dropout(0.0))

    def forward(self, x):
        *branches, whole = self.convs
        return self.project(torch.cat([*[b(x) for b in branches], whole(x).expand(-1, -1, *x.shape[2:])], 1))


def test_dilated_convolutions_side_by_side():
    ours = nn.ASPP(3, [1, 2], 2)
    assert ours.project[3].p == 0.5 and nn.ASPP(3, [2]).project[0].out_channels == 256
    ours.project[3].p = 0.0
    check_layer(ours, ASPP(3, [1, 2], 2), values((2, 3, 4, 5), 0))
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        nn.ASPP(3, [1], 2).double()(Tensor(values((1, 3, 4, 5), 0)))


class Strips(torch.nn.Module):
    def __init__(self, channels, sizes, options):
        super().__init__()
        c, self.sizes, self.options = channels // 4, sizes, options
        self.conv1_1, self.conv1_2 = (Sequential(*unit(channels, c)) for _ in range(2))
        for i, size in enumerate([3, 3, 3, (1, 3), (3, 1), 3, 3]):
            self.add_module(f"conv2_{i}", Sequential(*unit(c, c, size, relu=i > 4)))
        self.conv3 = Sequential(*unit(2 * c, channels, relu=False))

    def forward(self, x):
        def up(y):
            return F.interpolate(y, x.shape[2:], **self.options)

        a, b = self.conv1_1(x), self.conv1_2(x)
        m, n = (F.adaptive_avg_pool2d(a, size) for size in self.sizes)
        squares = self.conv2_5(torch.relu(self.conv2_0(a) + up(self.conv2_1(m)) + up(self.conv2_2(n))))
        columns, rows = b.mean(2, keepdim=True), b.mean(3, keepdim=True)
        strips = self.conv2_6(torch.relu(up(self.conv2_3(columns)) + up(self.conv2_4(rows))))
        return torch.relu(x + self.conv3(torch.cat([squares, strips], 1)))


@pytest.mark.parametrize("options", [{"mode": "bilinear", "align_corners": True}, {"mode": "nearest"}])
def test_strips(options):
    theirs = Strips(8, (3, 2), options)
    check_layer(nn.StripPooling(8, (3, 2), up_kwargs=options), theirs, values((2, 8, 4, 5), 0))
    with pytest.raises(ValueError, match="in_channels must be a multiple of 4, got 6"):
        nn.StripPooling(6)
