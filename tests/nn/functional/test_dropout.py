"""Dropout: what is dropped, how often, with which gradient; the same seed drops the same."""

import numpy as np
import pytest
import torch

import scratchnet
import scratchnet.nn.functional as F
from scratchnet import Tensor
from scratchnet.autograd import checkpoint
from scratchnet.testing import check_gradient, values

ALL = pytest.mark.parametrize(
    "name, shape, channels", [("dropout", (50, 40), 2), ("dropout1d", (30, 40, 2), 2), ("dropout2d", (30, 40, 2, 2), 2)]
)


@ALL
def test_elements_are_dropped_or_scaled(name, shape, channels):
    """Each is 0 or x / (1 − p); the number dropped lies within five standard deviations of its
    expectation."""
    scratchnet.manual_seed(0)
    x = Tensor(np.ones(shape, np.float32), True)
    y = getattr(F, name)(x, 0.3)
    assert set(np.unique(y.array)) == {np.float32(0), np.float32(1) / np.float32(0.7)}
    groups = y.array.reshape(*shape[:channels], -1)
    assert (groups == groups[..., :1]).all()  # whole channels
    n = groups[..., 0].size
    assert abs((groups[..., 0] == 0).sum() - 0.3 * n) < 5 * np.sqrt(n * 0.3 * 0.7)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.array, y.array)


@ALL
def test_nothing_happens_outside_of_training(name, shape, channels):
    x = Tensor(values(shape, 0))
    assert getattr(F, name)(x, 0.5, training=False) is x and getattr(F, name)(x, 0.0) is x
    assert not getattr(F, name)(x, 1.0).array.any()


def test_the_same_seed_drops_the_same_and_other_seeds_others():
    x = scratchnet.ones(100)
    drops = []
    for seed in (1, 1, 2):
        scratchnet.manual_seed(seed)
        drops.append(F.dropout(x).tolist())
    assert drops[0] == drops[1] != drops[2]


def test_gradients():
    def drop(x):
        scratchnet.manual_seed(3)
        return F.dropout(x, 0.4)

    check_gradient(drop, values((3, 4), 0))


def test_a_checkpoint_drops_the_same_again():
    scratchnet.manual_seed(0)
    x = Tensor(np.ones(50), True)
    y = checkpoint(lambda x: F.dropout(x) * 2, x)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.array, y.array)


def test_in_place():
    x = scratchnet.ones(100)
    assert F.dropout(x, 0.5, inplace=True) is x and set(x.tolist()) == {0, 2}


def test_refusals():
    for library, x in ((scratchnet, scratchnet.ones(3)), (torch, torch.ones(3))):
        for p in (-0.1, 1.1):
            with pytest.raises(ValueError, match="dropout probability has to be between 0 and 1"):
                library.nn.functional.dropout(x, p)
            with pytest.raises(ValueError, match="dropout probability has to be between 0 and 1"):
                library.nn.Dropout(p)
        with pytest.raises(RuntimeError):
            library.nn.functional.dropout(x.long(), 0.5)
        assert library.nn.functional.dropout(x.long(), 0.5, training=False).dtype == library.int64
    with pytest.raises(RuntimeError, match="dropout1d: Expected 2D or 3D input"):
        F.dropout1d(scratchnet.ones(3))
    with pytest.raises(RuntimeError, match="dropout2d: Expected 3D or 4D input"):
        F.dropout2d(scratchnet.ones(3))


@pytest.mark.parametrize("text", ["Dropout()", "Dropout(0.2, inplace=True)", "Dropout1d()", "Dropout2d(p=0.1)"])
def test_layer(text):
    layer, x = eval(text, vars(scratchnet.nn)), scratchnet.ones(8, 8, 8)
    assert repr(layer) == repr(eval(text, vars(torch.nn)))
    assert layer.eval()(x) is x and 0 in layer.train()(x).array
