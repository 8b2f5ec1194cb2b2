"""Lazy batch and instance normalisation: they become the layers, with torch's numbers."""

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet import Tensor
from scratchnet.testing import check_layer, values


@pytest.mark.filterwarnings("ignore:input's size")  # without parameters nobody asks for num_features, which stays 0
@pytest.mark.parametrize("kind", ["BatchNorm", "InstanceNorm"])
@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("options", ["", "affine=False", "track_running_stats=False, bias=False",
                                     "affine=False, track_running_stats=False", "eps=0.1, momentum=None"])  # fmt: skip
def test_the_first_input_makes_it_the_layer(kind, dims, options):
    x = values((2, 4, 3, 2, 2)[: dims + 2], 0, dtype=np.float32)
    text = f"Lazy{kind}{dims}d({options})"
    ours, theirs = (eval(text, vars(library.nn)) for library in (scratchnet, torch))
    assert repr(ours) == repr(theirs) and list(ours.state_dict()) == list(theirs.state_dict())
    with scratchnet.no_grad():
        ours(Tensor(x))
    theirs(torch.from_numpy(x))
    assert type(ours) is getattr(scratchnet.nn, f"{kind}{dims}d") and ours.num_features == theirs.num_features
    assert repr(ours) == repr(theirs)
    check_layer(ours, theirs, x, rtol=1e-4, atol=1e-5)


def test_states_of_layers_give_the_shape():
    layer, lazy = scratchnet.nn.BatchNorm2d(4), scratchnet.nn.LazyBatchNorm2d()
    layer(scratchnet.randn(2, 4, 3, 3))
    lazy.load_state_dict(layer.state_dict())
    x = scratchnet.randn(2, 4, 3, 3)
    np.testing.assert_array_equal(lazy.eval()(x).array, layer.eval()(x).array)


def test_inputs_of_other_dimensions_are_refused():
    for library in (scratchnet, torch):
        with pytest.raises(ValueError):
            library.nn.LazyBatchNorm2d()(library.ones(2, 3, 4))
