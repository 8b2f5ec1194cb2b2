"""Distillation: torch's composition, gradients, the limit of high temperature, refusals."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchnet import Tensor, nn
from scratchnet.nn.losses import distillation_loss
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds, shapes


@given(
    seeds(), shapes(0, 1, 1, 3), st.sampled_from([1.0, 4.0]), st.sampled_from(["mean", "sum", "none"]), st.booleans()
)
def test_it_is_the_composition_in_torch(seed, size, temperature, reduction, hard):
    z, v = values((2, 3, *size), seed), values((2, 3, *size), seed + 1)
    t = np.random.default_rng(seed).integers(0, 3, (2, *size)) if hard else None

    def in_torch(z, v, t):
        q = (v.detach() / temperature).softmax(1)
        loss = temperature**2 * (q * (q.log() - (z / temperature).log_softmax(1))).sum(1)
        if t is not None:
            loss = 0.7 * loss + 0.3 * torch.nn.functional.cross_entropy(z, t, reduction="none")
        return {"mean": loss.mean, "sum": loss.sum, "none": lambda: loss}[reduction]()

    check_against_torch(
        lambda z, v, t: distillation_loss(z, v, t, temperature, 0.7, reduction), z, v, t, torch_fn=in_torch
    )
    check_gradient(lambda z: distillation_loss(z, Tensor(v), None if t is None else Tensor(t), temperature, 0.7), z)


def test_at_a_high_temperature_logits_are_matched():
    """Its gradient is then that of ‖z − v‖² / 2C, where both have mean 0 (section 2.1)."""
    z, v = values((1, 4), 0), values((1, 4), 1)
    z, v = z - z.mean(), v - v.mean()
    x = Tensor(z, requires_grad=True)
    distillation_loss(x, Tensor(v), temperature=1e4).backward()
    np.testing.assert_allclose(x.grad.array, (z - v) / 4, rtol=1e-3)


def test_the_module_hands_over_its_settings():
    z, v, t = Tensor(values((2, 3), 0)), Tensor(values((2, 3), 1)), Tensor(np.array([0, 2]))
    expected = distillation_loss(z, v, t, 2.0, 0.3, "none").array
    np.testing.assert_array_equal(nn.DistillationLoss(2.0, 0.3, "none")(z, v, t).array, expected)


@pytest.mark.parametrize(
    "options", [dict(temperature=0.0), dict(alpha=1.1), dict(reduction="average"), dict(teacher=1)]
)
def test_refusals(options):
    z = Tensor(values((2, 3), 0))
    teacher = z[:1] if options.pop("teacher", None) else z
    with pytest.raises(ValueError):
        distillation_loss(z, teacher, **options)
