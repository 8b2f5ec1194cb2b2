"""Recurrent kernels against torch on drawn sequences, twin against reference, by hand, NaN, and refusals."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchnet import kernels
from scratchnet.kernels import recurrent
from scratchnet.kernels.matrix_tile import with_tile
from scratchnet.kernels.recurrent import Product, add_product, previous_states, steps
from tests.kernels.calls import assert_close, both_forms, implementation

GATES = {"rnn": 1, "lstm": 4, "gru": 3}
every_kind = pytest.mark.parametrize("kind", GATES)


@st.composite
def problems(draw):
    """Lengths, longest first; sizes; whether the direction is reversed."""
    lengths = sorted(draw(st.lists(st.integers(1, 5), min_size=1, max_size=13)), reverse=True)
    return lengths, draw(st.integers(1, 19)), draw(st.integers(1, 35)), draw(st.booleans())


def sizes_of(lengths):
    return tuple(sum(n > t for n in lengths) for t in range(lengths[0]))


def arrays(kind, problem, dtype, spare=0):
    """The arguments of the forward kernel; `spare` sequences have no element."""
    lengths, features, size, reverse = problem
    rng, sizes, gates = np.random.default_rng(0), sizes_of(lengths), GATES[kind] * size

    def a(*shape):
        return rng.standard_normal(shape).astype(dtype)

    states = [a(len(lengths) + spare, size) for _ in range(2 if kind == "lstm" else 1)]
    biases = [a(gates) for _ in range(2 if kind == "gru" else 1)]
    return (a(sum(sizes), features), a(gates, features) / features, a(gates, size) / size, *biases, *states, sizes, reverse)


def run(kind, form, args, gy, g_last):
    """Results and gradients: y, last states, gz (and gv), gx, gradients to the initial states."""
    forward, backward = (implementation(getattr(kernels, f"{kind}_{way}"), form) for way in ("forward", "backward"))
    results = forward(*args)
    w_ih, w_hh, *walk = args[1], args[2], *args[-2:]
    saved = {
        "rnn": lambda: (results[0],),
        "lstm": lambda: (*results[3:], args[5]),
        "gru": lambda: (*results[2:], results[0], args[5]),
    }[kind]()
    return results, backward(gy, *g_last, *saved, w_ih, w_hh, *walk)


def in_torch(kind, args, gy, g_last):
    """y, last states, gx and gradients to the initial states by torch, one step after the other."""
    x, w_ih, w_hh, *rest, sizes, reverse = args
    biases, states = (rest[:2], rest[2:]) if kind == "gru" else (rest[:1], rest[1:])
    leaves = [torch.tensor(v, requires_grad=True) for v in (x, *states)]
    t_x, *t_states = leaves
    w_ih, w_hh, *biases = map(torch.tensor, (w_ih, w_hh, *biases))
    b_hh = biases[1] if kind == "gru" else torch.zeros_like(biases[0])
    cell = {"rnn": torch.rnn_tanh_cell, "lstm": torch.lstm_cell, "gru": torch.gru_cell}[kind]
    outputs = {}
    for rows in steps(sizes, reverse):
        n = rows.stop - rows.start
        now = [s[:n] for s in t_states]
        new = cell(t_x[rows], now if kind == "lstm" else now[0], w_ih, w_hh, biases[0], b_hh)
        new = new if kind == "lstm" else (new,)
        t_states = [torch.cat([fresh, old[n:]]) for fresh, old in zip(new, t_states)]
        outputs[rows.start] = new[0]
    y = torch.cat([outputs[k] for k in sorted(outputs)])
    gradients = torch.autograd.grad((y, *t_states), leaves, [torch.tensor(v) for v in (gy, *g_last)])
    return [v.detach().numpy() for v in (y, *t_states)], [g.numpy() for g in gradients]


@every_kind
@both_forms
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(problem=problems(), spare=st.integers(0, 1))
def test_steps_are_torchs(kind, form, dtype, problem, spare):
    args = arrays(kind, problem, dtype, spare)
    rng, count = np.random.default_rng(1), 2 if kind == "lstm" else 1
    gy = rng.standard_normal((len(args[0]), problem[2])).astype(dtype)
    g_last = [rng.standard_normal(args[-3].shape).astype(dtype) for _ in range(count)]
    results, gradients = run(kind, form, args, gy, g_last)
    expected, expected_gradients = in_torch(kind, args, gy, g_last)
    for actual, wanted in zip(results, expected):
        assert_close(actual, wanted, scale=4)
    for actual, wanted in zip(gradients[-1 - count:], expected_gradients, strict=True):
        assert_close(actual, wanted, scale=16)


@every_kind
@given(problem=problems(), seed=st.integers(0, 9))
def test_backward_without_the_gradient_to_x(kind, problem, seed):
    backward = getattr(kernels, f"{kind}_backward")
    args = arrays(kind, problem, np.float64)
    gy = np.random.default_rng(seed).standard_normal((len(args[0]), problem[2]))
    g_last = [np.ones(args[-3].shape)] * (2 if kind == "lstm" else 1)
    results, gradients = run(kind, "twin", args, gy, g_last)
    saved = {"rnn": results[:1], "lstm": (*results[3:], args[5]), "gru": (*results[2:], results[0], args[5])}[kind]
    for function in (backward, backward.reference):
        without = function(gy, *g_last, *saved, args[1], args[2], *args[-2:], need_x=False)
        assert [g is None for g in without] == [i == len(without) - 1 - len(g_last) for i in range(len(without))]
        for one, other in zip(without, gradients):
            assert one is None or np.allclose(one, other)


@both_forms
def test_an_lstm_by_hand(form):
    """Gates that are nearly 0 or 1: the first step writes 1 into the cell, the second keeps it, the third forgets it."""
    on, off = 50.0, -50.0
    x = np.array([[on, off, on, on], [off, on, 0, on], [off, off, 0, on]])
    w_ih, w_hh, zero = np.eye(4), np.zeros((4, 1)), np.zeros((1, 1))
    y, h, c, gates, cells = implementation(kernels.lstm_forward, form)(x, w_ih, w_hh, None, zero, zero, (1, 1, 1))
    np.testing.assert_allclose(cells, [[1], [1], [0]], atol=1e-20)
    np.testing.assert_allclose(y, np.tanh(cells), atol=1e-20)
    assert h == y[-1] and c == cells[-1]
    gy = np.array([[0.0], [0.0], [1.0]])
    gz, gx, gh, gc = implementation(kernels.lstm_backward, form)(
        gy, zero, zero, gates, cells, zero, w_ih, w_hh, (1, 1, 1))
    np.testing.assert_allclose(gc, 0, atol=1e-20)               # nothing passes a closed forget gate


@both_forms
def test_a_relu_network_counts(form):
    y, h = implementation(kernels.rnn_forward, form)(
        np.ones((4, 1)), np.ones((1, 1)), np.ones((1, 1)), None, np.array([[-2.0]]), (1,) * 4, False, True)
    assert y.ravel().tolist() == [0, 1, 2, 3] and h.item() == 3
    gz, gx, gh = implementation(kernels.rnn_backward, form)(
        np.ones((4, 1)), np.zeros((1, 1)), y, np.ones((1, 1)), np.ones((1, 1)), (1,) * 4, False, True)
    assert gz.ravel().tolist() == [0, 3, 2, 1] and gh.item() == 0


@every_kind
@both_forms
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("batch", [2, 9])
def test_nan_stays_in_its_sequence(kind, form, value, batch):
    args = arrays(kind, ([3] * batch, 4, 5, False), np.float64)
    args[0][batch + 1, 2] = value           # the second sequence, its second step
    forward = implementation(getattr(kernels, f"{kind}_forward"), form)
    y = forward(*args)[0].reshape(3, batch, 5)
    assert np.isfinite(y[:, [0, *range(2, batch)]]).all() and np.isfinite(y[0]).all()
    if np.isnan(value):
        assert np.isnan(y[1:, 1]).all()
    else:
        assert_close(y, getattr(kernels, f"{kind}_forward").reference(*args)[0].reshape(y.shape))


@every_kind
@both_forms
def test_no_sequences(kind, form):
    x, w_ih, w_hh, *rest = arrays(kind, ([2], 4, 5, False), np.float64)
    *rest, _, _ = rest
    rest = [r if r.ndim == 1 else r[:0] for r in rest]
    results = implementation(getattr(kernels, f"{kind}_forward"), form)(x[:0], w_ih, w_hh, *rest, (0, 0), False)
    assert all(len(r) == 0 for r in results)


@pytest.mark.parametrize("transposed, few", [(False, 15), (True, 15), (True, 1)], ids=["packed", "packed too", "dots"])
@given(rows=st.integers(1, 15), depth=st.integers(1, 40), columns=st.integers(1, 150),
       dtype=st.sampled_from([np.float32, np.float64]))
def test_product(transposed, few, rows, depth, columns, dtype):
    rng = np.random.default_rng(rows + depth)
    a = rng.standard_normal((rows, depth)).astype(dtype)
    w = rng.standard_normal((columns, depth)).astype(dtype).T if transposed else rng.standard_normal(
        (depth, columns)).astype(dtype)
    product = Product(w, 2, few)
    assert product.packed == (few != 1)
    guarded = np.full(rows * product.columns + 128, 7, dtype)
    c = guarded[64:-64]
    c[:] = 1
    with_tile(add_product, a.dtype)(a.reshape(-1), 0, depth, guarded, 64, rows, product.plan)
    assert_close(c.reshape(rows, -1)[:, :columns].copy(), a @ w + 1, scale=depth)
    assert (c.reshape(rows, -1)[:, columns:] == 1).all()
    assert (guarded[:64] == 7).all() and (guarded[-64:] == 7).all()


def test_the_order_of_steps():
    assert steps((3, 2), False) == [slice(0, 3), slice(3, 5)]
    assert steps((3, 2), True) == [slice(3, 5), slice(0, 3)]
    states, initial = np.arange(5.0)[:, None], np.array([[10.0], [11], [12]])
    assert previous_states(states, initial, (3, 2), False).ravel().tolist() == [10, 11, 12, 0, 1]
    assert previous_states(states, initial, (3, 2), True).ravel().tolist() == [3, 4, 12, 10, 11]


@both_forms
@pytest.mark.parametrize("position, replacement, error", [
    (0, np.zeros((6, 4)), RuntimeError),                        # x: features
    (0, np.zeros((5, 3)), ValueError),                          # x: rows
    (1, np.zeros((19, 3)), RuntimeError),                       # w_ih
    (2, np.zeros((20, 4)), RuntimeError),                       # w_hh
    (3, np.zeros(19), RuntimeError),                            # bias
    (4, np.zeros((2, 5)), ValueError),                          # h: too few sequences
    (4, np.zeros((3, 5, 1)), RuntimeError),
    (5, np.zeros((3, 4)), RuntimeError),                        # c
    (6, (2, 4), ValueError),                                    # batch_sizes: increasing
    (6, (3, 4, -1), ValueError),
    (6, (3, 2), ValueError),
    (6, (3.0, 3.0), ValueError),
])
def test_wrong_arguments_are_refused(form, position, replacement, error):
    args = [np.zeros((6, 3)), np.zeros((20, 3)), np.zeros((20, 5)), np.zeros(20), np.zeros((3, 5)), np.zeros((3, 5)),
            (3, 3)]
    implementation(kernels.lstm_forward, form)(*args)
    args[position] = replacement
    with pytest.raises(error, match="lstm_forward"):
        implementation(kernels.lstm_forward, form)(*args)


@both_forms
def test_wrong_arguments_of_backward_are_refused(form):
    z = np.zeros
    args = [z((6, 5)), z((3, 5)), z((3, 5)), z((6, 20)), z((6, 5)), z((3, 5)), z((20, 3)), z((20, 5)), (3, 3)]
    implementation(kernels.lstm_backward, form)(*args)
    for i in range(8):
        wrong = list(args)
        wrong[i] = z((wrong[i].shape[0], wrong[i].shape[1] + 1))
        if i == 6:                          # its columns are free
            wrong[i] = z((19, 3))
        with pytest.raises(RuntimeError, match="lstm_backward"):
            implementation(kernels.lstm_backward, form)(*wrong)


def test_few_sequences_are_those_that_share_one_product():
    assert recurrent.InputShare(np.zeros((14, 3)), np.zeros((4, 3)), None, (7, 7), 7).arguments[-1] == 4
    assert recurrent.InputShare(np.zeros((16, 3)), np.zeros((4, 3)), None, (8, 8), 8).arguments[-1] == 0
