"""Optimizers that wrap another: one step by hand, schedules, groups, the graph's notice, refusals."""

import pytest

import scratchnet
from scratchnet import nn, optim


def test_a_sharp_and_a_flat_minimum_by_hand():
    """f = p²/2 at p = 1: up to 1.5, where the gradient is 1.5, and from 1 down by half of it."""
    p = nn.Parameter(scratchnet.ones(1))
    o = optim.SAM([p], optim.SGD, rho=0.5, lr=0.5)

    def closure():
        o.zero_grad()
        loss = (p * p).sum() / 2
        loss.backward()
        return loss

    with scratchnet.no_grad():
        assert o.step(closure).item() == 0.5
    assert p.item() == pytest.approx(0.25)


@pytest.mark.parametrize("make", [
    lambda p: optim.Lookahead(optim.SGD([p], lr=0.0), k=1),
    lambda p: optim.SAM([p], optim.SGD, lr=0.0),
])  # fmt: skip
def test_what_a_wrapper_itself_changes_is_seen_by_the_graph(make):
    p = nn.Parameter(scratchnet.ones(2))
    p.grad = scratchnet.ones(2)
    o = make(p)
    o.optimizer.step = lambda closure=None: None
    loss = (p * p).sum()
    o.step() if isinstance(o, optim.Lookahead) else o.first_step()
    with pytest.raises(RuntimeError, match="in.?place"):
        loss.backward()
    if isinstance(o, optim.SAM):
        loss = (p * p).sum()
        o.second_step()
        with pytest.raises(RuntimeError, match="in.?place"):
            loss.backward()


def test_a_schedule_moves_what_is_wrapped():
    p = nn.Parameter(scratchnet.ones(2))
    o = optim.Lookahead(optim.SGD([p], lr=0.1, momentum=0.9), k=3, alpha=0.8)
    o.step()
    scheduler = optim.lr_scheduler.ExponentialLR(o, 0.5)
    scheduler.step()
    assert o.optimizer.param_groups[0]["lr"] == 0.05
    o.add_param_group({"params": nn.Parameter(scratchnet.ones(2)), "lookahead_k": 2})
    assert len(o.optimizer.param_groups) == 2 and o.param_groups[1]["lookahead_alpha"] == 0.8
    assert repr(o).startswith("Lookahead of SGD (\nParameter Group 0\n") and "lookahead_k: 2" in repr(o)


BAD = {
    "Lookahead k": lambda p: optim.Lookahead(optim.SGD([p]), k=0),
    "Lookahead alpha": lambda p: optim.Lookahead(optim.SGD([p]), alpha=1.5),
    "SAM rho": lambda p: optim.SAM([p], optim.SGD, rho=-1.0),
    "SAM eta": lambda p: optim.SAM([p], optim.SGD, eta=-1.0),
}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
def test_values_out_of_range(make):
    with pytest.raises(ValueError, match="Invalid"):
        make(nn.Parameter(scratchnet.ones(1)))


def test_calls_out_of_order():
    p = nn.Parameter(scratchnet.ones(1))
    o = optim.SAM([p], optim.SGD)
    p.grad = scratchnet.ones(1)
    with pytest.raises(RuntimeError, match="requires a closure"):
        o.step()
    with pytest.raises(RuntimeError, match="needs first_step"):
        o.second_step()
    o.first_step()
    with pytest.raises(RuntimeError, match="twice"):
        o.first_step()
    with pytest.raises(TypeError, match="expected an Optimizer, got list"):
        optim.Lookahead([p])
