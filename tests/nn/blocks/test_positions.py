"""Positions: the papers' formulas pair by pair, torch, gradients, attention that takes them."""

import math

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet import Tensor, nn
from scratchnet.nn import functional as F
from scratchnet.nn.blocks.relative_positions import alibi_slopes, distances, relative_position_bucket
from scratchnet.testing import check_gradient, check_layer, values


# ---- added to the tokens
@pytest.mark.parametrize("features", [4, 5])
def test_waves(features):
    table = nn.blocks.sinusoidal_positions(3, features, 100.0).array
    for p in range(3):
        for f in range(features):
            angle = p / 100 ** ((f - f % 2) / features)
            assert table[p, f] == pytest.approx(math.cos(angle) if f % 2 else math.sin(angle), abs=1e-15)


@pytest.mark.parametrize("kind", [nn.SinusoidalPositions, nn.LearnedPositions])
def test_they_are_added_at_each_place(kind):
    x = values((2, 3, 4), 0)
    first, last = kind(5, 4, batch_first=True).double(), kind(5, 4).double()
    last.load_state_dict(first.state_dict())
    y = first(Tensor(x)).array
    np.testing.assert_array_equal(y, x + first.weight.array[:3])
    np.testing.assert_array_equal(last(Tensor(x.transpose(1, 0, 2))).array, y.transpose(1, 0, 2))
    np.testing.assert_array_equal(last(Tensor(x[0])).array, y[0])
    assert list(first.state_dict()) == (["weight"] if kind is nn.LearnedPositions else [])
    check_gradient(first, x)
    first.dropout.p = 1.0
    assert not first(Tensor(x)).array.any() and first.eval()(Tensor(x)).array.all()


def test_where_they_start():
    np.testing.assert_allclose(nn.SinusoidalPositions(3, 4, base=100.0).weight.array[2, 2], np.sin(0.2), rtol=1e-6)
    for weight in (nn.LearnedPositions(50, 40).weight, nn.PatchEmbedding(14, 2, 1, 40).pos_embed):
        assert np.std(weight.array) == pytest.approx(0.02, rel=0.1)


def test_refusals_and_repr_of_added_positions():
    net = nn.LearnedPositions(5, 4, 0.1, batch_first=True)
    assert repr(net).startswith("LearnedPositions(\n  5, 4, batch_first=True\n  (dropout): Dropout(p=0.1")
    with pytest.raises(RuntimeError, match="6 positions, but max_len=5"):
        net(scratchnet.ones(1, 6, 4))
    with pytest.raises(RuntimeError, match=r"\[N, L, E\] or \[L, E\] with E=4, got shape \(1, 2, 3\)"):
        net(scratchnet.ones(1, 2, 3))


# ---- relative
def bucket_by_hand(distance, bidirectional, buckets, longest):
    start = 0
    if bidirectional:
        buckets //= 2
        start, distance = (buckets if distance > 0 else 0), abs(distance)
    else:
        distance = max(-distance, 0)
    near = buckets // 2
    if distance < near:
        return start + distance
    return start + min(near + int(math.log(distance / near) / math.log(longest / near) * (buckets - near)), buckets - 1)


@pytest.mark.parametrize("setting", [(True, 32, 100), (False, 32, 100), (True, 6, 11)])
def test_buckets(setting):
    far = np.arange(-150, 150)
    expected = [bucket_by_hand(int(d), *setting) for d in far]
    np.testing.assert_array_equal(relative_position_bucket(far, *setting), expected)


