"""A whole network against torch: LeNet-5 from the same seed, the same ten steps."""

import gc

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet.autograd import Function
from scratchnet.testing import check_gradient, values

LIBRARIES = (scratchnet, torch)

NETWORKS = {
    "classic": lambda n: n.Sequential(
        n.Conv2d(1, 6, 5, padding=2),
        n.Tanh(),
        n.AvgPool2d(2),
        n.Conv2d(6, 16, 5),
        n.Tanh(),
        n.AvgPool2d(2),
        n.Flatten(),
        n.Linear(400, 120),
        n.Tanh(),
        n.Linear(120, 84),
        n.Tanh(),
        n.Linear(84, 10),
    ),
    "modern": lambda n: n.Sequential(
        n.Conv2d(1, 6, 5, padding="same", bias=False),
        n.BatchNorm2d(6),
        n.ReLU(inplace=True),
        n.MaxPool2d(2),
        n.Conv2d(6, 16, 5),
        n.BatchNorm2d(16),
        n.ReLU(),
        n.MaxPool2d(2),
        n.Flatten(),
        n.Linear(400, 84),
        n.BatchNorm1d(84),
        n.ReLU(),
        n.Linear(84, 10),
    ),
}
OPTIMIZERS = {
    "sgd": lambda o, ps: o.SGD(ps, lr=0.05, momentum=0.9, weight_decay=1e-4, nesterov=True),
    "adam": lambda o, ps: o.Adam(ps, lr=1e-3),
    "adamw": lambda o, ps: o.AdamW(ps, lr=1e-3, amsgrad=True),
}
# The gradient of a bias before a batch normalisation is nothing but rounding, which Adam scales up to a step
# of the usual
# size: in float32 the two libraries drift apart there.
PRECISION = {"classic": ("float32", 1e-5), "modern": ("float64", 1e-9)}


def train(lib, network, optimizer, steps=10):
    lib.manual_seed(3)
    net = NETWORKS[network](lib.nn)
    initial = [p.detach().clone().numpy() for p in net.parameters()]
    dtype, _ = PRECISION[network]
    net.to(getattr(lib, dtype))
    opt = OPTIMIZERS[optimizer](lib.optim, net.parameters())
    schedule = lib.optim.lr_scheduler.CosineAnnealingLR(opt, steps)
    loss_of = lib.nn.CrossEntropyLoss(label_smoothing=0.05)
    losses = []
    for step in range(steps):
        images = lib.tensor(values((16, 1, 28, 28), step, dtype=dtype))
        labels = lib.tensor(np.random.default_rng(step).integers(0, 10, 16))
        loss = loss_of(net(images), labels)
        opt.zero_grad()
        loss.backward()
        opt.step()
        schedule.step()
        losses.append(loss.item())
    return initial, losses, net


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_ten_steps_are_those_of_torch(network, optimizer):
    ours, theirs = (train(lib, network, optimizer) for lib in LIBRARIES)
    for a, b in zip(ours[0], theirs[0]):
        np.testing.assert_array_equal(a, b)  # the same weights to start with, bit for bit
    dtype, tolerance = PRECISION[network]
    np.testing.assert_allclose(ours[1], theirs[1], atol=tolerance, rtol=0)
    state = theirs[2].state_dict()
    assert list(ours[2].state_dict()) == list(state)
    images = values((4, 1, 28, 28), 99, dtype=dtype)
    a = ours[2].eval()(scratchnet.tensor(images))
    b = theirs[2].eval()(torch.tensor(images))
    np.testing.assert_allclose(a.array, b.detach().numpy(), atol=10 * tolerance)


def test_the_same_seed_gives_the_same_bits():
    runs = [train(scratchnet, "modern", "adam", steps=3) for _ in range(2)]
    assert runs[0][1] == runs[1][1]
    for p, q in zip(runs[0][2].parameters(), runs[1][2].parameters()):
        np.testing.assert_array_equal(p.array, q.array)


@pytest.mark.parametrize("network", NETWORKS)
def test_gradients_of_all_parameters(network):
    """Of a network small enough for finite differences, with every kind of layer that LeNet has."""
    n = scratchnet.nn
    scratchnet.manual_seed(0)
    classic = n.Sequential(n.Conv2d(1, 2, 3), n.Tanh(), n.AvgPool2d(2), n.Flatten(), n.Linear(8, 3))
    modern = n.Sequential(
        n.Conv2d(1, 2, 3), n.BatchNorm2d(2, momentum=0.0), n.Sigmoid(), n.MaxPool2d(2), n.Flatten(), n.Linear(8, 3)
    )
    net = {"classic": classic, "modern": modern}[network].double()
    check_gradient(net, values((2, 1, 6, 6), 1), order=1 if network == "modern" else 2)


def test_a_step_leaves_nothing_behind():
    """No reference cycles: without the collector, every graph is freed as its loss is."""
    net = NETWORKS["modern"](scratchnet.nn)
    net[6].register_full_backward_hook(lambda module, grad_input, grad_output: None)
    optimizer = scratchnet.optim.Adam(net.parameters())
    labels = scratchnet.tensor([1, 2])
    gc.collect()
    gc.disable()
    try:
        counts = []
        for _ in range(4):
            optimizer.zero_grad()
            scratchnet.nn.functional.cross_entropy(net(scratchnet.randn(2, 1, 28, 28)), labels).backward()
            optimizer.step()
            counts.append(sum(issubclass(type(x), (scratchnet.Tensor, Function)) for x in gc.get_objects()))
        assert counts[1] == counts[2] == counts[3]
    finally:
        gc.enable()


def test_a_network_that_is_used_without_gradients_records_nothing():
    net = NETWORKS["modern"](scratchnet.nn).eval()
    with scratchnet.no_grad():
        y = net(scratchnet.zeros(2, 1, 28, 28))
    assert y.grad_fn is None and y.shape == (2, 10)
