"""check_against_torch: planted differences are found, and what is the same passes."""

import numpy as np
import pytest
import torch

import scratchnet as sn
from scratchnet import testing
from scratchnet.testing import values
from tests.testing.planting import op

A, VECTOR = values((3, 4), 0), values((5,), 4)


class TestAgainstTorch:
    def differs(self, ours, words, *args, torch_name="exp", **kwargs):
        with pytest.raises(AssertionError, match=words):
            testing.check_against_torch(ours, *args, torch_fn=getattr(torch, torch_name), **kwargs)

    def test_right(self):
        testing.check_against_torch("exp", A)
        testing.check_against_torch("Tensor.exp", A.astype(np.float32))
        testing.check_against_torch("cat", [A, A], dim=1)
        testing.check_against_torch("sum", A, dtype=sn.float32)
        testing.check_against_torch("mul", A, np.arange(4))

    def test_values(self):
        self.differs(lambda x: x.exp() * (1 + 1e-6), "desired is torch's", A)

    def test_shape(self):
        self.differs(lambda x: x.exp()[None], "shape", A)

    def test_dtype(self):
        self.differs(lambda x: x.exp().float(), "dtype", A)

    def test_gradient(self):
        self.differs(op(np.exp, lambda xs, y, g: g * y * 1.0001), "gradient of argument 0", A)

    def test_history_lost(self):
        self.differs(lambda x: x.detach().exp(), "requires_grad is False, in torch True", A)

    def test_changed_argument(self):
        self.differs(op(lambda x: np.exp(x, out=x).copy(), lambda xs, y, g: g * y), "argument 0 after the call", A)

    def test_refusals(self):
        def refuse(*args):
            raise TypeError("no")

        self.differs(refuse, "but torch does not", A)
        self.differs(lambda a, b: a, "gives a result, but torch raises", A, VECTOR, torch_name="add")
        self.differs(refuse, "raises TypeError: no\nbut torch RuntimeError", A, VECTOR, torch_name="add")

    def test_outputs(self):
        self.differs(lambda x: [x, x], "torch gives a tuple", A, torch_name="unbind")
        self.differs(lambda x: (x[0], x[1]), "2 results, in torch 3", A, torch_name="unbind")
