"""A perceptron with one hidden layer: it does not know which pixels are neighbours."""

from __future__ import annotations

from scratchnet import nn
from scratchnet.autograd import Tensor


class Perceptron(nn.Module):
    """logits = W₂ · relu(W₁ · pixels + b₁) + b₂

    Parameters
    ----------
    num_classes : int
    hidden : int
    pixels : int
        Numbers in an image, channels included.
    """

    def __init__(self, num_classes: int = 10, hidden: int = 128, pixels: int = 28 * 28) -> None:
        super().__init__()
        self.hidden = nn.Linear(pixels, hidden)
        self.output = nn.Linear(hidden, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """x [N, C, H, W] with C · H · W = pixels → logits [N, num_classes]"""
        return self.output(self.hidden(x.flatten(1)).relu())
