"""Spatial transformers: torch's grid_sample, gradients through image and points, by hand."""

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet import Tensor, nn
from scratchnet.testing import check_gradient, check_layer, values


class Transformer(torch.nn.Module):
    def __init__(self, localisation, size, align_corners, **modes):
        super().__init__()
        self.localisation, self.size, self.align_corners, self.modes = localisation, size, align_corners, modes

    def forward(self, x):
        theta = self.localisation(x)
        if theta.shape[1] == 3:
            s, a, b = theta.T
            theta = torch.stack([torch.stack([s, 0 * s, a], 1), torch.stack([0 * s, s, b], 1)], 1)
        size = [*x.shape[:2], *(self.size or x.shape[2:])]
        grid = torch.nn.functional.affine_grid(theta.reshape(-1, 2, 3), size, self.align_corners)
        return torch.nn.functional.grid_sample(x, grid, align_corners=self.align_corners, **self.modes)


def localisation(library, features):
    return library.nn.Sequential(library.nn.Flatten(), library.nn.Linear(12, features), library.nn.Tanh())


@pytest.mark.parametrize(
    "features, size, align_corners, modes",
    [
        (6, None, False, {}),
        (6, (2, 5), True, {"mode": "nearest"}),
        (3, (2, 2), False, {"padding_mode": "border"}),
    ],
)
def test_against_torch(features, size, align_corners, modes):
    ours = nn.SpatialTransformer(localisation(scratchnet, features), size, align_corners=align_corners, **modes)
    theirs = Transformer(localisation(torch, features), size, align_corners, **modes)
    check_layer(ours, theirs, values((2, 1, 3, 4), 0))


def test_gradients():
    net = nn.SpatialTransformer(nn.Sequential(nn.Flatten(), nn.Linear(9, 6)), (2, 2)).double()
    net.localisation[1].weight.array[...] *= 0.1
    net.localisation[1].bias.array[...] = [0.61, 0.13, 0.05, -0.17, 0.53, 0.07]  # no point lies on a pixel's centre
    check_gradient(net, values((1, 1, 3, 3), 0))


def test_attention_by_hand():
    """Scale ½ at (½, ½): the lower right quarter."""

    class Constant(nn.Module):
        def forward(self, x):
            return Tensor(np.array([[0.5, 0.5, 0.5]]))

    x = Tensor(np.arange(16.0).reshape(1, 1, 4, 4))
    y = nn.SpatialTransformer(Constant(), (2, 2))(x)
    np.testing.assert_allclose(y.array[0, 0], [[10, 11], [14, 15]], rtol=1e-12)


def test_refusals_and_repr():
    net = nn.SpatialTransformer(nn.Flatten(), mode="nearest")
    with pytest.raises(RuntimeError, match=r"expected the localisation network to give \[2, 6\].*got shape \(2, 4\)"):
        net(scratchnet.ones(2, 1, 2, 2))
    assert "size=None, mode='nearest', padding_mode='zeros', align_corners=False" in repr(net)
