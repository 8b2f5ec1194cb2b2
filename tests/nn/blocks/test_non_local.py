"""Non-local blocks and DANet's attentions: torch, loops over positions, gradients, the identity at the start."""

import numpy as np
import pytest
import torch
from torch.nn import Conv2d, Dropout, ReLU, Sequential

import scratchnet
from scratchnet import Tensor, nn
from scratchnet.testing import check_gradient, check_layer, values

MODES = ("gaussian", "embedded_gaussian", "dot_product", "concatenation")


class NonLocal(torch.nn.Module):
    """As the paper writes it: with all pairs of positions."""

    def __init__(self, dims, channels, features, mode, pooled, normalised):
        super().__init__()
        conv, norm, pool = (getattr(torch.nn, f"{kind}{dims}d") for kind in ("Conv", "BatchNorm", "MaxPool"))
        pool = pool(2 if dims < 3 else (1, 2, 2)) if pooled else torch.nn.Identity()
        self.mode, self.pool = mode, pool
        self.g = Sequential(conv(channels, features, 1), pool) if pooled else conv(channels, features, 1)
        self.W = Sequential(conv(features, channels, 1), norm(channels)) if normalised else conv(features, channels, 1)
        if mode != "gaussian":
            self.theta = conv(channels, features, 1)
            self.phi = Sequential(conv(channels, features, 1), pool) if pooled else conv(channels, features, 1)
        if mode == "concatenation":
            self.concat_project = Sequential(Conv2d(2 * features, 1, 1, bias=False), ReLU())

    def forward(self, x):
        theta, phi = (x, self.pool(x)) if self.mode == "gaussian" else (self.theta(x), self.phi(x))
        theta, phi, g = theta.flatten(2), phi.flatten(2), self.g(x).flatten(2)
        f = torch.einsum("nci,ncj->nij", theta, phi)
        if self.mode == "concatenation":
            shape = *theta.shape[:2], theta.shape[2], phi.shape[2]
            f = self.concat_project(torch.cat([theta[..., None].expand(shape), phi[:, :, None].expand(shape)], 1))[:, 0]
        weights = torch.softmax(f, 2) if self.mode.endswith("gaussian") else f / f.shape[2]
        y = torch.einsum("nij,ncj->nci", weights, g)
        return self.W(y.reshape(*y.shape[:2], *x.shape[2:])) + x


def not_zero(net):
    """Random numbers also for what starts as 0, with which the block is the identity."""
    for p in net.parameters():
        torch.nn.init.uniform_(p, -1, 1)
    return net


CASES = [
    *[(2, mode, pooled, mode != "dot_product") for mode in MODES for pooled in (False, True)],
    (1, "embedded_gaussian", True, True),
    (3, "concatenation", True, False),
]


@pytest.mark.parametrize("dims, mode, pooled, normalised", CASES)
def test_against_torch(dims, mode, pooled, normalised):
    ours = getattr(nn, f"NonLocal{dims}d")(3, 2, mode, pooled, normalised)
    theirs = not_zero(NonLocal(dims, 3, 2, mode, pooled, normalised))
    check_layer(ours, theirs, values((2, 3, *(2, 4, 3)[3 - dims :]), 0, -1, 1, distinct=True))


@pytest.mark.parametrize("mode", MODES)
def test_gradients(mode):
    net = nn.NonLocal1d(2, 1, mode, sub_sample=False, bn_layer=False).double()
    for p in net.parameters():
        nn.init.uniform_(p, 0.2, 1)
    check_gradient(net, values((1, 2, 3), 0, 0.1, 1, distinct=True))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("bn_layer", [False, True])
def test_it_starts_as_the_identity(mode, bn_layer):
    x = Tensor(values((2, 4, 4, 4), 0))
    net = nn.NonLocal2d(4, mode=mode, bn_layer=bn_layer).double()
    assert net.inter_channels == 2
    np.testing.assert_array_equal(net(x).array, x.array)


def test_non_local_refusals():
    with pytest.raises(ValueError, match="mode must be one of .*, got 'cosine'"):
        nn.NonLocal2d(4, mode="cosine")
    with pytest.raises(RuntimeError, match=r"NonLocal1d: expected input \[N, C, L\], got shape"):
        nn.NonLocal1d(4)(scratchnet.ones(2, 4, 3, 3))
    with pytest.raises(RuntimeError, match=r"NonLocal3d: expected input \[N, C, D, H, W\]"):
        nn.NonLocal3d(4)(scratchnet.ones(2, 4, 3, 3))


