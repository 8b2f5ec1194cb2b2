"""What the tests of layers share."""

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet import Tensor, autograd
from scratchnet.testing import check_layer


@pytest.fixture(scope="session")
def fused_equals_composed():
    """A check that the kernel's gradient is that of the composed definition."""

    def check(fn, *inputs, rtol=1e-9, atol=1e-11):
        leaves = [Tensor(x.copy(), x.dtype.kind == "f") for x in inputs]
        wanted = [x for x in leaves if x.requires_grad]
        y = fn(*leaves)
        cotangent = Tensor(np.random.default_rng(0).standard_normal(y.shape).astype(y.dtype))
        composed = autograd.grad(y, wanted, cotangent, create_graph=True)
        fused = autograd.grad(fn(*leaves), wanted, cotangent)
        for a, b in zip(fused, composed):
            np.testing.assert_allclose(a.array, b.array, rtol, atol)

    return check


@pytest.fixture(scope="session")
def check_module():
    """A check that `Linear(2, 3)`, given as text, does and prints what torch's does."""

    def check(text, *inputs, **options):
        ours, theirs = eval(text, vars(scratchnet.nn)), eval(text, vars(torch.nn))
        assert repr(ours) == repr(theirs)
        check_layer(ours, theirs, *inputs, **options)

    return check
