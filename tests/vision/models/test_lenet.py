"""LeNet-5 and the perceptron against the same networks in torch."""

import numpy as np
import pytest
import torch

from scratchnet import Tensor, nn
from scratchnet.vision.models import LeNet5, Perceptron


class TorchLeNet(torch.nn.Module):
    def __init__(self, activation, pool):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = torch.nn.Conv2d(6, 16, 5)
        self.fc1 = torch.nn.Linear(400, 120)
        self.fc2 = torch.nn.Linear(120, 84)
        self.fc3 = torch.nn.Linear(84, 10)
        self.activation, self.pool = activation, pool

    def forward(self, x):
        for conv in (self.conv1, self.conv2):
            x = self.pool(self.activation(conv(x)), 2)
        for layer in (self.fc1, self.fc2):
            x = self.activation(layer(x.reshape(len(x), -1)))
        return self.fc3(x)


def torch_perceptron():
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden, self.output = torch.nn.Linear(784, 128), torch.nn.Linear(128, 10)

        def forward(self, x):
            return self.output(self.hidden(x.flatten(1)).relu())

    return Net()


@pytest.mark.parametrize(
    "make, twin",
    [
        (LeNet5, lambda: TorchLeNet(torch.relu, torch.nn.functional.max_pool2d)),
        (
            lambda: LeNet5(activation=nn.Tanh, pooling=nn.AvgPool2d),
            lambda: TorchLeNet(torch.tanh, torch.nn.functional.avg_pool2d),
        ),
        (Perceptron, torch_perceptron),
    ],
)
def test_outputs_and_gradients_are_torchs(make, twin):
    torch.manual_seed(0)
    ours, theirs = make(), twin()
    ours.load_state_dict({name: Tensor(value.detach().numpy()) for name, value in theirs.state_dict().items()})
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 1, 28, 28)).astype(np.float32), rng.integers(0, 10, 5)
    loss = nn.functional.cross_entropy(ours(Tensor(x)), Tensor(y))
    expected = torch.nn.functional.cross_entropy(theirs(torch.from_numpy(x)), torch.from_numpy(y))
    assert float(loss.array) == pytest.approx(expected.item(), rel=1e-5)
    loss.backward()
    expected.backward()
    for (name, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.array, q.grad.numpy(), rtol=1e-3, atol=1e-6, err_msg=name)


def test_sizes():
    assert sum(p.numel() for p in LeNet5().parameters()) == 61_706
    assert LeNet5(num_classes=3)(Tensor(np.zeros((2, 1, 28, 28), np.float32))).shape == (2, 3)
    with pytest.raises(RuntimeError):
        LeNet5()(Tensor(np.zeros((2, 3, 28, 28), np.float32)))
