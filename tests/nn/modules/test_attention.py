"""MultiheadAttention against torch: every argument, masks of all kinds, initial numbers, refusals."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet import Tensor, nn
from scratchnet.testing import check_gradient, check_layer, values
from scratchnet.testing.strategies import seeds

LIBRARIES = (scratchnet, torch)
flags = st.booleans()


@st.composite
def calls(draw):
    """Arguments of the layer, its inputs, and arguments of the call."""
    seed, heads, batched = draw(seeds()), draw(st.integers(1, 3)), draw(flags)
    embed_dim = heads * draw(st.integers(1, 2))
    options = {name: draw(flags) for name in ("bias", "add_bias_kv", "add_zero_attn", "batch_first")}
    same = draw(st.sampled_from(["query", "key", "none", "widths"]))
    batch, queries, keys = (draw(st.integers(1, 3)) for _ in range(3))
    widths = [embed_dim] * 3
    if same == "widths":
        options["kdim"], options["vdim"] = 2, 5
        widths = [embed_dim, 2, 5]
    keys = queries if same == "query" else keys

    def side(i, rows):
        shape = (batch, rows, widths[i]) if options["batch_first"] else (rows, batch, widths[i])
        return values(shape if batched else (rows, widths[i]), seed + i)

    sides = [side(0, queries), side(1, keys), side(2, keys)]
    rng = np.random.default_rng(seed)
    masks = {"average_attn_weights": draw(flags), "need_weights": draw(flags)}
    as_bool = draw(flags)

    def mask(*shape):
        hidden = rng.random(shape) < 0.4
        hidden[..., 0] = False  # a query that sees nothing gives NaN
        return hidden if as_bool else np.where(hidden, -np.inf, values(shape, seed))

    if draw(flags):
        per_head = draw(flags)
        masks["attn_mask"] = mask(*([heads * (batch if batched else 1)] if per_head else []), queries, keys)
    if draw(flags):
        masks["key_padding_mask"] = mask(*([batch] if batched else []), keys)
    return (embed_dim, heads), options, same, sides, masks


@given(calls())
def test_torch(drawn):
    sizes, options, same, (q, k, v), masks = drawn

    class Shared:
        """Both layers called with one Tensor in two or three places, where so drawn."""

        def __new__(cls, library):
            class Layer(library.nn.Module):
                def __init__(self):
                    super().__init__()
                    self.attention = library.nn.MultiheadAttention(*sizes, **options)

                def forward(self, q, k, v, **masks):
                    k = q if same == "query" else k
                    v = k if same in ("query", "key") else v
                    return self.attention(q, k, v, **masks)

            return Layer()

    ours, theirs = (Shared(library) for library in LIBRARIES)
    assert repr(ours.attention) == repr(theirs.attention)
    check_layer(ours, theirs, q, k, v, **masks)


@pytest.mark.parametrize("need_weights", [True, False])
def test_gradients(need_weights):
    layer = nn.MultiheadAttention(4, 2, add_bias_kv=True, batch_first=True).double()
    check_gradient(
        lambda x: layer(x, x, x, need_weights=need_weights)[0] if need_weights else layer(x, x, x, None, False)[0],
        values((2, 3, 4), 0),
    )


@pytest.mark.parametrize("padding, need_weights", list(itertools.product([True, False], repeat=2)))
def test_the_causal_hint(padding, need_weights):
    x, hidden = values((2, 4, 6), 0), np.zeros((2, 4), bool)
    hidden[1, 2:] = True
    hidden = np.where(hidden, -np.inf, 0)  # of the kind of the other mask
    mask = nn.Transformer.generate_square_subsequent_mask(4, dtype=scratchnet.float64).array
    check_layer(
        nn.MultiheadAttention(6, 3, batch_first=True),
        "MultiheadAttention(6, 3, batch_first=True)",
        x, x, x, key_padding_mask=hidden if padding else None, need_weights=need_weights, attn_mask=mask, is_causal=True,
    )  # fmt: skip


@pytest.mark.parametrize("options", [{}, dict(kdim=3, vdim=5, bias=False), dict(add_bias_kv=True)])
def test_initial_numbers_are_those_of_torch(options):
    states = []
    for library in LIBRARIES:
        library.manual_seed(5)
        states.append(library.nn.MultiheadAttention(8, 2, **options).state_dict())
    for ours, theirs in zip(states[0].values(), states[1].values()):
        np.testing.assert_array_equal(ours.array, theirs.numpy())


def test_dropout_only_in_training():
    layer, x = nn.MultiheadAttention(4, 2, dropout=0.5), Tensor(values((30, 2, 4), 0).astype(np.float32))
    for need_weights in (True, False):
        layer.train()
        assert not np.allclose(layer(x, x, x, None, need_weights)[0].array, layer(x, x, x, None, need_weights)[0].array)
        layer.eval()
        assert np.array_equal(layer(x, x, x, None, need_weights)[0].array, layer(x, x, x, None, need_weights)[0].array)


def test_static_keys_and_values():
    x, static = values((3, 2, 4), 0), values((4, 5, 2), 1)
    weights = values((12, 4), 2), values((12,), 3)
    out = values((4, 4), 4), values((4,), 5)

    def call(library):
        def attend(x, static, w, b, wo, bo):
            return library.nn.functional.multi_head_attention_forward(
                x, x, x, 4, 2, w, b, None, None, False, 0.0, wo, bo, static_k=static, static_v=static * 2
            )

        return attend

    from scratchnet.testing import check_against_torch

    check_against_torch(call(scratchnet), x, static, *weights, *out, torch_fn=call(torch))


X = values((3, 2, 4), 0)


@pytest.mark.parametrize(
    "make",
    [
        lambda nn: nn.MultiheadAttention(0, 1),
        lambda nn: nn.MultiheadAttention(4, 0),
        lambda nn: nn.MultiheadAttention(4, 3),
    ],
)
def test_layers_that_torch_refuses(make):
    _same_refusal(lambda library: make(library.nn))


@pytest.mark.parametrize(
    "q, k, v, options",
    [
        (X[0, 0], X, X, {}),
        (X, X[0], X, {}),
        (X[:, 0], X, X, {}),
        (X[..., :3], X, X, {}),
        (X, X, X[:2], {}),
        (X, X, X, dict(attn_mask=np.zeros((3, 2)))),
        (X, X, X, dict(attn_mask=np.zeros((2, 3, 3)))),
        (X, X, X, dict(attn_mask=np.zeros(3))),
        (X, X, X, dict(attn_mask=np.zeros((3, 3), int))),
        (X, X, X, dict(key_padding_mask=np.zeros((3, 2), bool))),
        (X, X, X, dict(key_padding_mask=np.zeros((2, 2), bool))),
        (X, X, X, dict(key_padding_mask=np.zeros((1, 3), bool))),
        (X, X, X, dict(key_padding_mask=np.zeros(3, bool))),
        (X, X, X, dict(key_padding_mask=np.zeros((2, 3), int))),
        (X, X, X, dict(is_causal=True)),
        (X[:, 0], X[:, 0], X[:, 0], dict(attn_mask=np.zeros((3, 3, 3)))),
        (X[:, 0], X[:, 0], X[:, 0], dict(key_padding_mask=np.zeros((1, 3), bool))),
    ],
)
def test_calls_that_torch_refuses(q, k, v, options):
    def call(library):
        layer = library.nn.MultiheadAttention(4, 2).double()
        tensor = Tensor if library is scratchnet else torch.from_numpy
        return layer(*map(tensor, (q, k, v)), **{n: tensor(x) if hasattr(x, "shape") else x for n, x in options.items()})

    _same_refusal(call)


def _same_refusal(call):
    errors = []
    for library in LIBRARIES:
        with pytest.raises(Exception) as caught:
            call(library)
        errors.append(type(caught.value))
    assert errors[0] is errors[1]


def test_masks_of_different_kinds_are_a_warning():
    layer, x = nn.MultiheadAttention(4, 2), Tensor(values((3, 2, 4), 0).astype(np.float32))
    with pytest.warns(UserWarning, match="mismatched key_padding_mask and attn_mask"):
        layer(x, x, x, Tensor(np.zeros((2, 3), bool)), attn_mask=Tensor(np.zeros((3, 3), np.float32)))
