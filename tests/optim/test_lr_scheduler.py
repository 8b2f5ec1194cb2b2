"""Schedules against torch over 30 epochs, bit for bit; saving, chaining, refusals."""

import copy
import warnings

import pytest
import torch

import scratchnet

LIBRARIES = (scratchnet, torch)
EPOCHS = 30

SCHEDULES = {
    "StepLR": "StepLR(o, 7)",
    "StepLR gamma": "StepLR(o, step_size=3, gamma=0.7)",
    "MultiStepLR": "MultiStepLR(o, [5, 12, 12, 20], gamma=0.3)",
    "ConstantLR": "ConstantLR(o)",
    "ConstantLR half": "ConstantLR(o, factor=0.5, total_iters=4)",
    "LinearLR": "LinearLR(o)",
    "LinearLR warm-up": "LinearLR(o, start_factor=0.01, total_iters=10)",
    "LinearLR down": "LinearLR(o, start_factor=1.0, end_factor=0.1, total_iters=12)",
    "ExponentialLR": "ExponentialLR(o, 0.9)",
    "CosineAnnealingLR": "CosineAnnealingLR(o, 10)",
    "CosineAnnealingLR floor": "CosineAnnealingLR(o, T_max=7, eta_min=0.01)",
    "LambdaLR": "LambdaLR(o, lambda t: 0.95 ** t)",
    "LambdaLR each": "LambdaLR(o, [lambda t: 1 / (1 + t), lambda t: 2.0])",
    "SequentialLR": "SequentialLR(o, [LinearLR(o, 0.1, total_iters=5), CosineAnnealingLR(o, 20)], milestones=[5])",
    "SequentialLR three": "SequentialLR(o, [ConstantLR(o), ExponentialLR(o, 0.9), StepLR(o, 3)], milestones=[4, 15])",
    "SequentialLR nested": (
        "SequentialLR(o, [SequentialLR(o, [LinearLR(o), StepLR(o, 2)], [3]), ExponentialLR(o, 0.8)], milestones=[10])"
    ),
}
ALL = pytest.mark.parametrize("text", SCHEDULES.values(), ids=SCHEDULES)


def optimizer(lib, lr=0.5):
    ps = [lib.nn.Parameter(lib.ones(1)) for _ in range(2)]
    return lib.optim.SGD([{"params": ps[0]}, {"params": ps[1], "lr": 0.2}], lr=lr)


def make(lib, text, o):
    return eval(text, {**vars(lib.optim.lr_scheduler), "o": o})


def rates(lib, text):
    o = optimizer(lib)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of its own call inside SequentialLR
        scheduler = make(lib, text, o)
        result = [scheduler.get_last_lr()]
        for _ in range(EPOCHS):
            o.step()
            scheduler.step()
            assert scheduler.get_last_lr() == [group["lr"] for group in o.param_groups]
            result.append(list(scheduler.get_last_lr()))
    return result


@ALL
def test_thirty_epochs(text):
    assert rates(scratchnet, text) == rates(torch, text)


@pytest.mark.filterwarnings("ignore:Detected call")  # of a SequentialLR inside another; torch warns too
@ALL
def test_a_saved_schedule_continues_where_it_was(text):
    expected = rates(scratchnet, text)
    o = optimizer(scratchnet)
    scheduler = make(scratchnet, text, o)
    for _ in range(11):
        o.step()
        scheduler.step()
    saved = copy.deepcopy((o.state_dict(), {k: v for k, v in scheduler.state_dict().items()}))
    o = optimizer(scratchnet)
    scheduler = make(scratchnet, text, o)
    scheduler.load_state_dict(saved[1])
    o.load_state_dict(saved[0])
    actual = []
    for _ in range(EPOCHS - 11):
        o.step()
        scheduler.step()
        actual.append(list(scheduler.get_last_lr()))
    assert actual == expected[12:]


@pytest.mark.parametrize("text", [t for k, t in SCHEDULES.items() if not k.startswith(("SequentialLR", "LambdaLR"))])
def test_the_closed_form_says_the_same(text):
    scheduler = make(scratchnet, text, optimizer(scratchnet))
    expected = rates(scratchnet, text)
    for epoch in range(EPOCHS):
        scheduler.last_epoch = epoch
        assert scheduler._get_closed_form_lr() == pytest.approx(expected[epoch], abs=1e-12)


