"""Schedules against torch over 60 epochs, bit for bit; saving, chaining, refusals."""

import copy
import warnings

import pytest
import torch

import scratchnet

LIBRARIES = (scratchnet, torch)
EPOCHS = 60

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
    "MultiplicativeLR": "MultiplicativeLR(o, lambda t: 0.95)",
    "MultiplicativeLR each": "MultiplicativeLR(o, [lambda t: 1 / (1 + t), lambda t: 0.9])",
    "PolynomialLR": "PolynomialLR(o)",
    "PolynomialLR square": "PolynomialLR(o, total_iters=12, power=2.0)",
    "CosineAnnealingWarmRestarts": "CosineAnnealingWarmRestarts(o, 7)",
    "CosineAnnealingWarmRestarts longer": "CosineAnnealingWarmRestarts(o, 3, T_mult=2, eta_min=0.01)",
    "CyclicLR": "CyclicLR(o, 0.1, 0.5, 4, cycle_momentum=False)",
    "CyclicLR 2": "CyclicLR(o, [0.1, 0.01], [0.5, 0.3], 4, 3, mode='triangular2')",
    "CyclicLR exp": "CyclicLR(o, 0.1, 0.5, 5, mode='exp_range', gamma=0.9, base_momentum=0.5)",
    "CyclicLR own": "CyclicLR(o, 0.1, 0.5, 5, scale_fn=lambda t: 1 / (1 + t), scale_mode='iterations')",
    "OneCycleLR": "OneCycleLR(o, 0.5, 60)",
    "OneCycleLR linear": "OneCycleLR(o, [0.5, 0.2], epochs=5, steps_per_epoch=13, anneal_strategy='linear', div_factor=5)",
    "OneCycleLR three": "OneCycleLR(o, 0.5, 61, pct_start=0.4, three_phase=True, cycle_momentum=False)",
    "ChainedScheduler": "ChainedScheduler([ConstantLR(o, 0.1, 4), ExponentialLR(o, 0.9)])",
    "ChainedScheduler of one": "ChainedScheduler([PolynomialLR(o, 8)], o)",
    "SequentialLR": "SequentialLR(o, [LinearLR(o, 0.1, total_iters=5), CosineAnnealingLR(o, 20)], milestones=[5])",
    "SequentialLR three": "SequentialLR(o, [ConstantLR(o), ExponentialLR(o, 0.9), StepLR(o, 3)], milestones=[4, 15])",
    "SequentialLR nested": (
        "SequentialLR(o, [SequentialLR(o, [LinearLR(o), StepLR(o, 2)], [3]), ExponentialLR(o, 0.8)], milestones=[10])"
    ),
}
NO_CLOSED_FORM = ("SequentialLR", "LambdaLR", "ChainedScheduler", "Multiplicative", "CyclicLR", "OneCycle", "CosineAnnealingWarm")
ALL = pytest.mark.parametrize("text", SCHEDULES.values(), ids=SCHEDULES)


def optimizer(lib, lr=0.5):
    ps = [lib.nn.Parameter(lib.ones(1)) for _ in range(2)]
    return lib.optim.SGD([{"params": ps[0]}, {"params": ps[1], "lr": 0.2}], lr=lr, momentum=0.9)


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
            result.append(list(scheduler.get_last_lr()) + [group["momentum"] for group in o.param_groups])
    return result


@ALL
def test_sixty_epochs(text):
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
        actual.append(list(scheduler.get_last_lr()) + [group["momentum"] for group in o.param_groups])
    assert actual == expected[12:]


@pytest.mark.parametrize("text", [t for k, t in SCHEDULES.items() if not k.startswith(NO_CLOSED_FORM)])
def test_the_closed_form_says_the_same(text):
    scheduler = make(scratchnet, text, optimizer(scratchnet))
    expected = rates(scratchnet, text)
    for epoch in range(EPOCHS):
        scheduler.last_epoch = epoch
        assert scheduler._get_closed_form_lr() == pytest.approx(expected[epoch][:2], abs=1e-12)


@pytest.mark.parametrize("text", [t for k, t in SCHEDULES.items() if not k.startswith("SequentialLR")])
def test_states_hold_what_torchs_do(text):
    states = []
    for lib in LIBRARIES:
        o = optimizer(lib)
        scheduler = make(lib, text, o)
        o.step()
        scheduler.step()
        states.append(copy.deepcopy(scheduler.state_dict()))
    assert states[0] == states[1]


METRICS = [5, 4, 4, 4, 4, 3.9999, 4, 4, 4, 4, 1, 1, 1, 1, 1, 1, 1, float("nan"), 1, 0.5, 1, 1, 1, 1]


@pytest.mark.parametrize("options", [
    dict(), dict(patience=2), dict(mode="max", patience=1, factor=0.5), dict(patience=1, cooldown=3, min_lr=0.05),
    dict(patience=0, threshold=0.1, threshold_mode="abs", min_lr=[0.1, 0.001]), dict(patience=1, threshold=0.5),
    dict(mode="max", threshold_mode="abs", patience=1, eps=0.01)], ids=str)  # fmt: skip
def test_reducing_on_a_plateau(options):
    def scenario(lib):
        o = optimizer(lib)
        scheduler = lib.optim.lr_scheduler.ReduceLROnPlateau(o, **options)
        result = [scheduler.get_last_lr()]
        for metric in METRICS:
            scheduler.step(lib.tensor(metric) if metric == 1 else metric)
            result.append(scheduler.get_last_lr())
        state = copy.deepcopy(scheduler.state_dict())
        again = lib.optim.lr_scheduler.ReduceLROnPlateau(o)
        again.load_state_dict(scheduler.state_dict())
        again.step(7)
        return result, state, again.get_last_lr()

    assert scenario(scratchnet) == scenario(torch)