def test_repr():
    assert repr(nn.NonLocal2d(4, 2, "gaussian", bn_layer=False)).startswith(
        "NonLocal2d(\n  4, 2, mode='gaussian', sub_sample=True\n  (g): Sequential("
    )


class Position(torch.nn.Module):
    def __init__(self, channels, features):
        super().__init__()
        self.query_conv, self.key_conv = Conv2d(channels, features, 1), Conv2d(channels, features, 1)
        self.value_conv = Conv2d(channels, channels, 1)
        self.gamma = torch.nn.Parameter(torch.ones(1))

    def forward(self, x):
        q, k, v = (conv(x).flatten(2) for conv in (self.query_conv, self.key_conv, self.value_conv))
        weights = torch.softmax(q.transpose(1, 2) @ k, 2)
        return self.gamma * torch.einsum("ncj,nij->nci", v, weights).reshape(x.shape) + x


class Channel(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.gamma = torch.nn.Parameter(torch.ones(1))

    def forward(self, x):
        rows = x.flatten(2)
        energy = rows @ rows.transpose(1, 2)
        energy = energy.max(2, keepdim=True).values - energy
        return self.gamma * (torch.softmax(energy, 2) @ rows).reshape(x.shape) + x


class Head(torch.nn.Module):
    def __init__(self, channels, classes):
        super().__init__()
        inter = channels // 4

        def block(inputs):
            return Sequential(Conv2d(inputs, inter, 3, padding=1, bias=False), torch.nn.BatchNorm2d(inter), ReLU())

        self.conv5a, self.conv5c = block(channels), block(channels)
        self.sa, self.sc = Position(inter, inter // 8), Channel()
        self.conv51, self.conv52 = block(inter), block(inter)
        self.conv6, self.conv7, self.conv8 = (Sequential(Dropout(0.0), Conv2d(inter, classes, 1)) for _ in range(3))

    def forward(self, x):
        p, c = self.conv51(self.sa(self.conv5a(x))), self.conv52(self.sc(self.conv5c(x)))
        return self.conv8(p + c), self.conv6(p), self.conv7(c)


@pytest.mark.parametrize(
    "ours, theirs, channels",
    [
        (lambda: nn.PositionAttention(4, 2), lambda: Position(4, 2), 4),
        (nn.ChannelAttention, Channel, 4),
        (lambda: nn.DANetHead(32, 3, 0.0), lambda: Head(32, 3), 32),
    ],
    ids=["position", "channel", "head"],
)
def test_dual_attention_against_torch(ours, theirs, channels):
    check_layer(ours(), theirs(), values((2, channels, 2, 3), 0, -1, 1))


@pytest.mark.parametrize("make", [lambda: nn.PositionAttention(2, 2), nn.ChannelAttention])
def test_dual_attention_gradients(make):
    net = make().double()
    nn.init.constant_(net.gamma, 0.7)
    check_gradient(net, values((1, 2, 2, 2), 0))


def test_dual_attention_starts_as_the_identity():
    x = Tensor(values((1, 8, 2, 2), 0))
    for net in (nn.PositionAttention(8), nn.ChannelAttention()):
        np.testing.assert_array_equal(net.double()(x).array, x.array)


def test_the_head_drops_whole_channels():
    assert [type(net[0]) for net in (nn.DANetHead(32, 2).conv6, nn.DANetHead(32, 2).conv8)] == [nn.Dropout2d] * 2


def test_channels_unlike_it_weigh_most():
    """Two channels with products 1, 0 and 4: softmax(−1, 0) and softmax(0, −4)."""
    net = nn.ChannelAttention().double()
    nn.init.ones_(net.gamma)
    x = Tensor(np.array([[[[1.0, 0]], [[0, 2.0]]]]))
    a, b = 1 / (1 + np.e), 1 / (1 + np.exp(-4))
    np.testing.assert_allclose((net(x) - x).array[0, :, 0], [[a, 2 * (1 - a)], [b, 2 * (1 - b)]], rtol=1e-12)


def test_dual_attention_refusals():
    for reduction in (8, 0):
        with pytest.raises(ValueError, match=f"reduction must be from 1 to in_dim, got {reduction} and in_dim=4"):
            nn.PositionAttention(4, reduction)
    with pytest.raises(ValueError, match="DANetHead: in_channels must be at least 32, got 31"):
        nn.DANetHead(31, 2)
