"""What the tests of layers share."""

import numpy as np
import pytest

from scratchnet import Tensor, autograd


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