def test_bias_in_both_kinds_of_attention():
    bias = nn.RelativePositionBias(2, 8, 6).double()
    scores = bias(3, 4)
    table = bias.relative_attention_bias.weight.array
    for h, i, j in np.ndindex(2, 3, 4):
        assert scores.array[h, i, j] == table[bucket_by_hand(j - (i + 1), True, 8, 6), h]
    q, k, v = (Tensor(values((2, 2, n, 3), n)) for n in (3, 4, 4))
    weights = np.exp(q.array @ k.mT.array / 3**0.5 + scores.array)
    expected = weights / weights.sum(-1, keepdims=True) @ v.array
    np.testing.assert_allclose(F.scaled_dot_product_attention(q, k, v, scores).array, expected, rtol=1e-9)
    layer = nn.MultiheadAttention(4, 2, batch_first=True).double()
    x = Tensor(values((3, 4, 4), 0))
    y = layer(x, x, x, attn_mask=bias(4).repeat(3, 1, 1), need_weights=False)[0]
    y.sum().backward()
    assert np.abs(bias.relative_attention_bias.weight.grad.array).max() > 0
    bias.zero_grad()
    check_gradient(bias, 2, 3)


def test_alibi():
    """Eight heads: 1/2, 1/4, …, 1/256; of twelve the other four lie between the first of them."""
    np.testing.assert_allclose(alibi_slopes(8), 0.5 ** np.arange(1, 9))
    np.testing.assert_allclose(alibi_slopes(12)[8:], 2.0 ** -np.array([0.5, 1.5, 2.5, 3.5]))
    np.testing.assert_allclose(nn.blocks.alibi(8, 2, 3).array[1], [[-0.25, 0, -0.25], [-0.5, -0.25, 0]])
    assert nn.blocks.alibi(8, 2, dtype=np.float64).dtype == np.float64
    with pytest.raises(ValueError, match="num_heads must be at least 1"):
        nn.blocks.alibi(0, 2)


class Shaw(torch.nn.Module):
    """With the vectors of all pairs."""

    def __init__(self, longest, features, values=True):
        super().__init__()
        self.longest = longest
        self.key = torch.nn.Parameter(torch.randn(2 * longest + 1, features))
        self.value = torch.nn.Parameter(torch.randn(2 * longest + 1, features)) if values else None

    def forward(self, q, k, v, mask=None, causal=False):
        far = torch.tensor(distances(q.shape[-2], k.shape[-2]))
        at = far.clamp(-self.longest, self.longest) + self.longest
        scores = torch.einsum("bie,bije->bij", q, k[:, None] + self.key[at]) / q.shape[-1] ** 0.5
        if causal:
            scores = scores.masked_fill(far > 0, -math.inf)
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else scores + mask
        v = v[:, None].expand(-1, q.shape[1], -1, -1)
        return torch.einsum("bij,bije->bie", torch.softmax(scores, -1), v if self.value is None else v + self.value[at])


@pytest.mark.parametrize("has_values", [False, True])
@pytest.mark.parametrize("mask, causal", [(None, False), (None, True), ("numbers", False), ("bool", False)])
def test_relative_attention_against_torch(has_values, mask, causal):
    masks = {"numbers": values((3, 5), 7), "bool": np.tri(3, 5, 1, dtype=bool)}
    inputs = [values((2, n, 4), i) for i, n in enumerate((3, 5, 5))]
    ours, theirs = nn.RelativePositions(2, 4, values=has_values), Shaw(2, 4, has_values)
    check_layer(ours, theirs, *inputs, masks.get(mask), causal)


@pytest.mark.parametrize("has_values", [False, True])
def test_gradients_of_relative_attention(has_values):
    net = nn.RelativePositions(1, 2, values=has_values).double()
    x = [values((3, 2), i) for i in range(3)]
    check_gradient(net, *x)
    net.dropout = 1.0
    assert not net(*map(Tensor, x)).array.any() and net.eval()(*map(Tensor, x)).array.all()


def test_refusals_and_repr_of_relative_positions():
    assert repr(nn.RelativePositions(3, 4, values=False)) == "RelativePositions(3, 4, values=False)"
    for settings in ((1, 3), (1, 1, 8, False), (1, 32, 8)):
        with pytest.raises(ValueError, match="expected num_buckets >= . and max_distance > "):
            nn.RelativePositionBias(*settings)
    assert "max_distance=128, bidirectional=True" in repr(nn.RelativePositionBias(2))


