"""Recurrent modules and cells: torch's outputs, gradients, repr, initial numbers, packed sequences, refusals."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet import Tensor, nn
from scratchnet.nn.utils import rnn
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.layers import check_layer

X = values((5, 2, 3), 0)


def states(layers, size, count=1, batch=(2,)):
    both = tuple(values((*layers, *batch, size), i + 1) for i in range(count))
    return both if count > 1 else both[0]


LAYERS = [
    ("RNN(3, 4)", (X,)),
    ("RNN(3, 4, 2, 'relu', False)", (X, states((2,), 4))),
    ("RNN(3, 4, nonlinearity='relu', bidirectional=True)", (X,)),
    ("RNN(3, 4, batch_first=True)", (X, states((1,), 4, batch=(5,)))),
    ("RNN(3, 4)", (X[:, 0], states((1,), 4, batch=()))),
    ("LSTM(3, 4)", (X,)),
    ("LSTM(3, 4, 2, bias=False, bidirectional=True)", (X, states((4,), 4, 2))),
    ("LSTM(3, 4, num_layers=3, batch_first=True)", (X,)),
    ("LSTM(3, 4)", (X[:, 0], states((1,), 4, 2, batch=()))),
    ("LSTM(3, 4, batch_first=True)", (X[:, 0],)),
    ("LSTM(3, 4, 2, proj_size=2)", (X,)),
    ("LSTM(3, 4, 2, bidirectional=True, proj_size=3, bias=False)", (X, (states((4,), 3), states((4,), 4)))),
    ("GRU(3, 4)", (X,)),
    ("GRU(3, 4, 2, bidirectional=True, batch_first=True)", (X, states((4,), 4, batch=(5,)))),
    ("GRU(3, 4, bias=False)", (X[:, 0],)),
    ("RNNCell(3, 4)", (X[0],)),
    ("RNNCell(3, 4, nonlinearity='relu')", (X[0], states((), 4))),
    ("RNNCell(3, 4, bias=False)", (X[0, 0], states((), 4, batch=()))),
    ("LSTMCell(3, 4)", (X[0],)),
    ("LSTMCell(3, 4, bias=False)", (X[0], states((), 4, 2))),
    ("LSTMCell(3, 4)", (X[0, 0], states((), 4, 2, batch=()))),
    ("GRUCell(3, 4)", (X[0],)),
    ("GRUCell(3, 4, False)", (X[0, 0],)),
]


@pytest.mark.parametrize("text, inputs", LAYERS)
def test_layer(check_module, text, inputs):
    check_module(text, *inputs)


@pytest.mark.parametrize("text", sorted({text for text, _ in LAYERS}))
def test_initial_numbers_are_torchs(text):
    scratchnet.manual_seed(1), torch.manual_seed(1)
    ours, theirs = (eval(text, vars(library.nn)) for library in (scratchnet, torch))
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert np.array_equal(p.array, q.detach().numpy())


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@given(
    lengths=st.lists(st.integers(1, 4), min_size=1, max_size=9), both=st.booleans(), given_states=st.booleans(),
    batch_first=st.booleans(),
)  # fmt: skip
def test_packed_sequences(kind, lengths, both, given_states, batch_first):
    """In any order of lengths; every sequence gets what it gets alone."""
    text = f"{kind}(3, 4, 2, bidirectional={both})"
    theirs = eval(text, vars(torch.nn)).double()
    ours = eval(text, vars(nn)).double()
    ours.load_state_dict({name: Tensor(p.numpy().copy()) for name, p in theirs.state_dict().items()})
    shape, batch = (max(lengths), len(lengths), 3), len(lengths)
    x = values((shape[1], shape[0], 3) if batch_first else shape, 0)
    hx = [values((2 * (1 + both), batch, 4), i) for i in range(2 if kind == "LSTM" else 1)] if given_states else []

    def call(net, utils):
        def run(x, *hx):
            packed = utils.pack_padded_sequence(x, lengths, batch_first, enforce_sorted=False)
            y, last = net(packed, None if not hx else hx if kind == "LSTM" else hx[0])
            return *utils.pad_packed_sequence(y, batch_first), *(last if kind == "LSTM" else (last,))

        return run

    check_against_torch(call(ours, rnn), x, *hx, torch_fn=call(theirs, torch.nn.utils.rnn))
    alone = x[-1:, : lengths[-1]].swapaxes(0, 1) if batch_first else x[: lengths[-1], -1:]
    y, lengths_again = call(ours, rnn)(Tensor(x), *map(Tensor, hx))[:2]
    last_hx = tuple(Tensor(h[:, -1:]) for h in hx) if len(hx) > 1 else Tensor(hx[0][:, -1:]) if hx else None
    expected = ours(Tensor(alone), last_hx)[0]
    mine = y.array[-1, : lengths[-1]] if batch_first else y.array[: lengths[-1], -1]
    np.testing.assert_allclose(mine, expected.array[:, 0], rtol=1e-9, atol=1e-12)
    assert lengths_again.tolist() == lengths


@pytest.mark.parametrize("text", ["LSTM(2, 2, 2, bidirectional=True)", "GRU(2, 2)", "LSTM(2, 3, proj_size=1)"])
def test_second_order_gradients(text):
    net = eval(text, vars(nn)).double()
    check_gradient(lambda x: net(x)[0], values((3, 2, 2), 0), atol=1e-4)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_dropout(kind):
    text = f"{kind}(3, 4, num_layers=3, dropout=0.4)"
    ours, theirs = (eval(text, vars(library)) for library in (nn, torch.nn))
    scratchnet.manual_seed(5), torch.manual_seed(5)
    check_layer(ours, theirs, X, train=True)
    check_layer(ours, theirs, X, train=False)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_checkpointing(kind):
    net, x = getattr(nn, kind)(3, 4, 2).double(), Tensor(X, True)
    wanted = [x, *net.parameters()]
    expected = scratchnet.autograd.grad((net(x)[0] ** 2).sum(), wanted)
    actual = scratchnet.autograd.grad((scratchnet.autograd.checkpoint(lambda x: net(x)[0], x) ** 2).sum(), wanted)
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a.array, b.array)


def test_a_weight_changed_between_forward_and_backward():
    net = nn.LSTM(3, 4).double()
    y, _ = net(Tensor(X))
    with scratchnet.no_grad():
        net.weight_hh_l0.mul_(2)
    with pytest.raises(RuntimeError, match="LSTMLayer.*modified by an inplace operation"):
        y.sum().backward()


def test_attributes_that_others_read():
    ours, theirs = nn.LSTM(3, 4, 2, bidirectional=True, proj_size=2), torch.nn.LSTM(3, 4, 2, bidirectional=True, proj_size=2)
    for name in ("mode", "input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional",
                 "proj_size"):  # fmt: skip
        assert getattr(ours, name) == getattr(theirs, name)
    assert [[w.shape for w in ws] for ws in ours.all_weights] == [[tuple(w.shape) for w in ws] for ws in theirs.all_weights]
    assert ours.all_weights[0][0] is ours.weight_ih_l0
    assert ours.flatten_parameters() is None
    assert nn.RNN(3, 4).mode == "RNN_TANH" and nn.RNN(3, 4, nonlinearity="relu").nonlinearity == "relu"


@pytest.mark.parametrize(
    "text",
    [
        "LSTM(3, 0)", "LSTM(0, 4)", "LSTM(3, 4, 0)", "LSTM(3, 4, dropout=2)", "LSTM(3, 4, dropout='x')",
        "LSTM(3, 4, dropout=True)",
        "LSTM(3, 4, bias=1)", "LSTM(3, 4, batch_first=1)", "LSTM(3.0, 4)", "LSTM(3, 4.0)", "LSTM(3, 4, proj_size=4)",
        "LSTM(3, 4, proj_size=-1)", "GRU(3, 4, proj_size=2)", "RNN(3, 4, proj_size=2)", "RNN(3, 4, nonlinearity='gelu')",
        "RNNBase('MGU', 3, 4)", "RNNCell(3, 4, nonlinearity='gelu')(ones(2, 3))", "LSTM(3, 4)(ones(3))",
        "LSTM(3, 4)(ones(2, 2, 2, 3))", "LSTM(3, 4)(ones(2, 2, 2))", "LSTM(3, 4)(ones(2, 2, 3).double())",
        "LSTM(3, 4)(ones(2, 2, 3), (ones(1, 2, 4), ones(2, 4)))", "LSTM(3, 4)(ones(2, 2, 3), (ones(1, 2, 4), ones(1, 2, 3)))",
        "LSTM(3, 4)(ones(2, 2, 3), (ones(1, 3, 4), ones(1, 2, 4)))", "LSTM(3, 4)(ones(2, 3), (ones(1, 1, 4), ones(1, 1, 4)))",
        "GRU(3, 4)(ones(2, 2, 3), ones(2, 4))", "GRU(3, 4)(ones(2, 3), ones(1, 1, 4))", "GRU(3, 4)(ones(2, 2, 3), ones(2, 2, 4))",
        "GRU(3, 4)(ones(0, 2, 3))", "RNN(3, 4)(ones(3))", "GRUCell(3, 4)(ones(2, 2, 3))", "GRUCell(3, 4)(ones(2, 2))",
        "GRUCell(3, 4)(ones(2, 3), ones(3, 4))", "GRUCell(3, 4)(ones(2, 3), ones(2, 3))",
        "LSTMCell(3, 4)(ones(2, 3), (ones(2, 4), ones(3, 4)))",
        "LSTMCell(3, 4)(ones(2, 3), (ones(2, 4), ones(2, 2, 4)))",
        "RNNCell(3, 4)(ones(2, 3), ones(2, 2, 4))", "LSTM(3, 4, 5, 6, 7)",
    ],
)  # fmt: skip
def test_what_torch_refuses(text):
    raised = []
    for library in (torch, scratchnet):
        with pytest.raises(Exception) as caught, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            eval(text, {**vars(library.nn), "ones": library.ones})
        raised.append(caught.type)
    assert raised[0] is raised[1], raised


def test_dropout_without_a_layer_to_drop_from_warns():
    with pytest.warns(UserWarning, match="dropout option adds dropout after all but last"):
        nn.GRU(3, 4, dropout=0.5)


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn_tanh", "rnn_relu"])
def test_the_functions_are_torchs_too(name):
    for each in (name, f"{name}_cell"):
        assert callable(getattr(scratchnet, each)) and hasattr(torch, each) and each in dir(scratchnet)