@pytest.mark.parametrize("text", [t for k, t in SCHEDULES.items() if not k.startswith("SequentialLR")])
def test_states_hold_what_torchs_do(text):
    states = []
    for lib in LIBRARIES:
        o = optimizer(lib)
        scheduler = make(lib, text, o)
        o.step()
        scheduler.step()
        states.append({k: v for k, v in scheduler.state_dict().items() if k != "_get_lr_called_within_step"})
    assert states[0] == states[1]


def test_two_schedules_on_one_optimizer_multiply():
    def scenario(lib):
        o = optimizer(lib)
        schedulers = [lib.optim.lr_scheduler.ExponentialLR(o, 0.9), lib.optim.lr_scheduler.StepLR(o, 4, 0.5)]
        result = []
        for _ in range(12):
            o.step()
            for scheduler in schedulers:
                scheduler.step()
            result.append([group["lr"] for group in o.param_groups])
        return result

    assert scenario(scratchnet) == scenario(torch)


def test_a_run_is_taken_up_again_with_last_epoch():
    def scenario(lib, text):
        o = optimizer(lib)
        for group in o.param_groups:
            group["initial_lr"] = group["lr"]
            group["lr"] *= 0.7
        scheduler = make(lib, text, o)
        result = [scheduler.get_last_lr()]
        for _ in range(5):
            o.step()
            scheduler.step()
            result.append(scheduler.get_last_lr())
        return result

    for name in ("StepLR(o, 3", "CosineAnnealingLR(o, 10", "LinearLR(o", "ExponentialLR(o, 0.9"):
        text = name + ", last_epoch=4)"
        assert scenario(scratchnet, text) == scenario(torch, text)


def test_callable_objects_are_saved_with_their_attributes():
    class Rate:
        def __init__(self, base):
            self.base = base

        def __call__(self, t):
            return self.base**t

    for lib in LIBRARIES:
        o = optimizer(lib)
        state = lib.optim.lr_scheduler.LambdaLR(o, Rate(0.5)).state_dict()
        assert state["lr_lambdas"][0] == {"base": 0.5}
        other = lib.optim.lr_scheduler.LambdaLR(o, Rate(0.1))
        other.load_state_dict(state)
        assert other.lr_lambdas[0].base == 0.5


@pytest.mark.parametrize("lib", LIBRARIES, ids=["ours", "torch"])
def test_stepping_before_the_optimizer_is_a_warning(lib):
    scheduler = lib.optim.lr_scheduler.StepLR(optimizer(lib), 3)
    with pytest.warns(UserWarning, match="Detected call of `lr_scheduler.step\\(\\)` before `optimizer.step\\(\\)`"):
        scheduler.step()


@pytest.mark.parametrize("lib", LIBRARIES, ids=["ours", "torch"])
def test_an_epoch_may_be_named_with_a_warning(lib):
    o = optimizer(lib)
    scheduler = lib.optim.lr_scheduler.StepLR(o, 3)
    o.step()
    with pytest.warns(UserWarning, match="epoch parameter in `scheduler.step\\(\\)`"):
        scheduler.step(7)
    assert scheduler.get_last_lr() == [0.5 * 0.1**2, 0.2 * 0.1**2]


BAD = [
    "StepLR(3, 1)",
    "StepLR(o, 1, last_epoch=3)",
    "ConstantLR(o, factor=1.5)",
    "LinearLR(o, start_factor=0.0)",
    "LinearLR(o, end_factor=1.5)",
    "LambdaLR(o, [abs])",
    "SequentialLR(o, [], [])",
    "SequentialLR(o, [StepLR(o, 1)], [3])",
    "SequentialLR(o, [3], [])",
    "SequentialLR(o, [StepLR(other, 1)], [])",
    "LRScheduler(o)",
]


@pytest.mark.parametrize("text", BAD)
def test_refusals_are_those_of_torch(text):
    types = []
    for lib in LIBRARIES:
        names = {**vars(lib.optim.lr_scheduler), "o": optimizer(lib), "other": optimizer(lib)}
        with pytest.raises((TypeError, ValueError, KeyError, NotImplementedError)) as caught:
            eval(text, names)
        types.append(caught.type)
    assert types[0] is types[1]


def test_a_learning_rate_that_is_a_tensor_changes_in_place():
    p = scratchnet.nn.Parameter(scratchnet.ones(1))
    lr = scratchnet.tensor(0.5)
    o = scratchnet.optim.SGD([p], lr=lr)
    scheduler = scratchnet.optim.lr_scheduler.ExponentialLR(o, 0.5)
    o.step()
    scheduler.step()
    assert o.param_groups[0]["lr"] is lr and lr.item() == 0.25
