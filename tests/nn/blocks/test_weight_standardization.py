"""Standardised filters: torch, by hand, gradients, refusals."""

import numpy as np
import pytest
import torch

from scratchnet import Tensor, nn
from scratchnet.testing import check_gradient, check_layer, values


def standardised(kind, centred_only=False):
    class Conv(getattr(torch.nn, f"Conv{kind}d")):
        def forward(self, x):
            rows = self.weight.flatten(1)
            rows = rows - rows.mean(1, keepdim=True)
            if not centred_only:
                rows = rows / (rows.std(1, keepdim=True) + 1e-5)
            return self._conv_forward(x, rows.reshape(self.weight.shape), self.bias)

    return Conv


@pytest.mark.parametrize(
    "kind, settings",
    [
        (1, dict(kernel_size=2)),
        (2, dict(kernel_size=3, stride=2, padding=1, groups=2, bias=False)),
        (2, dict(kernel_size=2, padding=1, padding_mode="reflect")),
        (3, dict(kernel_size=2, dilation=1)),
    ],
)
def test_against_torch(kind, settings):
    ours, theirs = getattr(nn, f"WSConv{kind}d")(2, 4, **settings), standardised(kind)(2, 4, **settings)
    assert repr(ours)[2:] == repr(theirs).replace("Conv(", f"Conv{kind}d(")
    check_layer(ours, theirs, values((2, 2, *(3, 3, 4)[3 - kind :]), 0))


def test_centred_filters():
    check_layer(nn.CenConv2d(2, 3, 2, padding=1), standardised(2, True)(2, 3, 2, padding=1), values((2, 2, 3, 4), 0))


def test_by_hand():
    """The filter (1, 3) becomes (−1, 1) / √2, whatever its mean and its scale; the identity picks it out."""
    layer = nn.WSConv1d(1, 1, 2, bias=False, eps=0.0).double()
    for weight in ([1.0, 3], [10, 30], [-5, 5]):
        layer.weight.array[0, 0] = weight
        y = layer(Tensor(np.array([[[0.0, 1, 0]]]))).array
        np.testing.assert_allclose(y, [[[0.5**0.5, -(0.5**0.5)]]], rtol=1e-14)


def test_gradients():
    check_gradient(nn.WSConv2d(2, 2, (1, 2)).double(), values((1, 2, 2, 3), 0))


def test_a_filter_of_one_weight_is_refused():
    with pytest.raises(ValueError, match=r"WSConv2d: a filter of one weight .* shape \(4, 1, 1, 1\)"):
        nn.WSConv2d(4, 4, 1, groups=4)
