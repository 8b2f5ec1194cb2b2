"""Parametrizations: what is computed, learned, saved, assigned, refused, and that nothing is left when they are removed."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch.nn.utils import parametrize as torch_parametrize

import scratchnet
from scratchnet import Tensor, nn
from scratchnet.nn.utils import parametrize
from scratchnet.nn.utils.parametrize import register_parametrization as register

LIBRARIES = [(nn, parametrize), (torch.nn, torch_parametrize)]


def modules(nn):
    """The same parametrizations, of either library."""

    class Symmetric(nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).T

        def right_inverse(self, x):
            return x.triu()

    class Double(nn.Module):
        def forward(self, x):
            return 2 * x

    class Halves(nn.Module):
        def forward(self, x, y):
            return x + 2 * y

        def right_inverse(self, z):
            return z * 0.5, z * 0.25

    class Shorter(nn.Module):
        def forward(self, x):
            return x[:1]

    return Symmetric, Double, Halves, Shorter


Symmetric, Double, Halves, Shorter = modules(nn)
TORCHS = modules(torch.nn)


def pair(inputs=3, outputs=3):
    theirs = torch.nn.Linear(inputs, outputs).double()
    ours = nn.Linear(inputs, outputs).double()
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def same(a, b):
    np.testing.assert_allclose(a.array, b.detach().numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("chain", [(0,), (1,), (2,), (0, 1), (1, 1), (1, 0)], ids=str)
def test_as_torchs(chain):
    """Values, names, gradients of the originals, the state dict, and the text."""
    ours, theirs = pair()
    for i in chain:
        assert register(ours, "weight", (Symmetric, Double, Halves)[i]()) is ours
        torch_parametrize.register_parametrization(theirs, "weight", TORCHS[i]())
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert repr(ours) == repr(theirs)
    assert parametrize.type_before_parametrizations(ours) is nn.Linear and isinstance(ours, nn.Linear)
    x = np.linspace(-1, 1, 6).reshape(2, 3)
    for _ in range(2):
        same(ours.weight, theirs.weight)
        y, expected = ours(Tensor(x)), theirs(torch.from_numpy(x))
        same(y, expected)
        y.cos().sum().backward()
        expected.cos().sum().backward()
        for (_, p), (_, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
            assert p.requires_grad
            same(p.grad, q.grad)
        ours.zero_grad(), theirs.zero_grad()
        copied = copy.deepcopy(ours)
        copied.load_state_dict({key: value * 1.5 for key, value in theirs.state_dict().items()})
        theirs.load_state_dict({key: value * 1.5 for key, value in theirs.state_dict().items()})
        ours = copied


@pytest.mark.parametrize("leave", [True, False])
def test_removed(leave):
    ours, theirs = pair()
    weight = ours.weight
    register(ours, "weight", Symmetric()), torch_parametrize.register_parametrization(theirs, "weight", TORCHS[0]())
    parametrize.remove_parametrizations(ours, "weight", leave)
    torch_parametrize.remove_parametrizations(theirs, "weight", leave)
    assert type(ours) is nn.Linear and not parametrize.is_parametrized(ours) and ours.weight is weight
    assert list(ours.state_dict()) == list(theirs.state_dict()) and not hasattr(ours, "parametrizations")
    same(ours.weight, theirs.weight)


def test_removed_from_several_originals():
    ours, _ = pair()
    before = ours.weight.array.copy()
    register(ours, "weight", Halves())
    register(ours, "bias", Double())
    with pytest.raises(ValueError, match="in terms of a sequence"):
        parametrize.remove_parametrizations(ours, "weight", leave_parametrized=False)
    parametrize.remove_parametrizations(ours, "weight")
    assert parametrize.is_parametrized(ours, "bias") and not parametrize.is_parametrized(ours, "weight")
    assert isinstance(ours.weight, nn.Parameter) and ours.weight.grad_fn is None
    np.testing.assert_array_equal(ours.weight.array, before)


def test_buffers_and_assignment():
    layer = nn.BatchNorm1d(2).double()
    register(layer, "running_mean", Halves())
    assert "parametrizations.running_mean.original1" in dict(layer.named_buffers())
    layer, wanted = nn.Linear(2, 2).double(), np.array([[1.0, 2.0], [2.0, 5.0]])
    register(layer, "weight", Symmetric())
    original = layer.parametrizations.weight.original
    layer.weight = Tensor(wanted)
    np.testing.assert_array_equal(layer.weight.array, wanted)
    np.testing.assert_array_equal(original.array, np.triu(wanted))
    assert layer.parametrizations.weight.original is original
    with pytest.raises(KeyError, match="already exists"):
        layer.weight = nn.Parameter(Tensor(wanted))
    register(layer, "bias", Double())
    with pytest.raises(RuntimeError, match="Double does not implement right_inverse"):
        layer.bias = Tensor(np.ones(2))


def test_computed_once_within_cached():
    calls = []

    class Counted(nn.Module):
        def forward(self, x):
            calls.append(1)
            return x * 1

    layer = register(nn.Linear(2, 2), "weight", Counted())
    calls.clear()
    with parametrize.cached():
        with parametrize.cached():
            first = layer.weight
        assert layer.weight is first and len(calls) == 1
    assert layer.weight is not first and len(calls) == 2


def test_a_copy_is_on_its_own():
    """In torch both share a class, and what is removed from one is gone from the other."""
    layer = register(register(nn.Linear(2, 2), "weight", Double()), "bias", Halves())
    copied = copy.deepcopy(layer)
    with parametrize.cached():
        assert copied.weight is not layer.weight and copied.weight is copied.weight
    parametrize.remove_parametrizations(parametrize.remove_parametrizations(copied, "weight"), "bias")
    assert type(copied) is nn.Linear and type(layer).__name__ == "ParametrizedLinear"
    np.testing.assert_array_equal(copied.weight.array, layer.weight.array)
    assert parametrize.type_before_parametrizations(copy.deepcopy(layer)) is nn.Linear


def test_an_optimizer_made_before_still_learns():
    layer = nn.Linear(2, 2)
    optimizer = scratchnet.optim.SGD(layer.parameters(), lr=1.0)
    register(layer, "weight", Symmetric())
    before = layer.weight.array.copy()
    layer.weight.sum().backward()
    optimizer.step()
    np.testing.assert_allclose(layer.weight.array, before - [[1, 2], [2, 1]], rtol=1e-6)


def test_training_mode_and_pickling():
    layer = register(nn.Linear(2, 2).eval(), "weight", Double())
    assert not layer.parametrizations.weight[0].training
    with pytest.raises(RuntimeError, match="state_dict"):
        pickle.dumps(layer)


def test_transferred():
    for library, tools in LIBRARIES:
        source, target = library.Linear(2, 2), library.Linear(2, 2)
        for parametrization in (modules(library)[0](), modules(library)[1]()):
            tools.register_parametrization(source, "weight", parametrization)
        assert tools.transfer_parametrizations_and_params(target, source) is source
        tools.transfer_parametrizations_and_params(source, target)
        assert target.parametrizations.weight.original is source.parametrizations.weight.original
        source = tools.register_parametrization(library.Linear(2, 2), "bias", modules(library)[2]())
        target = tools.transfer_parametrizations_and_params(source, library.Conv1d(1, 2, 1), "bias")
        assert target.parametrizations.bias.original1 is source.parametrizations.bias.original1


class _Of(nn.Module):
    """Parametrizations that do something wrong."""

    def __init__(self, forward, right_inverse):
        super().__init__()
        self.forward = forward
        if right_inverse:
            self.right_inverse = right_inverse


WRONG = {
    "shape": (lambda x: x[:1], None),
    "dtype": (lambda x: x.double(), None),
    "no tensor": (lambda x: 1, None),
    "inverse of another dtype": (lambda x: x.float(), lambda x: x.double()),
    "inverse is no tensor": (lambda x: x, lambda x: 1),
    "inverse makes no tensors": (lambda x, y: x, lambda x: (x, 1)),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_does_not_fit_is_refused(kind):
    with pytest.raises(ValueError, match="dtype|shape|tensor"):
        register(nn.Linear(2, 2), "weight", _Of(*WRONG[kind]))
    if kind != "inverse makes no tensors":
        with pytest.raises(ValueError, match="dtype|shape|tensor"):
            register(register(nn.Linear(2, 2), "weight", Double()), "weight", _Of(*WRONG[kind]))


def test_unsafe():
    layer = register(nn.Linear(2, 2), "weight", Shorter(), unsafe=True)
    assert layer.weight.shape == (1, 2) and layer.parametrizations.weight.unsafe


def test_other_refusals():
    layer = nn.Linear(2, 2)
    with pytest.raises(ValueError, match="with name 'wait'"):
        register(layer, "wait", Double())
    with pytest.raises(ValueError, match="does not have a parametrization on weight"):
        parametrize.remove_parametrizations(layer, "weight")
    with pytest.raises(ValueError, match="one or more modules"):
        parametrize.ParametrizationList([], layer.weight)
    register(layer, "weight", Halves())
    halves = layer.parametrizations.weight[0]
    for returned, match in [
        (lambda z: (z,), "of length 2"), (lambda z: z, "a sequence of tensors"), (lambda z: (z, 1), "element 1"),
        (lambda z: (z, z.double()), "has dtype float64"),
    ]:  # fmt: skip
        halves.right_inverse = returned
        with pytest.raises(ValueError, match=match):
            layer.weight = scratchnet.ones(2, 2)
