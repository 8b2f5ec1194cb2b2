"""BERT beside torch's own transformer layers with the same weights; padding, dropout, sentence vectors by hand."""

import hashlib

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet import Tensor
from scratchnet.text.models import BertModel, mean_pooling

SMALL = {
    "vocab_size": 11, "hidden_size": 4, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 6,
    "max_position_embeddings": 7,
}  # fmt: skip
IDS = np.array([[2, 5, 7, 1, 3], [2, 8, 3, 0, 0]])
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])


def network(**options):
    """A small one whose every parameter is random."""
    net = BertModel(**SMALL, **options).double()
    rng = np.random.default_rng(0)
    for parameter in net.parameters():
        parameter.array[...] = rng.normal(size=parameter.shape)
    return net.eval()


def torchs(state, ids, mask, segments, activation):
    """The same from `torch.nn.TransformerEncoderLayer`, whose queries, keys and values are one matrix."""
    x = sum(
        state[f"embeddings.{table}_embeddings.weight"][rows]
        for table, rows in (("word", ids), ("position", torch.arange(ids.shape[1])), ("token_type", segments))
    )
    x = torch.nn.functional.layer_norm(
        x, (4,), state["embeddings.LayerNorm.weight"], state["embeddings.LayerNorm.bias"], 1e-12
    )
    layer = torch.nn.TransformerEncoderLayer(4, 2, 6, 0, activation, 1e-12, batch_first=True, dtype=torch.float64)
    names = {
        "self_attn.out_proj": "attention.output.dense", "linear1": "intermediate.dense", "linear2": "output.dense",
        "norm1": "attention.output.LayerNorm", "norm2": "output.LayerNorm",
    }  # fmt: skip
    for i in range(2):
        own = {}
        for kind in ("weight", "bias"):
            own |= {f"{name}.{kind}": state[f"encoder.layer.{i}.{theirs}.{kind}"] for name, theirs in names.items()}
            three = [state[f"encoder.layer.{i}.attention.self.{name}.{kind}"] for name in ("query", "key", "value")]
            own[f"self_attn.in_proj_{kind}"] = torch.cat(three)
        x = torch.func.functional_call(layer, own, x, {"src_key_padding_mask": mask == 0})
    return x, torch.tanh(x[:, 0] @ state["pooler.dense.weight"].T + state["pooler.dense.bias"])


ACTIVATIONS = {"gelu": "gelu", "gelu_new": lambda x: torch.nn.functional.gelu(x, approximate="tanh"), "relu": "relu"}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values_and_gradients_are_torchs(name):
    net, rng = network(hidden_act=name, pad_token_id=None), np.random.default_rng(1)
    segments, weight = rng.integers(0, 2, IDS.shape), rng.normal(size=(*IDS.shape, 4)) * MASK[:, :, None]
    hidden, pooled = net(Tensor(IDS), Tensor(MASK), Tensor(segments))
    ((hidden * Tensor(weight)).sum() + pooled.square().sum()).backward()

    leaves = {key: torch.from_numpy(value.array.copy()).requires_grad_() for key, value in net.state_dict().items()}
    ids, mask, segments = map(torch.from_numpy, (IDS, MASK, segments))
    their_hidden, their_pooled = torchs(leaves, ids, mask, segments, ACTIVATIONS[name])
    ((their_hidden * torch.from_numpy(weight)).sum() + their_pooled.square().sum()).backward()

    real = MASK > 0
    np.testing.assert_allclose(hidden.detach().numpy()[real], their_hidden.detach().numpy()[real], 1e-9, 1e-11)
    np.testing.assert_allclose(pooled.detach().numpy(), their_pooled.detach().numpy(), 1e-9, 1e-11)
    for key, parameter in net.named_parameters():
        np.testing.assert_allclose(parameter.grad.array, leaves[key].grad.numpy(), 1e-8, 1e-10, err_msg=key)


def test_padding_changes_nothing_and_segments_are_0():
    net = network()
    alone, first = net(Tensor(IDS[1:, :3]))
    hidden, pooled = net(Tensor(IDS), Tensor(MASK), Tensor(np.zeros_like(IDS)))
    np.testing.assert_allclose(hidden.detach().array[1:, :3], alone.detach().array, 1e-12)
    np.testing.assert_allclose(pooled.detach().array[1:], first.detach().array, 1e-12)


