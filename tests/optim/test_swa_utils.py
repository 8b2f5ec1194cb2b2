"""Averages of weights against torch."""

import importlib

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet.testing import values

LIBRARIES = (scratchnet, torch)


def swa(lib):
    return importlib.import_module(f"{lib.__name__}.optim.swa_utils")


def numbers(model):
    return {name: x.detach().numpy().copy() for name, x in model.state_dict().items()}


def assert_same(ours, theirs):
    assert list(ours) == list(theirs)
    for name, x in ours.items():
        assert x.dtype == theirs[name].dtype
        np.testing.assert_allclose(x, theirs[name], 1e-5, 1e-6)


AVERAGES = {
    "mean": lambda lib: {},
    "mean, given": lambda lib: {"avg_fn": swa(lib).get_swa_avg_fn()},
    "mean of lists": lambda lib: {"multi_avg_fn": swa(lib).get_swa_multi_avg_fn()},
    "exponential": lambda lib: {"avg_fn": swa(lib).get_ema_avg_fn(0.9)},
    "exponential of lists": lambda lib: {"multi_avg_fn": swa(lib).get_ema_multi_avg_fn(0.9), "use_buffers": True},
}


@pytest.mark.parametrize("options", AVERAGES.values(), ids=AVERAGES)
def test_averages(options):
    def scenario(lib):
        model = lib.nn.Sequential(lib.nn.Linear(3, 2), lib.nn.BatchNorm1d(2))
        averaged = swa(lib).AveragedModel(model, **options(lib))
        for step in range(4):
            with lib.no_grad():
                for i, p in enumerate(model.parameters()):
                    p.copy_(lib.tensor(values(tuple(p.shape), 10 * step + i)))
            model(lib.tensor(values((5, 3), step).astype(np.float32)))
            averaged.update_parameters(model)
        averaged.eval()
        y = averaged(lib.tensor(values((5, 3), 9).astype(np.float32)))
        return numbers(averaged), y.detach().numpy()

    (ours, y), (theirs, expected) = scenario(scratchnet), scenario(torch)
    assert_same(ours, theirs)
    np.testing.assert_allclose(y, expected, 1e-4, 1e-5)


def test_a_mean_by_hand():
    model = scratchnet.nn.Linear(1, 1, bias=False)
    averaged = swa(scratchnet).AveragedModel(model)
    for value in (1.0, 2.0, 6.0):
        model.weight.array[...] = value
        averaged.update_parameters(model)
    assert averaged.module.weight.item() == 3 and averaged.n_averaged.item() == 3 and model.weight.item() == 6


def test_statistics_of_batches():
    def scenario(lib):
        lib.manual_seed(3)
        model = lib.nn.Sequential(lib.nn.Linear(3, 2), lib.nn.BatchNorm1d(2)).eval()
        data = [lib.tensor(values((6, 3), i).astype(np.float32)) for i in range(4)]
        swa(lib).update_bn([data[0], [data[1], 0], (data[2],), data[3]], model)
        assert not model.training and model[1].momentum == 0.1
        swa(lib).update_bn([], lib.nn.Linear(1, 1))
        return numbers(model)

    assert_same(scenario(scratchnet), scenario(torch))


@pytest.mark.parametrize("options", [
    dict(swa_lr=0.05), dict(swa_lr=[0.05, 0.5], anneal_epochs=4, anneal_strategy="linear"),
    dict(swa_lr=0.05, anneal_epochs=0)], ids=str)  # fmt: skip
def test_rates(options):
    def scenario(lib):
        ps = [lib.nn.Parameter(lib.ones(1)) for _ in range(2)]
        o = lib.optim.SGD([{"params": ps[0]}, {"params": ps[1], "lr": 0.2}], lr=0.5)
        scheduler, result = swa(lib).SWALR(o, **options), []
        for _ in range(14):
            o.step()
            scheduler.step()
            result.append(scheduler.get_last_lr())
        return result

    np.testing.assert_allclose(scenario(scratchnet), scenario(torch), rtol=1e-12)


def test_refusals():
    for lib in LIBRARIES:
        model, module = lib.nn.Linear(1, 1), swa(lib)
        with pytest.raises(AssertionError, match="Only one of"):
            module.AveragedModel(model, avg_fn=max, multi_avg_fn=max)
        for function in (module.get_ema_avg_fn, module.get_ema_multi_avg_fn):
            with pytest.raises(ValueError, match="Invalid decay value"):
                function(1.5)
        o = lib.optim.SGD(model.parameters())
        for options in (dict(anneal_strategy="square"), dict(anneal_epochs=-1), dict(anneal_epochs=1.5)):
            with pytest.raises(ValueError, match="anneal_"):
                module.SWALR(o, 0.1, **options)
        with pytest.raises(ValueError, match="swa_lr"):
            module.SWALR(o, [0.1, 0.2])