def test_restarts_at_fractions_of_epochs():
    def scenario(lib, **options):
        o = optimizer(lib)
        scheduler = lib.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, 3, **options)
        result = []
        for i in range(60):
            scheduler.step(i / 5)
            result.append(scheduler.get_last_lr())
        with pytest.raises(ValueError, match="non-negative epoch"):
            scheduler.step(-1)
        return result

    for options in ({}, dict(T_mult=2)):
        assert scenario(scratchnet, **options) == scenario(torch, **options)


@pytest.mark.parametrize("text", ["CyclicLR(o, 0.1, 0.5, 3)", "OneCycleLR(o, 0.5, 20)"])
def test_the_first_beta_cycles_as_momentum(text):
    def scenario(lib):
        o = lib.optim.Adam([lib.nn.Parameter(lib.ones(1))])
        scheduler, result = make(lib, text, o), []
        for _ in range(10):
            o.step()
            scheduler.step()
            result.append((o.param_groups[0]["lr"], *o.param_groups[0]["betas"]))
        return result

    assert scenario(scratchnet) == scenario(torch)


def test_one_cycle_ends():
    for lib in LIBRARIES:
        o = optimizer(lib)
        scheduler = lib.optim.lr_scheduler.OneCycleLR(o, 0.5, 2)
        o.step()
        scheduler.step()
        scheduler.step()
        with pytest.raises(ValueError, match="Tried to step 3 times"):
            scheduler.step()


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


def test_asking_for_rates_between_steps_is_a_warning():
    for lib in LIBRARIES:
        for text in SCHEDULES.values():
            scheduler = make(lib, text, optimizer(lib)) if "Chained" not in text and "Sequential" not in text else None
            if scheduler is not None:
                with pytest.warns(UserWarning, match="please use `get_last_lr"):
                    scheduler.get_lr()


@pytest.mark.parametrize("lib", LIBRARIES, ids=["ours", "torch"])
def test_a_step_of_the_optimizer_that_was_replaced_is_a_warning(lib):
    o = optimizer(lib)
    scheduler = lib.optim.lr_scheduler.StepLR(o, 3)
    o.step = lambda: None
    o.step()
    with pytest.warns(UserWarning, match="Seems like `optimizer.step\\(\\)` has been overridden"):
        scheduler.step()


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
    "MultiplicativeLR(o, [abs])",
    "MultiplicativeLR(o, 3)",
    "CyclicLR(3, 0.1, 0.2)",
    "CyclicLR(o, [0.1], 0.2)",
    "CyclicLR(o, 0.1, 0.2, mode='square')",
    "CyclicLR(plain, 0.1, 0.2)",
    "OneCycleLR(3, 0.1, 10)",
    "OneCycleLR(o, 0.1)",
    "OneCycleLR(o, 0.1, 0)",
    "OneCycleLR(o, 0.1, 1.5)",
    "OneCycleLR(o, 0.1, epochs=0, steps_per_epoch=3)",
    "OneCycleLR(o, 0.1, epochs=3, steps_per_epoch=-1)",
    "OneCycleLR(o, 0.1, 10, pct_start=1.5)",
    "OneCycleLR(o, 0.1, 10, anneal_strategy='square')",
    "OneCycleLR(o, [0.1], 10)",
    "CosineAnnealingWarmRestarts(o, 0)",
    "CosineAnnealingWarmRestarts(o, 3, 0)",
    "CosineAnnealingWarmRestarts(o, 3, eta_min='0')",
    "ReduceLROnPlateau(3)",
    "ReduceLROnPlateau(o, 'least')",
    "ReduceLROnPlateau(o, factor=1.0)",
    "ReduceLROnPlateau(o, threshold_mode='square')",
    "ReduceLROnPlateau(o, min_lr=[0.1])",
    "ChainedScheduler([])",
    "ChainedScheduler([3])",
    "ChainedScheduler([StepLR(o, 1), StepLR(other, 1)])",
    "ChainedScheduler([ReduceLROnPlateau(o)])",
]


@pytest.mark.parametrize("text", BAD)
def test_refusals_are_those_of_torch(text):
    types = []
    for lib in LIBRARIES:
        names = {**vars(lib.optim.lr_scheduler), "o": optimizer(lib), "other": optimizer(lib)}
        names["plain"] = lib.optim.Adagrad([lib.nn.Parameter(lib.ones(1))])
        with pytest.raises((AttributeError, TypeError, ValueError, KeyError, NotImplementedError)) as caught:
            eval(text, names)
        types.append(caught.type)
    assert types[0] is types[1]


@pytest.mark.parametrize("text", ["StepLR(o, 0)", "StepLR(o, -1)", "CosineAnnealingLR(o, 0)", "CyclicLR(o, 0.1, 0.2, 0)"])
def test_a_course_without_length_is_refused(text):
    """torch divides by zero, some steps later."""
    with pytest.raises(ValueError, match="above 0, got (0|-1)"):
        eval(text, {**vars(scratchnet.optim.lr_scheduler), "o": optimizer(scratchnet)})


def test_a_learning_rate_that_is_a_tensor_changes_in_place():
    p = scratchnet.nn.Parameter(scratchnet.ones(1))
    lr = scratchnet.tensor(0.5)
    o = scratchnet.optim.SGD([p], lr=lr)
    scheduler = scratchnet.optim.lr_scheduler.ExponentialLR(o, 0.5)
    o.step()
    scheduler.step()
    assert o.param_groups[0]["lr"] is lr and lr.item() == 0.25
