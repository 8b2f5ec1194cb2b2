"""Scaled dot-product attention: gradients to second order, torch, masks, shared heads, refusals."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import scratchnet.nn.functional as F
from scratchnet import Tensor
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds

NAME = "nn.functional.scaled_dot_product_attention"
sides = st.integers(1, 4)


@st.composite
def operands(draw, shared=False):
    """q, k, v of up to four dimensions, and a mask or none."""
    seed, batch = draw(seeds()), draw(st.lists(sides, max_size=2))
    queries, keys, features, value_features = (draw(sides) for _ in range(4))
    heads = draw(st.integers(1, 2)) if shared and batch else 1
    own = [*batch[:-1], batch[-1] * heads] if batch else []
    q = values((*own, queries, features), seed)
    k, v = values((*batch, keys, features), seed + 1), values((*batch, keys, value_features), seed + 2)
    shape = [1 if draw(st.booleans()) else n for n in (*own, queries, keys)][-draw(st.integers(2, 2 + len(own))):]
    hidden = np.random.default_rng(seed).random(shape) < 0.3
    kind = draw(st.sampled_from(["none", "bool", "float", "causal"]))
    options = {"is_causal": True} if kind == "causal" else {}
    if kind == "bool":
        options["attn_mask"] = ~hidden
    if kind == "float":
        options["attn_mask"] = np.where(hidden, -np.inf, values(shape, seed + 3))
    if draw(st.booleans()):
        options["scale"] = 0.7
    return (q, k, v), options, heads > 1


@given(operands(shared=True))
def test_torch(drawn):
    arrays, options, shared = drawn
    check_against_torch(NAME, *arrays, enable_gqa=shared, **options)


@given(operands())
def test_gradients(drawn):
    arrays, options, _ = drawn
    if "attn_mask" in options:
        options["attn_mask"] = Tensor(options["attn_mask"])
    check_gradient(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, **options), *arrays)


@given(operands(shared=True))
def test_the_kernel_is_the_composed_definition(fused_equals_composed, drawn):
    arrays, options, shared = drawn
    if "attn_mask" in options:
        options["attn_mask"] = Tensor(options["attn_mask"])
    fused_equals_composed(
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=shared, **options), *arrays
    )


def test_the_gradient_of_a_mask():
    q, k, v = (values((2, 3, 4), i) for i in range(3))
    mask = values((3, 3), 3)
    check_against_torch(NAME, q, k, v, mask)
    check_gradient(F.scaled_dot_product_attention, q, k, v, mask)


def test_an_example_by_hand():
    """Scores ln 1 and ln 3: the weights are 1/4 and 3/4."""
    q, k, v = (np.array(x) for x in ([[1.0]], [[0.0], [math.log(3)]], [[4.0, 0.0], [0.0, 4.0]]))
    y = F.scaled_dot_product_attention(Tensor(q), Tensor(k), Tensor(v))
    np.testing.assert_allclose(y.array, [[1, 3]], rtol=1e-12)
    y = F.scaled_dot_product_attention(Tensor(q), Tensor(k), Tensor(v), is_causal=True)
    np.testing.assert_allclose(y.array, [[4, 0]], rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("causal", [True, False])
def test_several_blocks(dtype, causal):
    q, k, v = (values((2, 3, n, 20), i).astype(dtype) for i, n in enumerate((130, 150, 150)))
    check_against_torch(NAME, q, k, v, is_causal=causal, rtol=2e-2 if dtype == np.float16 else None,
                        atol=2e-3 if dtype == np.float16 else 2e-6)  # fmt: skip


@pytest.mark.parametrize("as_bool", [True, False])
def test_a_row_whose_keys_are_all_hidden_is_zero(as_bool):
    q, k, v = (values((1, 2, 3, 4), i) for i in range(3))
    mask = np.array([[True, False, True], [False] * 3, [True] * 3])
    check_against_torch(NAME, q, k, v, Tensor(mask if as_bool else np.where(mask, 0, -np.inf)).array)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", range(3))
def test_nan_and_infinity(where, value):
    arrays = [values((1, 1, 70, 3), i) for i in range(3)]
    arrays[where][0, 0, 66, 1] = value
    with np.errstate(all="ignore"):
        check_against_torch(NAME, *arrays, grad=False)


def test_large_scores_do_not_overflow():
    q, k, v = (values((2, 5, 3), i) for i in range(3))
    check_against_torch(NAME, q * 1e3, k * 1e3, v)


def test_dropout():
    q, k, v = (values((2, 40, 3), i) for i in range(3))
    check_against_torch(NAME, q, k, v, dropout_p=1.0)
    whole, dropped = (
        F.scaled_dot_product_attention(Tensor(q), Tensor(k), Tensor(np.ones((2, 40, 1))), dropout_p=p).array
        for p in (0.0, 0.5)
    )
    np.testing.assert_allclose(whole, 1)
    assert abs(dropped.mean() - 1) < 0.2 and dropped.std() > 0.05


@pytest.mark.parametrize(
    "shapes", [((2, 3, 4), (5, 4), (5, 4)), ((2, 3, 4), (1, 5, 4), (1, 5, 4)), ((2, 2, 3, 4), (1, 2, 5, 4), (1, 2, 5, 6)),
               ((2, 2, 2, 3, 4), (2, 2, 2, 5, 4), (2, 2, 2, 5, 4)), ((2, 4, 0, 4), (2, 4, 5, 4), (2, 4, 5, 4)),
               ((2, 4, 3, 4), (2, 4, 0, 4), (2, 4, 0, 4)), ((2, 4, 3, 0), (2, 4, 5, 0), (2, 4, 5, 4)),
               ((0, 4, 3, 2), (0, 4, 5, 2), (0, 4, 5, 4))]
)  # fmt: skip
def test_batches_that_broadcast_and_empty_arrays(shapes):
    check_against_torch(NAME, *(values(s, i) for i, s in enumerate(shapes)))


Q, K, V = values((2, 4, 3, 4), 0), values((2, 4, 5, 4), 1), values((2, 4, 5, 4), 2)


@pytest.mark.parametrize(
    "args, kwargs",
    [
        ((Q[0, 0, 0], K, V), {}),
        ((Q, K, V[..., :3, :]), dict(dropout_p=0.5)),
        ((Q, K[..., :3], V), {}),
        ((Q, K, V.astype(np.float32)), {}),
        ((Q, K, V, np.ones((3, 5))), dict(is_causal=True)),
        ((Q, K, V, np.ones((3, 4))), {}),
        ((Q, K, V, np.ones((5, 1, 3, 5))), {}),
        ((Q, K, V, np.ones((3, 5), int)), {}),
        ((Q.astype(np.float32), K.astype(np.float32), V.astype(np.float32), np.ones((3, 5))), {}),
        ((Q, K, V), dict(dropout_p=1.5)),
        ((Q, K[:, :3], V[:, :3]), dict(enable_gqa=True)),
        ((Q, K[:, :2], V[:, :2]), {}),
        ((Q.astype(int), K.astype(int), V.astype(int)), {}),
    ],
)
def test_refusals_are_those_of_torch(args, kwargs):
    check_against_torch(NAME, *args, **kwargs)


def test_other_layouts_and_heads_side_by_side():
    """Heads that were split from one dimension are read where they are."""
    packed = values((2, 70, 3 * 4 * 8), 0).astype(np.float32)

    def attend(library):
        def call(packed):
            q, k, v = (x.transpose(1, 2) for x in packed.reshape(2, 70, 3, 4, 8).unbind(2))
            return library.nn.functional.scaled_dot_product_attention(q, k, v)

        return call

    import scratchnet

    check_against_torch(attend(scratchnet), packed, torch_fn=attend(torch), atol=1e-5)