# ---- rotary
@pytest.mark.parametrize("interleaved", [False, True])
def test_pairs_turn_as_complex_numbers(interleaved):
    x, at = values((2, 3, 6), 0), np.array([0, 2, 7])
    y = nn.blocks.rotary_embedding(Tensor(x), at, 4, 10.0, interleaved).array
    for i in range(2):
        a, b = (2 * i, 2 * i + 1) if interleaved else (i, i + 2)
        z = (x[..., a] + 1j * x[..., b]) * np.exp(1j * at * 10 ** (-2 * i / 4))
        np.testing.assert_allclose(y[..., a] + 1j * y[..., b], z, rtol=1e-12)
    np.testing.assert_array_equal(y[..., 4:], x[..., 4:])


@pytest.mark.parametrize("interleaved", [False, True])
def test_products_depend_on_the_distance(interleaved):
    turn = nn.RotaryEmbedding(interleaved=interleaved)
    q, k = Tensor(values((1, 4), 0)), Tensor(values((1, 4), 1))
    products = [(turn(q, [i]) @ turn(k, Tensor(np.array([j]))).mT).item() for i, j in ((0, 3), (5, 8), (2.5, 5.5))]
    np.testing.assert_allclose(products, products[0], rtol=1e-12)
    check_gradient(turn, values((3, 4), 0))


def test_refusals_and_repr_of_rotary():
    assert repr(nn.RotaryEmbedding(4)) == "RotaryEmbedding(dim=4, base=10000.0, interleaved=False)"
    for dim in (3, 6, 0):
        with pytest.raises(ValueError, match=f"at most the 4 features, got {dim}"):
            nn.RotaryEmbedding(dim)(scratchnet.ones(2, 4))


# ---- patches
class Patches(torch.nn.Module):
    def __init__(self, grid, patch, features, token):
        super().__init__()
        self.cls_token = torch.nn.Parameter(torch.randn(1, 1, features)) if token else None
        self.pos_embed = torch.nn.Parameter(torch.randn(1, token + grid[0] * grid[1], features))
        self.proj, self.grid, self.patch = torch.nn.Conv2d(2, features, patch, patch), grid, patch

    def forward(self, x):
        h, w = self.patch
        rows, columns = x.shape[2] // h, x.shape[3] // w
        patches = [x[:, :, i * h : i * h + h, j * w : j * w + w] for i in range(rows) for j in range(columns)]
        tokens = [p.flatten(1) @ self.proj.weight.flatten(1).T + self.proj.bias for p in patches]
        first = [] if self.cls_token is None else [self.cls_token[0].expand(len(x), -1)]
        fixed = self.pos_embed[0, : len(first)]
        grid = self.pos_embed[0, len(first) :].reshape(*self.grid, -1).permute(2, 0, 1)[None]
        if (rows, columns) != self.grid:
            grid = torch.nn.functional.interpolate(grid, (rows, columns), mode="bicubic", antialias=True)
        positions = torch.cat([fixed, grid[0].flatten(1).T])
        return torch.stack(first + tokens, 1) + positions


@pytest.mark.parametrize("token", [False, True])
@pytest.mark.parametrize("size", [(4, 9), (6, 12)])
def test_patches_against_torch(token, size):
    ours, theirs = nn.PatchEmbedding((4, 9), (2, 3), 2, 3, token), Patches((2, 3), (2, 3), 3, token)
    check_layer(ours, theirs, values((2, 2, *size), 0))


def test_gradients_of_patches():
    check_gradient(nn.PatchEmbedding((2, 2), (2, 1), 1, 2).double(), values((1, 1, 2, 2), 0))
    assert not nn.PatchEmbedding(2, 2, 1, 2, dropout=1.0)(scratchnet.ones(1, 1, 2, 2)).array.any()


def test_refusals_and_repr_of_patches():
    with pytest.raises(ValueError, match=r"patches of size \(3, 3\) do not cover an image of size \(8, 8\)"):
        nn.PatchEmbedding(8, 3)
    net = nn.PatchEmbedding(4, 2, 1, 2)
    assert "img_size=(4, 4), patch_size=(2, 2)" in repr(net)
    with pytest.raises(RuntimeError, match=r"do not cover an image of size \(4, 5\)"):
        net(scratchnet.ones(1, 1, 4, 5))
