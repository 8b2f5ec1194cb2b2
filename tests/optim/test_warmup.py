"""Gradual warm-up that hands over, against the schedules on their own; the linear scaling rule."""

import copy

import pytest

import scratchnet
from scratchnet import nn, optim
from scratchnet.optim.lr_scheduler import GradualWarmupLR, linear_scaling_rule

AFTER = {
    "StepLR": lambda o: optim.lr_scheduler.StepLR(o, 2),
    "CosineAnnealingLR": lambda o: optim.lr_scheduler.CosineAnnealingLR(o, 8),
    "CosineAnnealingWarmRestarts": lambda o: optim.lr_scheduler.CosineAnnealingWarmRestarts(o, 3),
    "MultiplicativeLR": lambda o: optim.lr_scheduler.MultiplicativeLR(o, lambda t: 0.9),
    "OneCycleLR": lambda o: optim.lr_scheduler.OneCycleLR(o, 0.5, 20),
    "ReduceLROnPlateau": lambda o: optim.lr_scheduler.ReduceLROnPlateau(o, patience=1),
    "LambdaLR": lambda o: optim.lr_scheduler.LambdaLR(o, lambda t: 1 / (t + 2)),
    "ChainedScheduler": lambda o: optim.lr_scheduler.ChainedScheduler(
        [optim.lr_scheduler.LinearLR(o), optim.lr_scheduler.ExponentialLR(o, 0.8)]),
    "SequentialLR": lambda o: optim.lr_scheduler.SequentialLR(
        o, [optim.lr_scheduler.ConstantLR(o), optim.lr_scheduler.ExponentialLR(o, 0.8)], [3]),
}  # fmt: skip


def optimizer(rates=(0.1, 0.2)):
    return optim.SGD([{"params": nn.Parameter(scratchnet.ones(1)), "lr": lr} for lr in rates], lr=1.0, momentum=0.9)


def follow(o, scheduler, steps, metric=()):
    result = [scheduler.get_last_lr()]
    for _ in range(steps):
        o.step()
        scheduler.step(*metric)
        result.append(scheduler.get_last_lr())
    return result


def warmup(o, name, ready):
    return GradualWarmupLR(o, 4, 5, AFTER[name](o) if ready else AFTER[name])


@pytest.mark.parametrize("name, ready", [
    *((name, False) for name in AFTER), *((name, True) for name in AFTER if name != "OneCycleLR"),
])  # fmt: skip
def test_the_next_schedule_begins_from_the_raised_rate(name, ready):
    metric = (1.0,) if name == "ReduceLROnPlateau" else ()
    o = optimizer()
    scheduler = warmup(o, name, ready)
    rates = follow(o, scheduler, 5)
    assert rates[:5] == [pytest.approx([0.1 * (1 + 0.6 * t), 0.2 * (1 + 0.6 * t)]) for t in range(5)]
    raised = optimizer((0.4, 0.8))
    expected = follow(raised, AFTER[name](raised), 8, metric)
    assert follow(o, scheduler, 8, metric) == [pytest.approx(lrs, rel=1e-14) for lrs in expected]


@pytest.mark.parametrize("name, ready", [
    ("OneCycleLR", False), ("MultiplicativeLR", False), ("CosineAnnealingWarmRestarts", True), ("SequentialLR", True),
])  # fmt: skip
@pytest.mark.parametrize("tensor", [False, True])
@pytest.mark.parametrize("first", ["optimizer", "scheduler"])
@pytest.mark.parametrize("step", [2, 5, 8])
def test_a_saved_warmup_continues_where_it_was(step, first, tensor, name, ready):
    rates = [scratchnet.tensor(lr, dtype=scratchnet.float64) if tensor else lr for lr in (0.1, 0.2)]
    o = optimizer(copy.deepcopy(rates))
    scheduler = warmup(o, name, ready)
    follow(o, scheduler, step)
    saved = copy.deepcopy({"optimizer": o.state_dict(), "scheduler": scheduler.state_dict()})
    expected = follow(o, scheduler, 8)
    o = optimizer(copy.deepcopy(rates))
    fresh = {"optimizer": o, "scheduler": warmup(o, name, ready)}
    for key in sorted(saved, reverse=first == "scheduler"):
        fresh[key].load_state_dict(saved[key])
    assert o.state_dict()["param_groups"] == saved["optimizer"]["param_groups"]
    assert follow(o, fresh["scheduler"], 8) == expected


def test_a_state_past_the_warmup_needs_the_next_schedule():
    o = optimizer()
    scheduler = GradualWarmupLR(o, 4, 1, AFTER["StepLR"])
    follow(o, scheduler, 2)
    with pytest.raises(ValueError, match="make this one with `after`"):
        GradualWarmupLR(optimizer(), 4, 1).load_state_dict(scheduler.state_dict())


def test_a_ready_schedule_is_rewound_with_the_warmup():
    o = optimizer()
    scheduler = warmup(o, "CosineAnnealingLR", True)
    beginning = copy.deepcopy(scheduler.state_dict())
    expected = follow(o, scheduler, 9)
    scheduler.load_state_dict(beginning)
    assert follow(o, scheduler, 9)[1:] == expected[1:]


def test_a_ready_schedule_with_rates_of_its_own():
    o = optimizer()
    cycle = AFTER["OneCycleLR"](o)
    scheduler = GradualWarmupLR(o, 1, 5, cycle, start_factor=0)
    follow(o, scheduler, 5)
    raised = optimizer()
    assert follow(o, scheduler, 8) == follow(raised, AFTER["OneCycleLR"](raised), 8)
    with pytest.raises(ValueError, match="rates of a OneCycleLR are all given"):
        GradualWarmupLR(o, 2, 5, cycle)
    with pytest.raises(ValueError, match="same optimizer"):
        GradualWarmupLR(optimizer(), 1, 5, cycle)
    with pytest.raises(TypeError, match="got int"):
        GradualWarmupLR(o, 2, 5, 3)


def test_without_another_schedule_the_rate_stays():
    o = optimizer()
    assert follow(o, GradualWarmupLR(o, 1, 4, start_factor=0), 6)[-4:] == [[0.1 * 0.75, 0.2 * 0.75]] + 3 * [[0.1, 0.2]]


@pytest.mark.parametrize("arguments", [(0.5, 3), (2, 0), (2, 1.5), (2, 3, None, -1.0)])
def test_values_out_of_range(arguments):
    with pytest.raises(ValueError, match=r"[Ee]xpected"):
        GradualWarmupLR(optimizer(), *arguments)


def test_rates_for_batches():
    assert linear_scaling_rule(0.1, 64) == 0.025 and linear_scaling_rule(0.1, 64, base_batch_size=32) == 0.2
    for sizes in ((0,), (3, -1)):
        with pytest.raises(ValueError, match="positive sizes"):
            linear_scaling_rule(0.1, *sizes)
