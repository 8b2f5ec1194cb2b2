"""Hooks around steps, saving and loading: called when, with what and in which order torch calls them."""

import importlib

import pytest
import torch

import scratchnet

LIBRARIES = (scratchnet, torch)


def test_hooks_around_a_step():
    def scenario(lib):
        log, p = [], lib.nn.Parameter(lib.ones(1))
        optimizer = lib.optim.SGD([p], lr=1.0)
        p.grad = lib.ones(1)
        first = optimizer.register_step_pre_hook(lambda o, args, kwargs: log.append(("pre", p.item(), args, kwargs)))
        optimizer.register_step_post_hook(lambda o, args, kwargs: log.append(("post", p.item())))
        optimizer.step()
        first.remove()
        optimizer.step()
        return [entry[:2] for entry in log]

    assert scenario(scratchnet) == scenario(torch)


def test_hooks_around_every_step_of_every_optimizer():
    def scenario(lib):
        log = []
        module = importlib.import_module(f"{lib.__name__}.optim.optimizer")
        p = lib.nn.Parameter(lib.ones(1))
        p.grad = lib.ones(1)
        o = lib.optim.SGD([p], lr=1.0)
        o.register_step_pre_hook(lambda o, args, kwargs: log.append("pre"))
        o.register_step_post_hook(lambda o, args, kwargs: log.append("post"))
        handles = [
            module.register_optimizer_step_pre_hook(lambda o, args, kwargs: log.append("pre of all")),
            module.register_optimizer_step_post_hook(lambda o, args, kwargs: log.append("post of all")),
        ]
        o.step()
        for handle in handles:
            handle.remove()
        lib.optim.Adam([p]).step()
        o.register_step_pre_hook(lambda o, args, kwargs: (args, kwargs))
        o.step(lambda: log.append("closure"))
        o.register_step_pre_hook(lambda o, args, kwargs: 3)
        with pytest.raises(RuntimeError, match="tuple of"):
            o.step()
        return log

    assert scenario(scratchnet) == scenario(torch)


def test_hooks_around_saving_and_loading():
    def scenario(lib):
        log = []
        o = lib.optim.SGD([lib.nn.Parameter(lib.ones(1))], lr=1.0)
        o.register_state_dict_pre_hook(lambda o: log.append("saving"))
        o.register_state_dict_post_hook(lambda o, state: {**state, "further": 3})
        o.register_state_dict_post_hook(lambda o, state: log.append(sorted(state)), prepend=True)
        state = o.state_dict()
        o.register_load_state_dict_pre_hook(lambda o, state: state["param_groups"][0].update(lr=5.0))
        o.register_load_state_dict_pre_hook(
            lambda o, state: state.update(param_groups=[{**g, "lr": 2.0} for g in state["param_groups"]]), prepend=True)
        o.register_load_state_dict_pre_hook(lambda o, state: {k: v for k, v in state.items() if k != "further"})
        handle = o.register_load_state_dict_post_hook(lambda o: log.append(o.param_groups[0]["lr"]))
        o.load_state_dict(state)
        handle.remove()
        o.load_state_dict(state)
        return log, sorted(state), state["param_groups"][0]["lr"]

    assert scenario(scratchnet) == scenario(torch)
