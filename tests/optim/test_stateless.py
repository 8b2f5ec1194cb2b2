"""A step with parameters and state of others: what it changes, and which state it refuses, as torch."""

import copy

import numpy as np
import pytest
import torch

import scratchnet

LIBRARIES = (scratchnet, torch)


def stepped(lib):
    p = lib.nn.Parameter(lib.tensor([1.0, 2.0]))
    o = lib.optim.Adam([p], lr=0.1)
    p.grad = lib.ones(2)
    o.step()
    return p, o


def test_a_step_with_parameters_and_state_of_others():
    def scenario(lib):
        p, o = stepped(lib)
        state = copy.deepcopy(o.state_dict())
        state["param_groups"][0]["lr"] = 0.5
        q = lib.nn.Parameter(lib.tensor([3.0, 4.0]))
        q.grad = -lib.ones(2)
        params, before = o.param_groups[0]["params"], p.tolist()
        with lib.optim.swap_in_optimizer_params_and_state(o, {"q": q}, state):
            assert o.param_groups[0]["params"] == [q]
            o.step()
        assert o.param_groups[0]["params"] is params and o.param_groups[0]["lr"] == 0.1 and p.tolist() == before
        return q.tolist(), state["state"][0]["exp_avg"].tolist(), o.state[p]["exp_avg"].tolist(), o.state[p]["step"].item()

    np.testing.assert_allclose(np.hstack(scenario(scratchnet)), np.hstack(scenario(torch)), 1e-6)


def _change(path, value):
    def change(state):
        for key in path[:-1]:
            state = state[key]
        state[path[-1]] = value

    return change


@pytest.mark.parametrize("change", [
    _change(["state"], 3), _change(["state", 0], 3), _change(["state", 7], {}), _change(["param_groups"], {}),
    _change(["param_groups"], []), _change(["param_groups", 0], 3), _change(["param_groups", 0, "params"], 3),
    _change(["param_groups", 0, "params"], ["p"]), _change(["param_groups", 0, "params"], [0, 1]),
    _change(["param_groups", 0, "further"], 1)])  # fmt: skip
def test_state_that_does_not_fit_is_refused(change):
    for lib in LIBRARIES:
        p, o = stepped(lib)
        state = copy.deepcopy(o.state_dict())
        change(state)
        swap = lib.optim.swap_in_optimizer_params_and_state
        with pytest.raises(RuntimeError), swap(o, {"p": p}, state):
            pass
        for fresh, parameters in ((lib.optim.SGD([p]), {"p": p}), (o, {})):
            with pytest.raises(RuntimeError), swap(fresh, parameters, o.state_dict()):
                pass
