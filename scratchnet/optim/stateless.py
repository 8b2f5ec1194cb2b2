"""An optimizer's step on other parameters than its own."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from scratchnet.autograd.tensor import Tensor
from scratchnet.optim.optimizer import Optimizer


@contextlib.contextmanager
def swap_in_optimizer_params_and_state(
    optimizer: Optimizer, swapin_parameters: dict[str, Tensor], swapin_optim_state: dict[str, Any]
) -> Iterator[None]:
    """For the time of a `with`, the optimizer has other parameters, state and options.

    Parameters
    ----------
    optimizer : Optimizer
        One that has stepped.
    swapin_parameters : dict of Tensors
        In the order of the optimizer's own.
    swapin_optim_state : dict
        As `state_dict()` gives it. Its tensors are changed in place by steps; new entries are not seen outside.

    Raises
    ------
    RuntimeError
        If the optimizer has no state, or parameters, groups or keys do not match its own.
    """
    if not optimizer.state:
        raise RuntimeError("swap_in_optimizer_params_and_state requires initialized optimizer state.")
    new_state, new_groups = _checked(optimizer, swapin_optim_state)
    count, given = sum(len(group["params"]) for group in new_groups), list(swapin_parameters.values())
    if count > len(given):
        raise RuntimeError(
            f"swap_in_optimizer_params_and_state: the optimizer has {count} parameters, but {len(given)} are given"
        )
    parameters, state = iter(given), optimizer.state
    before = [dict(group) for group in optimizer.param_groups]
    try:
        optimizer.state = defaultdict(dict)
        for group, new in zip(optimizer.param_groups, new_groups):
            group.update({**new, "params": [next(parameters) for _ in new["params"]]})
            for p, number in zip(group["params"], new["params"]):
                optimizer.state[p] = dict(new_state.get(number, {}))
        yield
    finally:
        for group, old in zip(optimizer.param_groups, before):
            group.clear()
            group.update(old)
        optimizer.state = state


def _checked(optimizer: Optimizer, saved: Any) -> tuple[dict, list[dict[str, Any]]]:
    """State and groups of a `state_dict()` that fits the optimizer."""
    found = saved if isinstance(saved, dict) else {}
    state: Any = found.get("state")
    groups: Any = found.get("param_groups")

    def require(condition: bool, what: str) -> None:
        if not condition:
            raise RuntimeError(f"swap_in_optimizer_params_and_state requires {what}")

    require(isinstance(state, dict) and isinstance(groups, list), "what optimizer.state_dict() returns")
    require(all(isinstance(entry, dict) for entry in state.values()), "a dict as the state of each parameter")
    require(len(groups) == len(optimizer.param_groups), f"{len(optimizer.param_groups)} groups, got {len(groups)}")
    numbers: set[int] = set()
    for i, (new, group) in enumerate(zip(groups, optimizer.param_groups)):
        require(isinstance(new, dict) and isinstance(new.get("params"), list), f"a list of numbers as params of group {i}")
        require(all(isinstance(number, int) for number in new["params"]), f"numbers as params of group {i}")
        expected = len(group["params"])
        require(len(new["params"]) == expected, f"{expected} params in group {i}, got {len(new['params'])}")
        require(set(new) == set(group), f"the keys {sorted(group)} in group {i}, got {sorted(new)}")
        numbers.update(new["params"])
    require(numbers.issuperset(state), f"state of the parameters {sorted(numbers)} only, got {list(state)}")
    return state, groups
