"""Peepholes, coupled gates, truncated backpropagation: gradients, torch's LSTM as a special case, by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet import Tensor, nn
from scratchnet.nn.functional.recurrent_variants import detach, peephole_lstm, peephole_step, truncated
from scratchnet.testing import check_gradient, values
from scratchnet.testing.strategies import seeds


@given(
    length=st.integers(1, 3), batch=st.integers(1, 2), peepholes=st.booleans(), coupled=st.booleans(), bias=st.booleans(),
    seed=seeds(),
)  # fmt: skip
def test_gradients(length, batch, peepholes, coupled, bias, seed):
    scratchnet.manual_seed(seed)
    net = nn.PeepholeLSTM(2, 2, bias, peepholes=peepholes, coupled=coupled).double()
    check_gradient(lambda x, h, c: net(x, (h, c))[0], values((length, batch, 2), seed), *values((2, batch, 2), seed + 1))


@pytest.mark.parametrize("peepholes", [False, True])
@given(length=st.integers(1, 4), batch=st.integers(1, 3), batch_first=st.booleans(), seed=seeds())
def test_without_peepholes_it_is_torchs(peepholes, length, batch, batch_first, seed):
    """Peepholes of weight 0 are none."""
    theirs = torch.nn.LSTM(3, 2, batch_first=batch_first).double()
    ours = nn.PeepholeLSTM(3, 2, batch_first=batch_first, peepholes=peepholes).double()
    weights = [p.detach().numpy() for p in theirs.parameters()]
    ours.weight_ih.array[...], ours.weight_hh.array[...], ours.bias.array[...] = *weights[:2], weights[2] + weights[3]
    if peepholes:
        ours.weight_ch.array[...] = 0
    x = values((batch, length, 3) if batch_first else (length, batch, 3), seed)
    y, (h, c) = ours(Tensor(x))
    expected, (last_h, last_c) = theirs(torch.from_numpy(x))
    for a, b in ((y, expected), (h, last_h[0]), (c, last_c[0])):
        np.testing.assert_allclose(a.array, b.detach().numpy(), rtol=1e-9, atol=1e-12)


def test_steps_by_hand():
    """c = 1, all else 0: the forget gate sees the cell through its peephole, the output gate sees the new cell."""
    zero, one = Tensor(np.zeros((1, 1))), Tensor(np.ones((1, 1)))
    on = 50.0
    h, c = peephole_step(Tensor(np.zeros((1, 4))), zero, one, Tensor(np.zeros((4, 1))), Tensor(np.array([[0], [on], [-on]])))
    np.testing.assert_allclose(c.array, 1)  # forget gate 1; g is 0
    np.testing.assert_allclose(h.array, 0, atol=1e-20)
    z = Tensor(np.array([[-on, on, on]]))
    h, c = peephole_step(z, zero, 3 * one, Tensor(np.zeros((3, 1))), None, coupled=True)
    np.testing.assert_allclose(c.array, 1)  # all of the 3 is forgotten, so all of the new 1 is let in
    np.testing.assert_allclose(h.array, np.tanh(1))


def test_repr_and_names():
    net = nn.PeepholeLSTM(3, 4, bias=False, batch_first=True, coupled=True)
    assert repr(net) == "PeepholeLSTM(3, 4, bias=False, batch_first=True, coupled=True)"
    assert {name: p.shape for name, p in net.named_parameters()} == {
        "weight_ih": (12, 3), "weight_hh": (12, 4), "weight_ch": (2, 4),
    }  # fmt: skip
    assert "peepholes=False" in repr(nn.PeepholeLSTM(3, 4, peepholes=False))


@pytest.mark.parametrize("position, shape", [(0, (2, 3)), (0, (0, 2, 3)), (0, (4, 2, 2)), (1, (1, 5)), (3, (20, 4)), (4, (16,))])
def test_wrong_shapes_are_refused(position, shape):
    args = [np.zeros(s) for s in ((4, 2, 3), (2, 5), (20, 3), (20, 5), (20,), (3, 5))]
    args[position] = np.zeros(shape)
    x, h, *weights = map(Tensor, args)
    with pytest.raises(RuntimeError, match="peephole_lstm: expected"):
        peephole_lstm(x, (h, Tensor(np.zeros((2, 5)))), *weights)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_truncated_backpropagation(kind):
    """The outputs are those of the whole sequence; the gradient stays within a piece."""
    net = getattr(nn, kind)(3, 4).double()
    x = Tensor(values((7, 2, 3), 0), True)
    whole, last = net(x)
    outputs, states = [], []
    for k, (y, hx) in enumerate(truncated(net, x, 3)):
        outputs.append(y)
        states.append(hx)
        x.grad = None
        y[-1].sum().backward(retain_graph=True)
        touched = np.flatnonzero(np.abs(x.grad.array).sum((1, 2)))
        assert touched.tolist() == list(range(3 * k, min(3 * k + 3, 7)))
    np.testing.assert_allclose(scratchnet.cat(outputs).array, whole.array, rtol=1e-9, atol=1e-12)
    for a, b in zip(states[-1] if kind == "LSTM" else states[-1:], last if kind == "LSTM" else (last,)):
        np.testing.assert_allclose(a.array, b.array, rtol=1e-9, atol=1e-12)


def test_weights_may_change_between_pieces():
    net = nn.GRU(2, 2, batch_first=True)
    optimizer = scratchnet.optim.SGD(net.parameters(), lr=0.1)
    for y, _ in truncated(net, Tensor(values((3, 5, 2), 0, dtype=np.float32)), 2, batch_first=True):
        y.sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    with pytest.raises(ValueError, match="steps >= 1"):
        truncated(net, scratchnet.ones(1, 2, 2), 0)


def test_detach():
    x = scratchnet.ones(2, requires_grad=True) * 2
    a, (b, none) = detach((x, [x, None]))
    assert not a.requires_grad and not b.requires_grad and none is None and x.requires_grad
