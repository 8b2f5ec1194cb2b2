"""Blocks of convolutions: torch's layers put together, gradients, fusion into one convolution, refusals."""

import numpy as np
import pytest
import torch
from torch.nn import AvgPool2d, BatchNorm2d, Conv2d, ReLU, ReLU6, Sequential

from scratchnet import Tensor, nn
from scratchnet.testing import check_gradient, check_layer, values


@pytest.mark.parametrize(
    "options, theirs",
    [
        ({}, Sequential(Conv2d(2, 4, 3, padding=1, bias=False), BatchNorm2d(4), ReLU(True))),
        (
            dict(kernel_size=(1, 3), stride=2, groups=2, norm_layer=None, dilation=2, activation_layer=nn.ReLU6),
            Sequential(Conv2d(2, 4, (1, 3), 2, (0, 2), 2, groups=2), ReLU6(True)),
        ),
        (
            dict(kernel_size=2, padding="same", activation_layer=None, bias=True),
            Sequential(Conv2d(2, 4, 2, padding="same"), BatchNorm2d(4)),
        ),
        (
            dict(activation_layer=nn.Sigmoid, inplace=None),
            Sequential(Conv2d(2, 4, 3, 1, 1, bias=False), BatchNorm2d(4), torch.nn.Sigmoid()),
        ),
    ],
)
def test_conv_norm_activation(options, theirs):
    ours = nn.Conv2dNormActivation(2, 4, **options)
    assert ours.out_channels == 4 and list(map(repr, ours)) == list(map(repr, theirs))
    check_layer(ours, theirs, values((2, 2, 4, 5), 0))


@pytest.mark.parametrize("norm", [False, True])
def test_depthwise_separable(norm):
    def part(*args, **kwargs):
        return Sequential(Conv2d(*args, **kwargs, bias=not norm), *([BatchNorm2d(args[1]), ReLU(True)] if norm else []))

    theirs = Sequential()
    theirs.add_module("depthwise", part(2, 4, 3, stride=2, padding=1, groups=2))
    theirs.add_module("pointwise", part(4, 3, 1))
    layers = (nn.BatchNorm2d, nn.ReLU) if norm else (None, None)
    check_layer(nn.DepthwiseSeparableConv2d(2, 3, 3, 2, None, 1, 2, *layers), theirs, values((2, 2, 4, 5), 0))


def test_a_separable_kernel():
    """The two parts are one convolution with the kernel W[o, i] = pointwise[o, i] · depthwise[i]."""
    block = nn.DepthwiseSeparableConv2d(2, 3, dilation=2, bias=False).double()
    x = Tensor(values((1, 2, 4, 4), 0))
    kernel = block.pointwise[0].weight * block.depthwise[0].weight.transpose(0, 1)
    expected = nn.functional.conv2d(x, kernel, padding=2, dilation=2)
    np.testing.assert_allclose(block(x).array, expected.array, rtol=1e-12, atol=1e-14)
    with pytest.raises(ValueError, match="depth_multiplier must be at least 1, got 0"):
        nn.DepthwiseSeparableConv2d(2, 2, depth_multiplier=0)


class SelfCalibrated(torch.nn.Module):
    def __init__(self, channels, stride, groups, r):
        super().__init__()

        def unit(stride=1):
            return [Conv2d(channels, channels, 3, stride, 1, groups=groups, bias=False), BatchNorm2d(channels)]

        self.k2 = Sequential(AvgPool2d(r), *unit())
        self.k3, self.k4 = Sequential(*unit()), Sequential(*unit(stride))

    def forward(self, x):
        gate = torch.sigmoid(x + torch.nn.functional.interpolate(self.k2(x), x.shape[2:]))
        return self.k4(self.k3(x) * gate)


@pytest.mark.parametrize("stride, groups, r", [(1, 1, 2), (2, 2, 4)])
def test_self_calibrated(stride, groups, r):
    check_layer(
        nn.SCConv(4, 4, stride, groups=groups, pooling_r=r), SelfCalibrated(4, stride, groups, r), values((2, 4, 5, 6), 0)
    )


def test_self_calibrated_refuses_other_numbers_of_channels():
    with pytest.raises(ValueError, match="inplanes and planes must be equal, got 4 and 8"):
        nn.SCConv(4, 8)


class Asymmetric(torch.nn.Module):
    """The strips as squares of zeros around them."""

    def __init__(self, size, **options):
        super().__init__()
        self.size, self.options = size, options
        for name, shape in (("square", size), ("ver", (size[0], 1)), ("hor", (1, size[1]))):
            self.add_module(f"{name}_conv", Conv2d(2, 4, shape, bias=False, groups=options["groups"]))
            self.add_module(f"{name}_bn", BatchNorm2d(4))

    def forward(self, x):
        y = 0
        for name in ("square", "ver", "hor"):
            weight = getattr(self, f"{name}_conv").weight
            kernel = torch.zeros(*weight.shape[:2], *self.size, dtype=weight.dtype)
            first = [(n - k) // 2 for n, k in zip(self.size, weight.shape[2:])]
            kernel[:, :, first[0] : first[0] + weight.shape[2], first[1] : first[1] + weight.shape[3]] = weight
            y = y + getattr(self, f"{name}_bn")(torch.nn.functional.conv2d(x, kernel, **self.options))
        return y


GEOMETRIES = [
    ((3, 3), dict(stride=1, padding=1, dilation=1, groups=1)),
    ((3, 5), dict(stride=(2, 1), padding=(1, 3), dilation=(1, 1), groups=2)),
    ((3, 3), dict(stride=2, padding=(0, 1), dilation=(1, 2), groups=1)),
]


@pytest.mark.parametrize("size, options", GEOMETRIES)
def test_asymmetric(size, options):
    check_layer(nn.AsymmetricConvBlock(2, 4, size, **options), Asymmetric(size, **options), values((2, 2, 6, 7), 0))


@pytest.mark.parametrize("mode", ["zeros", "reflect", "circular"])
@pytest.mark.parametrize("size, options", GEOMETRIES)
def test_fused_it_is_one_convolution(size, options, mode):
    block = nn.AsymmetricConvBlock(2, 4, size, padding_mode=mode, **options).double()
    x = Tensor(values((3, 2, 6, 7), 0))
    for name, p in block.named_parameters():
        p.array[...] = values(p.shape, len(name))
    with pytest.raises(AssertionError, match="eval"):
        block.fuse()
    block(x)  # statistics to fuse
    fused = block.eval().fuse()
    assert type(fused) is nn.Conv2d and fused.kernel_size == size
    np.testing.assert_allclose(fused(x).array, block(x).array, rtol=1e-12, atol=1e-12)


def test_asymmetric_refuses_even_kernels():
    with pytest.raises(ValueError, match="kernel_size must be odd, got 4"):
        nn.AsymmetricConvBlock(2, 2, 4)
    block = nn.AsymmetricConvBlock(2, 2, 3, use_affine=False)
    assert block.hor_bn.weight is None and block.eval().fuse().bias.shape == (2,)


@pytest.mark.parametrize("make", [lambda: nn.SCConv(1, 1, pooling_r=2), lambda: nn.AsymmetricConvBlock(1, 1, 3, padding=1)])
def test_gradients(make):
    check_gradient(make().double(), values((2, 1, 2, 3), 0))
