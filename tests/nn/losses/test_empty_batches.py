"""Losses of nothing: the mean over examples is NaN, as in torch; that over what was found among them is 0."""

import numpy as np
import pytest

from scratchnet import Tensor, nn
from scratchnet.nn import losses


def floats(*shape):
    return Tensor(np.zeros(shape), requires_grad=True)


def classes(*shape):
    return Tensor(np.zeros(shape, np.int64))


def on_a_map(function, *shape):
    return lambda r: function(floats(0, *shape, 4), classes(0, 4), reduction=r)


EXAMPLES = {
    "dice": on_a_map(losses.dice_loss, 3),
    "tversky": on_a_map(losses.tversky_loss, 3),
    "focal": on_a_map(losses.focal_loss, 3),
    "sigmoid focal": lambda r: losses.sigmoid_focal_loss(floats(0), floats(0), reduction=r),
    "lovasz by image": lambda r: losses.lovasz_softmax_loss(floats(0, 3, 4), classes(0, 4), per_image=True, reduction=r),
    "lovasz hinge": on_a_map(losses.lovasz_hinge_loss),
    "distillation": lambda r: losses.distillation_loss(floats(0, 3), floats(0, 3), classes(0), reduction=r),
    "contrastive": lambda r: losses.contrastive_loss(floats(0, 2), floats(0, 2), floats(0), reduction=r),
    "center": lambda r: losses.center_loss(floats(0, 2), classes(0), floats(3, 2), r),
    "nt-xent": lambda r: losses.nt_xent_loss(floats(0, 2), floats(0, 2), reduction=r),
    "angular margin": lambda r: losses.angular_margin_loss(floats(0, 2), floats(3, 2), classes(0), reduction=r),
    "generator": lambda r: losses.generator_loss(floats(0), reduction=r),
    "elbo": lambda r: losses.elbo_loss(floats(0, 4), floats(0, 4), floats(0, 2), floats(0, 2), reduction=r),
}
FOUND = {
    "triplets": lambda r: losses.batch_triplet_loss(floats(0, 2), classes(0), reduction=r),
    "hard examples": lambda r: losses.ohem_cross_entropy(floats(0, 3), classes(0), reduction=r),
}
PENALTIES = {
    "gradient penalty": lambda d: losses.gradient_penalty(d, floats(0, 2), floats(0, 2)),
    "r1": lambda d: losses.r1_penalty(d, floats(0, 2)),
}


@pytest.mark.parametrize("loss", [*EXAMPLES.values(), *FOUND.values()], ids=[*EXAMPLES, *FOUND])
def test_no_example(loss):
    each, total = loss("none"), loss("sum")
    assert len(each) == 0 and total.item() == 0
    total.backward()


@pytest.mark.parametrize("name", [*EXAMPLES, *FOUND])
def test_the_mean_of_no_example(name):
    mean = {**EXAMPLES, **FOUND}[name]("mean").item()
    assert mean == 0 if name in FOUND else np.isnan(mean)


@pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES)
def test_penalties_of_no_example(penalty):
    assert np.isnan(penalty(nn.Linear(2, 1, dtype=np.float64)).item())


def test_all_pixels_of_no_image_and_all_boxes_of_none():
    assert losses.lovasz_softmax_loss(floats(0, 3, 4), classes(0, 4)).item() == 0
    assert losses.batch_triplet_loss(floats(0, 2), classes(0), mining="all").item() == 0
    assert losses.multi_box_loss(floats(0, 5, 3), floats(0, 5, 4), classes(0, 5), floats(0, 5, 4)).item() == 0
    assert np.isnan(losses.focal_loss(floats(2, 3), classes(2) - 100).item())  # as cross_entropy, where all is ignored
