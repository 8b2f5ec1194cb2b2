"""LeNet-5, the network that read the cheques.

Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-Based Learning Applied to Document Recognition",
Proceedings of the IEEE, 1998.
"""

from __future__ import annotations

from scratchnet import nn
from scratchnet.autograd import Tensor


class LeNet5(nn.Module):
    """Digits of 28 × 28 pixels to scores for each class; 61,706 parameters.

        image 1 × 28 × 28
          conv1   6 filters 5 × 5, padding 2      6 × 28 × 28    strokes
          pool    2 × 2                           6 × 14 × 14
          conv2   16 filters 5 × 5 × 6           16 × 10 × 10    corners, loops, line ends
          pool    2 × 2                          16 ×  5 ×  5
          fc1     400 → 120
          fc2     120 → 84
          fc3      84 → 10                       logits

    With the defaults it differs from the paper's where practice has since: ReLU in place of tanh, the maximum
    of each window in place of a trained average, every filter of conv2 sees all maps of conv1, and the logits
    go into a softmax. The paper's flavour is `LeNet5(activation=nn.Tanh, pooling=nn.AvgPool2d)`.

    Parameters
    ----------
    num_classes : int
    activation, pooling : classes of modules
    """

    def __init__(
        self,
        num_classes: int = 10,
        activation: type[nn.Module] = nn.ReLU,
        pooling: type[nn.Module] = nn.MaxPool2d,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)
        self.activation, self.pool = activation(), pooling(2)

    def forward(self, x: Tensor) -> Tensor:
        """x [N, 1, 28, 28] → logits [N, num_classes]"""
        x = self.pool(self.activation(self.conv1(x)))
        x = self.pool(self.activation(self.conv2(x)))
        x = x.flatten(1)
        x = self.activation(self.fc1(x))
        x = self.activation(self.fc2(x))
        return self.fc3(x)
