"""torch's own list of optimizer configurations: the same weights, states and refusals here."""

import warnings

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet.testing import values
from scratchnet.testing.compare import compare
from scratchnet.testing.to_torch import from_torch
from tests.torch_lists import database, names

LIBRARIES = (scratchnet, torch)
FILE = "common_optimizers"
NAMES = [name for name in names(FILE, r"OptimizerInfo\(\s*(\w+),") if name != "SparseAdam"]  # gradients are dense here
BFLOAT16 = 2.0**-7  # Muon orthogonalises in bfloat16, whose sums may be taken in another order


def our(value, seen=None):
    """Options, parameters and groups of them in our terms; a parameter that comes twice stays one."""
    seen = {} if seen is None else seen
    if isinstance(value, torch.nn.Parameter):
        return seen.setdefault(id(value), scratchnet.nn.Parameter(from_torch(value)))
    if isinstance(value, dict):
        return {key: our(v, seen) for key, v in value.items()}
    return type(value)(our(v, seen) for v in value) if isinstance(value, (list, tuple)) else from_torch(value)


def descended(lib, name, options):
    """The weights [3, 4] and [4, 2] of a small regression after five steps, and the optimizer."""
    a, b = (lib.nn.Parameter(lib.tensor(values(shape, i))) for i, shape in enumerate([(3, 4), (4, 2)]))
    x, y = lib.tensor(values((5, 3), 2)), lib.tensor(values((5, 2), 3))
    optimizer = getattr(lib.optim, name)([a, b], **options)

    def closure():
        optimizer.zero_grad()
        loss = ((x @ a @ b - y) ** 2).mean()
        loss.backward()
        return loss

    for _ in range(5):
        optimizer.step(closure)
    return [p.detach().numpy() for p in (a, b)], optimizer


@pytest.mark.parametrize("name", NAMES)
def test_five_steps(name):
    for case in database(FILE, "optim_db")[name].optim_inputs_func(device="cpu"):
        theirs, b = descended(torch, name, case.kwargs)
        ours, a = descended(scratchnet, name, our(case.kwargs))
        tolerance = 5 * 4 * BFLOAT16 * float(case.kwargs.get("lr", 1e-3)) if name == "Muon" else 1e-10
        for p, q in zip(ours, theirs):
            np.testing.assert_allclose(p, q, 1e-7, tolerance, err_msg=case.desc)
        if name not in ("Muon", "LBFGS"):  # whose states their own tests compare
            compare(f"{name}, {case.desc}", a.state_dict(), b.state_dict(), 1e-7, 1e-10)


def refusal(lib, name, params, kwargs):
    """The error, or the warning, that the optimizer or its step gives."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            getattr(lib.optim, name)([lib.nn.Parameter(lib.ones(1, 1))] if params is None else params, **kwargs).step()
    except Exception as error:
        return error
    return None


@pytest.mark.parametrize("name", NAMES)
def test_refuses_what_torch_refuses(name):
    for case in database(FILE, "optim_db")[name].optim_error_inputs_func(device="cpu", dtype=torch.float32):
        given = case.optimizer_error_input
        if "complex" in given.desc:
            continue  # no such numbers here
        theirs = refusal(torch, name, given.params, given.kwargs)
        ours = refusal(scratchnet, name, *our((given.params, given.kwargs)))
        assert type(theirs) is case.error_type
        kind = NotImplementedError if given.kwargs.get("foreach") else type(theirs)
        assert type(ours) is kind, f"{given.desc}: {ours!r}, in torch {theirs!r}"
        if str(theirs).startswith("Invalid") or "but is" in str(theirs):
            assert str(ours) == str(theirs)


def test_the_list_is_read_in_full():
    assert list(database(FILE, "optim_db")) == [*NAMES, "SparseAdam"]
