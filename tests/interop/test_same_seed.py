"""The same script from the same seed gives torch's numbers: draws, weights, masks, batches, and so loss curves."""

import numpy as np
import pytest
import torch

import scratchnet
from examples.same_seed import curve, lenet, transformer
from scratchnet._mersenne import _STATE

LIBRARIES = (scratchnet, torch)
SIZES = (0, 1, 2, 15, 16, 17, 31, 33, 100)  # normal numbers change their way at 16


def state(source):
    """The state of a library or a generator as bytes, but for what a generator reads no more."""
    found = source.get_rng_state() if hasattr(source, "get_rng_state") else source.get_state()
    record = np.asarray(found).copy().view(_STATE)
    if record["left"] == 1:
        record["next"] = 0  # the words are used up, and made anew
    return record.tobytes()


def both(code, **names):
    """What a line of Python gives in either library after the same seed; the streams stand alike afterwards."""
    results = []
    for library in LIBRARIES:
        library.manual_seed(2**33 + 5)
        g = library.Generator().manual_seed(9)
        results.append(eval(code, {"L": library, "F": library.nn.functional, "g": g, **names}).detach().numpy())
        results.append((state(library), state(g)))
    ours, ours_after, theirs, theirs_after = results
    assert ours_after == theirs_after
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
    return ours, theirs


