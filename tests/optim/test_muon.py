"""Muon against torch, whose bfloat16 products may be summed in another order; the iteration against the SVD."""

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet.optim.muon import orthogonalised
from scratchnet.testing import values

LIBRARIES = (scratchnet, torch)
BFLOAT16 = 2.0**-7      # a unit in the last place of numbers near 1


@pytest.mark.parametrize("shape", [(5, 5), (4, 9), (9, 4), (1, 3)])
@pytest.mark.parametrize("options", [
    {}, dict(lr=0.1, nesterov=False), dict(lr=0.1, momentum=0.5, weight_decay=0.0),
    dict(lr=0.1, adjust_lr_fn="match_rms_adamw", ns_steps=3), dict(lr=0.1, ns_coefficients=(2.0, -1.5, 0.5))],
    ids=str)  # fmt: skip
def test_ten_steps(shape, options):
    def scenario(lib):
        p = lib.nn.Parameter(lib.tensor(values(shape, 0).astype(np.float32)))
        optimizer = lib.optim.Muon([p], **options)
        for step in range(10):
            p.grad = lib.tensor(values(shape, step + 1).astype(np.float32))
            optimizer.step()
        state = optimizer.state_dict()
        return p.detach().numpy(), state["state"][0]["momentum_buffer"].numpy(), state["param_groups"], repr(optimizer)

    ours, theirs = scenario(scratchnet), scenario(torch)
    lr = options.get("lr", 1e-3)
    np.testing.assert_allclose(ours[0], theirs[0], atol=10 * lr * 4 * BFLOAT16)
    np.testing.assert_allclose(ours[1], theirs[1], 1e-5, 1e-6)
    assert ours[2:] == theirs[2:]


def test_singular_values_become_one():
    d = values((6, 4), 0)
    u, _, v = np.linalg.svd(d, full_matrices=False)
    singular = np.linalg.svd(orthogonalised(d, (3.4445, -4.775, 2.0315), 5, 1e-7), compute_uv=False)
    assert (abs(singular - 1) < 0.4).all()
    nearly = orthogonalised(d, (1.5, -0.5, 0.0), 30, 1e-7)      # the cubic iteration converges to the nearest itself
    np.testing.assert_allclose(nearly, u @ v, atol=3 * BFLOAT16)


def test_refusals():
    for lib in LIBRARIES:
        p = lib.nn.Parameter(lib.ones(2, 2))
        for options in (dict(lr=-1), dict(momentum=-1), dict(weight_decay=-1), dict(adjust_lr_fn="none"),
                        dict(lr=lib.ones(2))):  # fmt: skip
            with pytest.raises(ValueError, match=r"should be >= 0|not supported|1.element|1 element"):
                lib.optim.Muon([p], **options)
        with pytest.raises(ValueError, match="only supports 2D parameters"):
            lib.optim.Muon([lib.nn.Parameter(lib.ones(2))])
        for options in (dict(ns_steps=100), dict(ns_coefficients=(1.0, 2.0))):
            p.grad = lib.ones(2, 2)
            with pytest.raises(ValueError, match=r"less than 100|exactly 3"):
                lib.optim.Muon([p], **options).step()
