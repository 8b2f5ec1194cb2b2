"""Batch norm folded into the layer before it: torch's weights, and one layer that does what the two did."""

import numpy as np
import pytest
import torch

from scratchnet import Tensor, nn
from scratchnet.nn import utils
from scratchnet.testing import values

PAIRS = {
    "conv": (lambda nn, b: nn.Conv2d(2, 4, 2, groups=2, bias=b), lambda nn, a: nn.BatchNorm2d(4, affine=a), (2, 2, 3, 3)),
    "transposed": (lambda nn, b: nn.ConvTranspose1d(2, 3, 2, bias=b), lambda nn, a: nn.BatchNorm1d(3, affine=a), (2, 2, 3)),
    "linear": (lambda nn, b: nn.Linear(3, 2, bias=b), lambda nn, a: nn.BatchNorm1d(2, affine=a), (4, 3)),
}


def fused(utils, kind, layer, bn):
    if kind == "linear":
        return utils.fuse_linear_bn_eval(layer, bn)
    return utils.fuse_conv_bn_eval(layer, bn, transpose=kind == "transposed")


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", PAIRS)
def test_one_layer_does_what_two_did(kind, bias, affine):
    make, norm, shape = PAIRS[kind]
    ours, theirs = [(make(library, bias).double(), norm(library, affine).double()) for library in (nn, torch.nn)]
    for i, x in enumerate(theirs[1].state_dict().values()):
        if x.ndim:
            x.copy_(torch.from_numpy(values(x.shape, i) ** 2 + 0.5))
    for a, b in zip(ours, theirs):
        a.load_state_dict(b.state_dict())
        a.eval(), b.eval()
    one, x = fused(utils, kind, *ours), Tensor(values(shape, 0))
    np.testing.assert_allclose(one(x).array, ours[1](ours[0](x)).array, rtol=1e-9, atol=1e-12)
    if kind != "linear" or affine:  # torch's fusion of linear layers needs γ and β
        expected = fused(torch.nn.utils, kind, *theirs)
        for a, b in ((one.weight, expected.weight), (one.bias, expected.bias)):
            np.testing.assert_allclose(a.array, b.detach().numpy(), rtol=1e-9, atol=1e-12)
            assert a.requires_grad == b.requires_grad
    assert one is not ours[0] and ours[0].weight.array is not one.weight.array


def test_refusals():
    for bn, match in ((nn.BatchNorm1d(2), "only for eval"), (nn.BatchNorm1d(2, track_running_stats=False).eval(), "not be None")):
        with pytest.raises(AssertionError, match=match):
            utils.fuse_conv_bn_eval(nn.Conv1d(2, 2, 1).eval(), bn)
        with pytest.raises(AssertionError, match=match):
            utils.fuse_linear_bn_eval(nn.Linear(2, 2).eval(), bn)
    with pytest.raises(AssertionError, match="out_features=2 and bn.num_features=3"):
        utils.fuse_linear_bn_eval(nn.Linear(2, 2).eval(), nn.BatchNorm1d(3).eval())