# Units in the last place of the larger of the number and `scale`; float64 normals go through another sine and logarithm.
DRAWS = {
    "L.rand(n, dtype=d)": (0, 0),
    "L.rand(n, dtype=d, generator=g)": (0, 0),
    "L.randn(n, dtype=d)": (0, 2),
    "L.randn(n, dtype=d, generator=g)": (0, 2),
    "L.zeros(n, dtype=d).uniform_(-2, 3)": (0, 1),
    "L.zeros(n, dtype=d).normal_(1, 2)": (0, 2),
    "L.zeros(n, 2, dtype=d).t().normal_(1, 2, generator=g)": (1, 4),
    "L.zeros(2, n, dtype=d)[:, ::2].uniform_(-2, 3)": (0, 1),
    "L.zeros(n, dtype=d).exponential_(2.5, generator=g)": (1, 1),
    "L.zeros(n, dtype=d).log_normal_(0.5, 1)": (1, 8),
    "L.zeros(n, dtype=d).cauchy_(1, 2)": (1, 16),
    "L.zeros(n, dtype=d).geometric_(0.3)": (0, 0),
    "L.zeros(n, dtype=d).random_(7)": (0, 0),
    "L.zeros(n, dtype=d).bernoulli_(0.3)": (0, 0),
    "L.bernoulli(L.rand(n, dtype=d), generator=g)": (0, 0),
    "L.bernoulli(L.zeros(n, dtype=d), 0.7)": (0, 0),
    "L.normal(L.ones(n, dtype=d), 2.0)": (1, 4),
    "L.normal(1.0, L.rand(n, dtype=d))": (1, 4),
    "L.normal(L.rand(n, 1, dtype=d), L.rand(3, dtype=d), generator=g)": (1, 4),
    "L.normal(1.0, 2.0, (n,), dtype=d)": (0, 2),
    "L.rand_like(L.zeros(n, 2, dtype=d).t())": (0, 0),
    "L.randn_like(L.zeros(n, dtype=d))": (0, 2),
    "L.randint_like(L.zeros(n, dtype=d), 3, 9)": (0, 0),
    "L.randint(-5, 2**30, (n,), generator=g)": (0, 0),
    "L.randperm(n)": (0, 0),
    "L.randperm(n, generator=g)": (0, 0),
    "L.multinomial(L.rand(n + 1, dtype=d), 9, True)": (0, 0),
    "L.multinomial(L.rand(n + 1, dtype=d), 1)": (0, 0),
    "L.multinomial(L.rand(3, n + 2, dtype=d), n + 1, generator=g)": (0, 0),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("code", DRAWS)
def test_draws(code, dtype):
    """Integers, permutations and choices exactly; floats to the units in the last place that stand above."""
    ulps = DRAWS[code][dtype == "float64"]
    for n in SIZES:
        ours, theirs = both(code.replace("dtype=d", f"dtype=L.{dtype}"), n=n)
        scale = np.maximum(np.abs(theirs), np.asarray(1, theirs.dtype)) if ulps else theirs
        assert np.all(np.abs(ours - theirs) <= ulps * np.spacing(np.abs(scale))), n


LAYERS = [
    *("Linear(3, 4)", "Bilinear(2, 3, 4)", "Embedding(5, 3)", "EmbeddingBag(5, 3)", "Conv1d(2, 4, 3)", "Conv2d(2, 4, 3)"),
    *("Conv3d(2, 4, 3)", "ConvTranspose1d(2, 4, 3)", "ConvTranspose2d(4, 2, 3, groups=2)", "ConvTranspose3d(2, 4, 3)"),
    *("RNN(3, 4, 2)", "LSTM(3, 4, 2, bidirectional=True)", "LSTM(3, 4, proj_size=2)", "GRU(3, 4, 2)", "RNNCell(3, 4)"),
    *("LSTMCell(3, 4)", "GRUCell(3, 4)", "MultiheadAttention(4, 2)", "MultiheadAttention(4, 2, kdim=3, vdim=5)"),
    *("MultiheadAttention(4, 2, add_bias_kv=True)", "TransformerEncoderLayer(4, 2, 8)", "TransformerDecoderLayer(4, 2, 8)"),
    *("Transformer(4, 2, 1, 1, 8, batch_first=True)", "BatchNorm2d(3)", "GroupNorm(2, 4)", "LayerNorm(5)", "PReLU(3)"),
    *("AdaptiveLogSoftmaxWithLoss(8, 20, [4, 10], 2)", "InstanceNorm2d(3, affine=True)"),
]  # fmt: skip


@pytest.mark.parametrize("text", LAYERS)
def test_layers_begin_with_the_same_weights(text):
    made = []
    for library in LIBRARIES:
        library.manual_seed(4)
        layer = eval(text, vars(library.nn))
        made.append(({name: value.numpy() for name, value in layer.state_dict().items()}, state(library)))
    (ours, after), (theirs, theirs_after) = made
    assert list(ours) == list(theirs) and after == theirs_after
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


DROPPING = [
    "F.dropout(L.ones(6, 5), 0.4)",
    "F.dropout(L.ones(6, 5).t(), 0.4)",
    "F.dropout1d(L.ones(6, 5, 2), 0.4)",
    "F.dropout2d(L.ones(6, 5, 2, 2), 0.4)",
    "F.dropout3d(L.ones(6, 5, 2, 2, 2), 0.4)",
    "F.alpha_dropout(L.ones(6, 5), 0.4, True)",
    "F.feature_alpha_dropout(L.ones(6, 5, 2), 0.4, True)",
    "F.rrelu(L.full((4, 9), -1.0), training=True)",
    "F.gumbel_softmax(L.ones(4, 9), hard=True)",
    "F.scaled_dot_product_attention(*(L.rand(2, 3, 5, 4) for _ in range(3)), dropout_p=0.3)",
    "L.nn.LSTM(3, 4, 3, dropout=0.4)(L.rand(5, 2, 3))[0]",
    "L.nn.MultiheadAttention(4, 2, 0.4, batch_first=True)(*(L.rand(3, 5, 4) for _ in range(3)))[0]",
    *(
        f"L.nn.Transformer{kind}Layer(4, 2, 8, 0.4, batch_first={batch_first}, norm_first={norm_first})({inputs})"
        for kind, inputs in (("Encoder", "L.rand(3, 5, 4)"), ("Decoder", "L.rand(3, 5, 4), L.rand(3, 5, 4)"))
        for batch_first in (True, False)
        for norm_first in (True, False)
    ),
]


@pytest.mark.parametrize("code", DROPPING)
def test_layers_drop_the_same(code):
    ours, theirs = both(code)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_states_go_from_one_library_to_the_other():
    scratchnet.manual_seed(3), scratchnet.randn(5)  # leaves a cached number
    torch.set_rng_state(torch.from_numpy(scratchnet.get_rng_state().numpy()))
    assert torch.randn(3).tolist() == scratchnet.randn(3).tolist()
    scratchnet.set_rng_state(torch.get_rng_state())
    assert torch.randn(20).tolist() == scratchnet.randn(20).tolist()


@pytest.mark.parametrize("make", [
    lambda data, n, g: data.RandomSampler(range(n), True, 50, g),
    lambda data, n, g: data.RandomSampler(range(n), generator=g),
    lambda data, n, g: data.SubsetRandomSampler(range(n), g),
    lambda data, n, g: data.WeightedRandomSampler([1 + i % 3 for i in range(n)], n, False, g),
    lambda data, n, g: data.random_split(range(n), [n // 3, n - n // 3], **({"generator": g} if g else {}))[0],
    lambda data, n, g: [i for batch in data.DataLoader(range(n), 4, shuffle=True, generator=g) for i in batch.tolist()],
])  # fmt: skip
@pytest.mark.parametrize("own", [True, False])
def test_orders(make, own):
    orders = []
    for library in LIBRARIES:
        library.manual_seed(7)
        generator = library.Generator().manual_seed(8) if own else None
        orders.append([list(make(library.utils.data, 21, generator)) for _ in range(2)] + [state(library)])
    assert orders[0] == orders[1]


@pytest.mark.parametrize("task", [lenet, transformer])
def test_loss_curves_lie_on_each_other(task):
    """200 steps with dropout and shuffled batches, nothing in common but the seed."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the networks are small: threads would wait for each other
    try:
        ours, theirs = (curve(library, task) for library in LIBRARIES)
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    assert ours[-20:].mean() < 0.8 * ours[:20].mean()
    assert not np.array_equal(curve(scratchnet, task, 2, seed=1), ours[:2])
