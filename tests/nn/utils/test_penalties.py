"""L1 and L2 penalties: sums by hand, gradients, choice by name, weight decay as a penalty, refusals."""

import numpy as np
import pytest

import scratchnet
from scratchnet import Tensor, nn
from scratchnet.nn.utils import l1_penalty, l2_penalty
from scratchnet.testing import check_gradient, values


def network():
    net = nn.Sequential(nn.Linear(2, 1), nn.Linear(1, 1)).double()
    for p, value in zip(net.parameters(), ([[3.0, -4]], [1.0], [[2.0]], [-5.0])):
        p.array[...] = value
    return net


@pytest.mark.parametrize(
    "names, absolute, squares",
    [
        ("*", 15, 55), ("*.weight", 9, 29), (["0.*"], 8, 26), (["*.weight", "1.*"], 14, 54), (("0.bias",), 1, 1),
    ],
)  # fmt: skip
def test_sums_by_hand(names, absolute, squares):
    net = network()
    assert l1_penalty(net, names).item() == absolute and l2_penalty(net, names).item() == squares / 2


class Penalised(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = network()

    def forward(self):
        return l1_penalty(self.net) * l2_penalty(self.net, "*.weight")


def test_gradients():
    check_gradient(Penalised())
    net = network()
    (l1_penalty(net) + 10 * l2_penalty(net, "*.weight")).backward()
    assert [p.grad.tolist() for p in net.parameters()] == [[[31, -41]], [1], [[21]], [-1]]


def test_frozen_parameters_do_not_count():
    net = network()
    net[0].requires_grad_(False)
    assert l1_penalty(net).item() == 7
    with pytest.raises(ValueError, match=r"'0\.\*' is the name of no parameter .*; there are \['1.weight', '1.bias'\]"):
        l1_penalty(net, ["1.*", "0.*"])


@pytest.mark.parametrize("name, equal", [("SGD", True), ("Adam", True), ("AdamW", False)])
def test_as_weight_decay(name, equal):
    """Adding to the gradient is a penalty; AdamW's decay is none."""
    results = []
    for penalty, decay in ((0.1, 0), (0, 0.1)):
        net = network()
        optimizer = getattr(scratchnet.optim, name)(net.parameters(), 0.05, weight_decay=decay)
        for seed in range(3):
            loss = (net(Tensor(values((4, 2), seed))) ** 2).mean() + penalty * l2_penalty(net)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        results.append(np.concatenate([p.array.ravel() for p in net.parameters()]))
    assert np.allclose(*results, rtol=1e-9, atol=0) == equal


@pytest.mark.parametrize("penalty", [l1_penalty, l2_penalty])
def test_refusals(penalty):
    with pytest.raises(ValueError, match=rf"{penalty.__name__}: '\*\.wieght' is the name of no parameter"):
        penalty(network(), "*.wieght")
    with pytest.raises(ValueError, match="no names are given"):
        penalty(network(), [])
    with pytest.raises(ValueError, match="is the name of no parameter"):
        penalty(nn.ReLU())
