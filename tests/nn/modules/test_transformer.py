"""The Transformer and its layers against torch: outputs, gradients, names, initial numbers, masks, refusals."""

import itertools

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet import Tensor, nn
from scratchnet.testing import check_gradient, check_layer, values

LIBRARIES = (scratchnet, torch)
pytestmark = pytest.mark.filterwarnings("ignore:enable_nested_tensor")  # torch speaks of a short cut it cannot take
SRC, TGT = values((4, 2, 6), 0), values((3, 2, 6), 1)
PADDING = np.array([[False, False, False, True], [False, True, False, False]])


def causal(n):
    return np.triu(np.full((n, n), -np.inf), 1)


@pytest.mark.parametrize("norm_first, batch_first, bias", list(itertools.product([True, False], repeat=3)))
def test_encoder_layer(check_module, norm_first, batch_first, bias):
    options = f"norm_first={norm_first}, batch_first={batch_first}, bias={bias}, dropout=0.0"
    check_module(f"TransformerEncoderLayer(6, 2, 5, {options})", SRC)


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("activation", ["'gelu'", "functional.gelu", "'relu'", "functional.silu"])
def test_decoder_layer(check_module, norm_first, activation):
    check_module(f"TransformerDecoderLayer(6, 3, 5, 0.0, {activation}, 1e-3, norm_first={norm_first})", TGT, SRC)


def test_masks_of_layers(check_module):
    encoder = "TransformerEncoderLayer(6, 2, 5, 0.0)"
    check_module(encoder, SRC, src_mask=causal(4), src_key_padding_mask=np.where(PADDING, -np.inf, 0))
    check_module(encoder, SRC, src_mask=causal(4), is_causal=True)
    check_module(encoder, SRC[:, 0])
    decoder = "TransformerDecoderLayer(6, 2, 5, 0.0)"
    check_module(decoder, TGT, SRC, tgt_mask=causal(3), memory_key_padding_mask=PADDING, tgt_is_causal=True)
    check_module(decoder, TGT, SRC, memory_mask=np.eye(3, 4) > 0, tgt_key_padding_mask=PADDING[:, :3])


@pytest.mark.parametrize("kind", ["plain", "causal mask", "padding", "a mask that is not causal"])
def test_stacks(check_module, kind):
    masks = {"causal mask": {"mask": causal(4)}, "padding": {"src_key_padding_mask": PADDING},
             "a mask that is not causal": {"mask": causal(4).T}}.get(kind, {})  # fmt: skip
    check_module("TransformerEncoder(TransformerEncoderLayer(6, 2, 5, 0.0), 2, LayerNorm(6))", SRC, **masks)
    masks = {"causal mask": {"tgt_mask": causal(3)}, "padding": {"memory_key_padding_mask": PADDING}}.get(kind, {})
    check_module("TransformerDecoder(TransformerDecoderLayer(6, 2, 5, 0.0), 2)", TGT, SRC, **masks)


@pytest.mark.parametrize("batch_first", [True, False])
def test_whole(check_module, batch_first):
    src, tgt = (x.swapaxes(0, 1) if batch_first else x for x in (SRC, TGT))
    check_module(
        f"Transformer(6, 2, 1, 2, 5, 0.0, batch_first={batch_first})", src, tgt, tgt_mask=causal(3),
        src_key_padding_mask=PADDING, memory_key_padding_mask=PADDING,
    )  # fmt: skip


def test_initial_numbers_are_those_of_torch():
    states = []
    for library in LIBRARIES:
        library.manual_seed(5)
        states.append(library.nn.Transformer(8, 2, 2, 1, 5).state_dict())
    assert list(states[0]) == list(states[1])
    for ours, theirs in zip(states[0].values(), states[1].values()):
        np.testing.assert_array_equal(ours.array, theirs.numpy())


def test_copies_of_a_layer_have_weights_of_their_own():
    stack = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 3), 2)
    first, second = (layer.linear1.weight for layer in stack.layers)
    assert np.array_equal(first.array, second.array) and not np.may_share_memory(first.array, second.array)


def test_gradients():
    layer = nn.TransformerDecoderLayer(4, 2, 3, 0.0, "gelu", batch_first=True).double()
    check_gradient(lambda x, m: layer(x, m), values((1, 2, 4), 0), values((1, 3, 4), 1))


def test_dropout_in_training():
    layer, x = nn.TransformerEncoderLayer(4, 2, 3), Tensor(values((5, 2, 4), 0).astype(np.float32))
    assert not np.allclose(layer(x).array, layer(x).array)
    layer.eval()
    assert np.array_equal(layer(x).array, layer(x).array)


def test_square_subsequent_mask():
    mask = nn.Transformer.generate_square_subsequent_mask(3)
    assert mask.dtype == scratchnet.float32 and np.array_equal(mask.array, causal(3).astype(np.float32))


def test_a_part_of_ones_own():
    class Twice(nn.Module):
        def forward(self, src, **masks):
            return src * 2

    network = nn.Transformer(6, 2, 1, 1, 5, custom_encoder=Twice())
    ours = network.eval()(Tensor(SRC).float(), Tensor(TGT).float())
    expected = network.decoder(Tensor(TGT).float(), Tensor(SRC * 2).float())
    np.testing.assert_allclose(ours.array, expected.array, rtol=1e-6)


@pytest.mark.parametrize("src, tgt", [(SRC, TGT[:, :1]), (SRC[..., :5], TGT), (SRC, TGT[..., :5])])
def test_refusals(src, tgt):
    for library, tensor in zip(LIBRARIES, (Tensor, torch.from_numpy)):
        with pytest.raises(RuntimeError, match="of src and tgt must be equal"):
            library.nn.Transformer(6, 2, 1, 1, 5).double()(tensor(src), tensor(tgt))


def test_an_activation_that_does_not_exist():
    for library in LIBRARIES:
        with pytest.raises(RuntimeError, match="activation should be relu/gelu, not swish"):
            library.nn.TransformerEncoderLayer(6, 2, activation="swish")


def test_a_layer_of_torch_gives_its_weights():
    """As `check_layer` with float32, which both start from."""
    check_layer(nn.TransformerEncoderLayer(6, 2, 5, 0.0), "TransformerEncoderLayer(6, 2, 5, 0.0)", SRC.astype(np.float32),
                atol=1e-5)  # fmt: skip
