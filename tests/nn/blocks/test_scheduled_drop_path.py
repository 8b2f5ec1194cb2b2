"""Probabilities in the course of training, saved and continued, refusals."""

import pytest

from scratchnet import nn
from scratchnet.nn.blocks.scheduled_drop_path import ScheduledDropPath


def network():
    blocks = nn.Sequential(nn.DropBlock2d(0.2, 3), nn.StochasticDepth(0.1, "row"), nn.DropBlock3d(0.3, 2))
    return nn.Sequential(nn.DropPath(0.4), blocks, nn.Dropout(0.5))


def probabilities(net):
    return [m.p for m in net.modules() if hasattr(m, "p")]


def test_growing():
    net = network()
    schedule = ScheduledDropPath(net, 4)
    for progress in (0, 0.25, 0.5, 0.75, 1, 1):
        assert probabilities(net) == pytest.approx([0.4 * progress, 0.2 * progress, 0.1 * progress, 0.3 * progress, 0.5])
        schedule.step()


def test_going_on():
    schedule = ScheduledDropPath(network(), 4)
    schedule.step()
    net = network()
    again = ScheduledDropPath(net, 9)
    again.load_state_dict(schedule.state_dict())
    again.step()
    assert probabilities(net) == pytest.approx([0.2, 0.1, 0.05, 0.15, 0.5])
    with pytest.raises(ValueError, match="state of 4 layers, but the module has 1"):
        ScheduledDropPath(nn.DropPath(0.1), 4).load_state_dict(schedule.state_dict())


def test_refusals():
    with pytest.raises(ValueError, match="total_steps must be at least 1, got 0"):
        ScheduledDropPath(network(), 0)
    with pytest.raises(ValueError, match="the module has no DropPath"):
        ScheduledDropPath(nn.Dropout(0.1), 4)