def test_dropout_is_where_it_should_be():
    """All probabilities of attention dropped: as if no word looked at another. All else dropped: what is passed by is left."""
    net, still = (BertModel(**SMALL, attention_probs_dropout_prob=p, hidden_dropout_prob=0.0) for p in (1.0, 0.0))
    still.load_state_dict(net.state_dict())
    for layer in still.encoder["layer"]:
        scratchnet.nn.init.zeros_(layer.attention["self"].value.weight)
    np.testing.assert_array_equal(net(Tensor(IDS))[0].detach().array, still(Tensor(IDS))[0].detach().array)
    assert not np.array_equal(net.eval()(Tensor(IDS))[0].detach().array, still(Tensor(IDS))[0].detach().array)
    net, x = network(hidden_dropout_prob=1.0).train(), scratchnet.zeros(2, 5, 4).double()
    for layer in net.encoder["layer"]:
        x = layer.output.LayerNorm(layer.attention["output"].LayerNorm(x))
    np.testing.assert_allclose(net(Tensor(IDS))[0].detach().array, x.detach().array, 1e-12)


def test_keys_and_shapes_are_those_of_transformers():
    lines = "\n".join(f"{key} {tuple(value.shape)}" for key, value in network().state_dict().items())
    assert hashlib.sha256(lines.encode()).hexdigest()[:16] == "a2f15a8b3cefb3c8"  # of transformers 5.23.0


def test_positions_in_a_file_are_forgotten():
    net, other = network(), network()
    state = {**other.state_dict(), "embeddings.position_ids": scratchnet.arange(7)[None]}
    scratchnet.nn.init.zeros_(net.pooler.dense.bias)
    assert str(net.load_state_dict(state)) == "<All keys matched successfully>"
    assert net.pooler.dense.bias.array.any() and "embeddings.position_ids" in state
    with pytest.raises(RuntimeError, match="embeddings.positions"):
        net.load_state_dict({**other.state_dict(), "embeddings.positions": scratchnet.arange(7)})


def test_initial_values():
    net = BertModel(300, 40, 1, 2, 60, initializer_range=0.5)
    words, dense = net.embeddings.word_embeddings.weight.detach().array, net.encoder["layer"][0].intermediate.dense
    assert not words[0].any()
    assert [words[1:].std(), dense.weight.detach().array.std()] == pytest.approx([0.5, 0.5], rel=0.05)
    assert not dense.bias.array.any() and (net.embeddings.LayerNorm.weight.array == 1).all()


def test_a_published_configuration():
    config = {**SMALL, "model_type": "bert", "architectures": ["BertModel"], "layer_norm_eps": 0.25}
    net = BertModel.from_config(config)
    assert net.state_dict().keys() == network().state_dict().keys()
    assert net.embeddings.LayerNorm.eps == net.encoder["layer"][1].output.LayerNorm.eps == 0.25


def test_the_mean_of_a_text():
    hidden = Tensor(np.array([[[1.0, 0], [5, 8], [99, 99]], [[0, -2], [7, 7], [7, 7]], [[1, 1], [1, 1], [1, 1]]]))
    mask = Tensor(np.array([[1, 1, 0], [1, 0, 0], [0, 0, 0]]))
    np.testing.assert_allclose(mean_pooling(hidden, mask).array, [[3, 4], [0, -2], [0, 0]])


def test_refusals():
    with pytest.raises(ValueError, match="3 heads do not divide hidden_size, which is 8"):
        BertModel(hidden_size=8, num_attention_heads=3)
    with pytest.raises(ValueError, match="hidden_act to be one of .'gelu', .*, got 'swish'"):
        BertModel(hidden_act="swish")
    with pytest.raises(ValueError, match="texts of at most 7 words, got 8"):
        network()(Tensor(np.zeros((1, 8), np.int64)))
    with pytest.raises(ValueError, match="position_embedding_type to be 'absolute', got 'relative_key'"):
        BertModel.from_config({"model_type": "bert", "position_embedding_type": "relative_key"})
