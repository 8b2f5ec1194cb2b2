"""Filter response normalisation: torch, by hand, gradients, refusals."""

import numpy as np
import pytest
import torch

from scratchnet import Tensor, nn
from scratchnet.testing import check_gradient, check_layer, values


class FRN(torch.nn.Module):
    def __init__(self, dims, channels, learnable):
        super().__init__()
        for name in ("gamma", "beta", "tau"):
            self.register_parameter(name, torch.nn.Parameter(torch.randn(1, channels, *(1,) * dims)))
        if learnable:
            self.eps_l = torch.nn.Parameter(torch.tensor(-0.3))

    def forward(self, x):
        eps = 0.1 + (self.eps_l.abs() if hasattr(self, "eps_l") else 0)
        scale = torch.sqrt(x.flatten(2).square().mean(2) + eps)
        return torch.maximum(self.gamma * x / scale.reshape(*x.shape[:2], *self.gamma.shape[2:]) + self.beta, self.tau)


@pytest.mark.parametrize("kind, learnable", [(1, False), (2, True), (3, False)])
def test_against_torch(kind, learnable):
    ours = getattr(nn, f"FilterResponseNorm{kind}d")(3, 0.1, learnable)
    check_layer(ours, FRN(kind, 3, learnable), values((2, 3, *(2, 3, 2)[3 - kind :]), 0))


def test_by_hand():
    """The root mean square of (3, −4, 5, 0) is √(50/4); what is below τ = 0 becomes 0."""
    layer = nn.FilterResponseNorm1d(1, eps=0.0).double()
    y = layer(Tensor(np.array([[[3.0, -4, 5, 0]]]))).array
    np.testing.assert_allclose(y, np.array([[[3, 0, 5, 0]]]) / np.sqrt(12.5), rtol=1e-14)


def test_gradients():
    layer = nn.FilterResponseNorm2d(2, 0.1, learnable_eps=True).double()
    nn.init.constant_(layer.beta, 0.03)
    check_gradient(layer, values((2, 2, 2, 2), 0, away_from=(0.0,), gap=0.3))


def test_repr_and_refusals():
    assert repr(nn.FilterResponseNorm2d(3)) == "FilterResponseNorm2d(3, eps=1e-06, learnable_eps=False)"
    assert nn.FilterResponseNorm2d(3, learnable_eps=True).eps_l.item() == pytest.approx(1e-4)
    with pytest.raises(ValueError, match=r"FilterResponseNorm1d: expected 3D input \(got 2D input\)"):
        nn.FilterResponseNorm1d(3)(Tensor(np.zeros((2, 3), np.float32)))
    with pytest.raises(RuntimeError, match=r"FilterResponseNorm1d: expected 3 channels, got input of shape \(2, 1, 4\)"):
        nn.FilterResponseNorm1d(3)(Tensor(np.zeros((2, 1, 4), np.float32)))
