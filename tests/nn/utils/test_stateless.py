"""Modules called with other parameters than their own, made without initial values, wrapped, and under old names."""

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet import Tensor, func, nn
from scratchnet.nn import utils


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = self.b = nn.Parameter(scratchnet.ones(1))
        self.register_buffer("steps", scratchnet.zeros(1))
        self.note = 1

    def forward(self, x, factor=1):
        self.steps = self.steps + 1
        return (x * self.a + self.b) * factor


def test_other_parameters():
    net = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1)).double()
    before = {name: p for name, p in net.named_parameters()}
    given = {name: Tensor(np.full(p.shape, 0.5), True) for name, p in before.items()}
    y = func.functional_call(net, given, Tensor(np.ones((1, 2))))
    np.testing.assert_allclose(y.array, [[np.tanh(1.5) + 0.5]])
    y.sum().backward()
    assert given["2.bias"].grad.tolist() == [1] and given["2.weight"].grad.tolist() == [[np.tanh(1.5)] * 2]
    assert all(p.grad is None for p in before.values())
    assert all(p is before[name] for name, p in net.named_parameters())


def test_tied_parameters_buffers_and_keywords():
    net, two = Tied(), scratchnet.tensor([2.0])
    tensors = {"a": two, "steps": scratchnet.tensor([5.0])}
    assert func.functional_call(net, tensors, (two,), {"factor": 10}).item() == 60
    assert tensors["steps"].item() == 6 and net.steps.item() == 0
    assert func.functional_call(net, {"a": two}, two, tie_weights=False).item() == 5
    assert func.functional_call(net, [{"a": two}, {"b": two}], two, strict=False).item() == 6
    assert func.functional_call(net, ({"a": two}, {"steps": two}), two, strict=True).item() == 6
    with pytest.warns(FutureWarning, match=r"func.functional_call"):
        assert utils.stateless.functional_call(net, {"a": two}, two).item() == 6


def test_restored_after_an_error():
    net = nn.Linear(2, 2)
    weight = net.weight
    with pytest.raises(RuntimeError):
        func.functional_call(net, {"weight": scratchnet.ones(2, 3)}, scratchnet.ones(2))
    assert net.weight is weight


def test_refusals():
    net, x = Tied(), scratchnet.ones(1)
    cases = [
        (ValueError, r"\['a', 'b'\], which are tied", {"a": x, "b": x * 2}, {}),
        (RuntimeError, "Unexpected key.*'c'.*\n.*Missing key.*'steps'", {"a": x, "c": x}, {"strict": True}),
        (ValueError, "dict, or a list/tuple", 3, {}),
        (ValueError, "to be dictionaries", [3], {}),
        (ValueError, "multiple dictionaries", [{"a": x}, {"a": x}], {}),
        (TypeError, "not an instance", {"a": 1}, {}),
        (TypeError, "attribute `note`", {"note": x}, {}),
        (KeyError, "is empty", {"": x}, {}),
    ]
    for error, match, tensors, options in cases:
        with pytest.raises(error, match=match):
            func.functional_call(net, tensors, x, **options)
    with pytest.raises(RuntimeError, match="DataParallel"):
        func.functional_call(nn.DataParallel(net), {}, x)


def test_skip_init():
    scratchnet.manual_seed(0)
    before = scratchnet.get_rng_state()
    layer = utils.skip_init(nn.Linear, 2, out_features=3, bias=False, device="cpu", dtype=np.float64)
    assert layer.weight.shape == (3, 2) and layer.weight.dtype == np.float64 and layer.weight.requires_grad
    np.testing.assert_array_equal(scratchnet.get_rng_state(), before)  # nothing was drawn
    assert nn.Linear(50, 50).weight.array.std() > 0  # and afterwards it is again
    for wrong, match in ((nn.Flatten, "'device' arg"), (dict, "Expected a Module")):
        with pytest.raises(RuntimeError, match=match):
            utils.skip_init(wrong)


def test_data_parallel_calls_its_module():
    inner = nn.Linear(2, 3)
    wrapped, x = nn.DataParallel(inner, [0, 1], output_device=0, dim=1), scratchnet.ones(4, 2)
    np.testing.assert_array_equal(wrapped(input=x).array, inner(x).array)
    assert list(wrapped.state_dict()) == ["module.weight", "module.bias"] and wrapped.device_ids == []


def test_old_names():
    with pytest.warns(FutureWarning, match="NLLLoss2d"):
        loss = nn.NLLLoss2d(reduction="sum")
    assert isinstance(loss, nn.NLLLoss) and loss.reduction == "sum"
    with pytest.warns(FutureWarning, match="Container"):
        box = nn.Container(a=nn.Linear(1, 1))
    assert list(box.state_dict()) == ["a.weight", "a.bias"]


def test_factory_kwargs():
    for given in (None, {}, {"dtype": 1, "factory_kwargs": {"device": 2}}, {"memory_format": 3}):
        assert nn.factory_kwargs(given) == torch.nn.factory_kwargs(given)
    for given, match in (({"shape": 1}, "unexpected"), ({"dtype": 1, "factory_kwargs": {"dtype": 2}}, "twice")):
        with pytest.raises(TypeError, match=match):
            nn.factory_kwargs(given)


def test_clipping_by_a_norm_that_is_known():
    p, other = nn.Parameter(scratchnet.zeros(2)), nn.Parameter(scratchnet.zeros(1))
    p.grad = scratchnet.tensor([3.0, 4.0])
    utils.clip_grads_with_norm_([p, other], 1.0, scratchnet.tensor(10.0))
    np.testing.assert_allclose(p.grad.array, [0.3, 0.4], rtol=1e-6)
    utils.clip_grads_with_norm_(p, 1.0, scratchnet.tensor(0.5))  # never enlarged
    np.testing.assert_allclose(p.grad.array, [0.3, 0.4], rtol=1e-6)
    with pytest.warns(FutureWarning, match="clip_grad_norm_"):
        assert utils.clip_grad_norm(p, 0.05).item() == pytest.approx(0.5)
    with pytest.warns(UserWarning, match="empty generator"):
        utils.clip_grad_norm_((q for q in ()), 1.0)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_cross_map_lrn(size):
    """x · (k + α / size · Σ x²)^−β over the channels c ± ⌊(size − 1) / 2⌋; where no window left the first channel, torch's."""
    x = np.random.default_rng(0).standard_normal((2, 5, 2, 3))
    layer, side = nn.CrossMapLRN2d(size, alpha=0.5, beta=0.6, k=2.0), (size - 1) // 2
    y = layer(Tensor(x)).array
    for c in range(5):
        squares = (x[:, max(0, c - side) : c + side + 1] ** 2).sum(1)
        np.testing.assert_allclose(y[:, c], x[:, c] * (2 + 0.5 / size * squares) ** -0.6, rtol=1e-9)
    theirs = torch.nn.CrossMapLRN2d(size, alpha=0.5, beta=0.6, k=2.0)
    np.testing.assert_allclose(y[:, : side + 1], theirs(torch.from_numpy(x)).numpy()[:, : side + 1], rtol=1e-9)
    assert repr(layer) == repr(theirs)
    with pytest.raises(ValueError, match="4D, got 3D"):
        layer(Tensor(x[0]))
