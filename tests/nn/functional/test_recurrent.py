"""Recurrent layers: gradients to second order, the kernel against the definition, torch's functions, refusals."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet import Tensor
from scratchnet.nn.functional import recurrent, recurrent_layers
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds

# gates, states, the definition of a step, the operation
KINDS = {
    "rnn_tanh": (1, 1, recurrent.rnn_step, recurrent.RNNLayer),
    "rnn_relu": (
        1,
        1,
        lambda *a: recurrent.rnn_step(*a, relu=True),
        lambda *a: recurrent.RNNLayer(*a, relu=True),
    ),
    "lstm": (4, 2, recurrent.lstm_step, recurrent.LSTMLayer),
    "gru": (3, 1, recurrent.gru_step, recurrent.GRULayer),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


@st.composite
def layers(draw):
    """batch_sizes, features, size, direction, biases or none, a seed."""
    sizes = sorted(draw(st.lists(st.integers(1, 3), min_size=1, max_size=3)), reverse=True)
    return tuple(sizes), draw(st.integers(1, 2)), draw(st.integers(1, 2)), draw(st.booleans()), draw(
        st.booleans()
    ), draw(seeds())


def arguments(kind, layer):
    """x, w_ih, w_hh, then b_ih, b_hh if there are biases, then the states."""
    sizes, features, size, _, bias, seed = layer
    gates, states, *_ = KINDS[kind]
    shapes = [(sum(sizes), features), (gates * size, features), (gates * size, size)]
    shapes += [(gates * size,)] * 2 * bias + [(sizes[0], size)] * states
    return [values(shape, seed + i) for i, shape in enumerate(shapes)]


def operation(kind, layer):
    """The operation as a function of `arguments`."""
    sizes, _, _, reverse, bias, _ = layer
    run = KINDS[kind][3](sizes, reverse)

    def call(x, w_ih, w_hh, *rest):
        biases, states = (rest[:2], rest[2:]) if bias else ((None, None), rest)
        return run(x, w_ih, w_hh, *biases, *states)

    return call


@pytest.mark.parametrize("kind", ["rnn_tanh", "lstm", "gru"])
@given(layer=layers())
def test_gradients(kind, layer):
    check_gradient(operation(kind, layer), *arguments(kind, layer), atol=1e-4)


@every_kind
@given(layer=layers(), wanted=st.integers(1, 127))
def test_the_kernel_equals_the_definition(kind, layer, wanted):
    """Values, and gradients of any choice of the inputs for cotangents of any choice of the outputs."""
    leaves = [Tensor(a, bool(wanted >> i & 1)) for i, a in enumerate(arguments(kind, layer))]
    chosen = [x for x in leaves if x.requires_grad]
    if not chosen:
        return
    outputs = operation(kind, layer)(*leaves)
    sizes, _, _, reverse, bias, seed = layer
    x, w_ih, w_hh, *rest = leaves
    biases, states = (rest[:2], rest[2:]) if bias else ((None, None), rest)
    z = recurrent.linear(x, w_ih, biases[0])
    expected = recurrent.unroll(
        lambda z, *s: KINDS[kind][2](z, *s, w_hh, biases[1]), z, states, sizes, reverse
    )
    for y, wanted_y in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(y.array, wanted_y.array, rtol=1e-10, atol=1e-12)
    some = [i for i in range(len(outputs)) if seed >> i & 1] or [0]
    cotangents = [Tensor(values(outputs[i].shape, seed + i)) for i in some]
    ours, theirs = (
        scratchnet.autograd.grad([ys[i] for i in some], chosen, cotangents, allow_unused=True)
        for ys in (outputs, expected)
    )
    for i, (g, h) in enumerate(zip(ours, theirs)):
        h = np.zeros(chosen[i].shape) if h is None else h.array
        np.testing.assert_allclose(np.zeros_like(h) if g is None else g.array, h, rtol=1e-8, atol=1e-10)


@every_kind
def test_states_that_depend_on_the_input(kind):
    """Second-order gradients count each way from x once, though h is made of x."""
    layer = ((2, 2), 2, 2, False, True, 3)
    call = operation(kind, layer)
    x, w_ih, w_hh, b_ih, b_hh, *states = arguments(kind, layer)

    def of_x(x):
        return call(x, *map(Tensor, (w_ih, w_hh, b_ih, b_hh)), *(x[2:] * 0.5 for _ in states))

    check_gradient(of_x, x, atol=1e-4)


def parameters(kind, features, size, num_layers, directions, bias, seed=0):
    gates, shapes = KINDS[kind][0] * size, []
    for i in range(num_layers):
        for _ in range(directions):
            below = features if i == 0 else size * directions
            shapes += [(gates, below), (gates, size)] + [(gates,)] * 2 * bias
    return [values(shape, seed + i) / 2 for i, shape in enumerate(shapes)]


@every_kind
@given(
    length=st.integers(1, 4), batch=st.integers(0, 9), num_layers=st.integers(1, 2), both=st.booleans(),
    bias=st.booleans(), batch_first=st.booleans(), dtype=st.sampled_from([np.float32, np.float64]), seed=seeds(),
)  # fmt: skip
def test_networks_against_torch(kind, length, batch, num_layers, both, bias, batch_first, dtype, seed):
    features, size, directions = 3, 2, 1 + both
    x = values((batch, length, features) if batch_first else (length, batch, features), seed).astype(dtype)
    count = KINDS[kind][1]
    states = [values((num_layers * directions, batch, size), seed + i).astype(dtype) for i in range(count)]
    params = [p.astype(dtype) for p in parameters(kind, features, size, num_layers, directions, bias, seed)]
    check_against_torch(
        getattr(recurrent_layers, kind), x, states if count > 1 else states[0], params, bias, num_layers, 0.0, True, both,
        batch_first, torch_fn=getattr(torch, kind), **({"rtol": 1e-4, "atol": 1e-5} if dtype == np.float32 else {}),
    )  # fmt: skip


@every_kind
@given(lengths=st.lists(st.integers(1, 4), min_size=1, max_size=9), both=st.booleans(), seed=seeds())
def test_packed_networks_against_torch(kind, lengths, both, seed):
    sizes = np.array([sum(n > t for n in lengths) for t in range(max(lengths))])
    x, count = values((sizes.sum(), 3), seed), KINDS[kind][1]
    states = [values((2 * (1 + both), len(lengths), 2), seed + i) for i in range(count)]
    params = parameters(kind, 3, 2, 2, 1 + both, True, seed)
    check_against_torch(
        getattr(recurrent_layers, kind), x, sizes, states if count > 1 else states[0], params, True, 2, 0.0, False, both,
        torch_fn=getattr(torch, kind),
    )  # fmt: skip


@every_kind
@given(batch=st.integers(0, 9), bias=st.booleans(), seed=seeds())
def test_cells_against_torch(kind, batch, bias, seed):
    x, count = values((batch, 3), seed), KINDS[kind][1]
    states = [values((batch, 2), seed + i) for i in range(count)]
    check_against_torch(
        getattr(recurrent_layers, f"{kind}_cell"), x, states if count > 1 else states[0],
        *parameters(kind, 3, 2, 1, 1, bias, seed), torch_fn=getattr(torch, f"{kind}_cell"),
    )  # fmt: skip


def test_dropout_between_layers_is_torchs():
    params = parameters("lstm", 3, 2, 3, 1, True)
    x, h = values((4, 2, 3), 0), values((3, 2, 2), 1)
    scratchnet.manual_seed(0), torch.manual_seed(0)
    check_against_torch(
        recurrent_layers.lstm, x, [h, h], params, True, 3, 0.5, True, False, False, torch_fn=torch.lstm
    )


def test_half_precision_runs_the_reference():
    x, h = (values(shape, 0, dtype=np.float16) for shape in ((4, 2, 3), (1, 2, 2)))
    params = [p.astype(np.float16) for p in parameters("gru", 3, 2, 1, 1, True)]
    check_against_torch(
        recurrent_layers.gru, x, h, params, True, 1, 0.0, False, False, False, torch_fn=torch.gru, rtol=1e-2, atol=5e-3
    )


def test_a_gru_by_hand():
    """Without weights r = u = 1/2 and n = tanh(b): h goes half of the way to n at each step."""
    zero = np.zeros((3, 1))
    z = np.zeros((3, 1))
    h = recurrent.gru_step(Tensor(np.array([[0.0, 0.0, 50.0]])), Tensor(np.zeros((1, 1))), Tensor(zero), None)[0]
    np.testing.assert_allclose(h.array, [[0.5]])
    y, last = recurrent.GRULayer((1, 1, 1))(*map(Tensor, (np.zeros((3, 1)), zero, z, np.array([0, 0, 50.0]))), None,
                                            Tensor(np.zeros((1, 1))))  # fmt: skip
    np.testing.assert_allclose(y.array.ravel(), [0.5, 0.75, 0.875])
    assert last.item() == y.array[-1, 0]


P = [p.astype(np.float32) for p in parameters("lstm", 3, 2, 1, 1, True)]
X, H = values((4, 2, 3), 0, dtype=np.float32), values((1, 2, 2), 1, dtype=np.float32)
REST = (True, 1, 0.0, False, False, False)


@pytest.mark.parametrize(
    "args",
    [
        (X, [H, H], P, *REST),
        (X[:0], [H, H], P, *REST),
        (X, [H, H], P[:3], *REST),
        (X, [H[..., :1], H], P, *REST),
        (X.astype(np.float64), [H, H], P, *REST),
        (X, [H, H], P, True, 2, 0.0, False, False, False),
    ],
)
def test_networks_refuse_what_torch_refuses(args):
    check_against_torch(recurrent_layers.lstm, *args, torch_fn=torch.lstm, grad=False)


@pytest.mark.parametrize("x, h", [(X[..., :2], H), (X, H[:, :1])])
def test_sizes_that_do_not_fit(x, h):
    """torch.lstm reads beside its arrays here."""
    with pytest.raises(RuntimeError, match="RNN: "):
        recurrent_layers.lstm(Tensor(x), [Tensor(h), Tensor(h)], list(map(Tensor, P)), *REST)


@pytest.mark.parametrize(
    "args",
    [
        (X[0], [H[0], H[0]], *P),
        (X[0, :, :2], [H[0], H[0]], *P),
        (X[0, :1], [H[0], H[0]], *P),
        (X[0], [H[0, :, :1], H[0]], *P),
        (X[0], [H[0], H[0, :1]], *P),
        (X[0].astype(np.float64), [H[0], H[0]], *P),
    ],
)
def test_cells_refuse_what_torch_refuses(args):
    check_against_torch(recurrent_layers.lstm_cell, *args, torch_fn=torch.lstm_cell, grad=False)
