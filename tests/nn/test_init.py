"""Initialisers: with the same seed torch's numbers; refusals; what the distributions promise."""

import math
import re

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet import nn

LIBRARIES = (scratchnet, torch)


def filled(text, shape, seed=7, dtype="float32"):
    """The tensor that either library fills after the same seed."""
    results = []
    for lib in LIBRARIES:
        lib.manual_seed(seed)
        w = lib.full(shape, 3.0, dtype=getattr(lib, dtype))
        returned = eval(f"init.{text.format(w='w')}", {"init": lib.nn.init, "w": w, "math": math})
        assert returned is w
        results.append(w.numpy())
        results.append(lib.rand(3).tolist())  # the state after is the same too
    ours, ours_after, theirs, theirs_after = results
    assert ours_after == pytest.approx(theirs_after)
    return ours, theirs


EXACT = [
    "uniform_({w})",
    "uniform_({w}, -2.0, 5.0)",
    "normal_({w})",
    "normal_({w}, 3.0, 0.1)",
    "constant_({w}, 2.5)",
    "ones_({w})",
    "zeros_({w})",
    "xavier_uniform_({w})",
    "xavier_uniform_({w}, gain=2.0)",
    "xavier_normal_({w}, 0.5)",
    "kaiming_uniform_({w})",
    "kaiming_uniform_({w}, a=math.sqrt(5))",
    "kaiming_uniform_({w}, mode='fan_out', nonlinearity='tanh')",
    "kaiming_normal_({w}, nonlinearity='relu')",
    "kaiming_normal_({w}, mode='FAN_OUT', nonlinearity='selu')",
]


@pytest.mark.parametrize("text", EXACT)
@pytest.mark.parametrize("shape", [(3, 4), (40, 30), (6, 3, 5, 5), (2, 3, 4)])
def test_numbers_are_those_of_torch(text, shape):
    ours, theirs = filled(text, shape)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("text", EXACT)
def test_numbers_in_double_precision(text):
    ours, theirs = filled(text, (5, 7), dtype="float64")
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.filterwarnings("ignore:mean is more than 2 std")
@pytest.mark.parametrize(
    "bounds", ["", ", 0.0, 0.02", ", 0.0, 1.0, -0.5, 3.0", ", 0.0, 1.0, 2.0, 4.0", ", 5.0, 1.0, -2.0, 2.0"]
)
@pytest.mark.parametrize("shape", [(5,), (40, 30)])
def test_truncated_normal(bounds, shape):
    ours, theirs = filled(f"trunc_normal_({{w}}{bounds})", shape)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("text", ["eye_({w})", "sparse_({w}, 0.3)", "sparse_({w}, sparsity=0.9, std=2.0)"])
@pytest.mark.parametrize("shape", [(3, 5), (5, 3)])
def test_matrices(text, shape):
    np.testing.assert_array_equal(*filled(text, shape))


@pytest.mark.parametrize("shape", [(4, 4), (3, 7), (7, 3), (6, 2, 3, 3)])
def test_orthogonal(shape):
    ours, theirs = filled("orthogonal_({w}, gain=2.0)", shape)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    flat = ours.reshape(shape[0], -1)
    product = flat @ flat.T if flat.shape[0] < flat.shape[1] else flat.T @ flat
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-5)


@pytest.mark.parametrize("shape", [(4, 2, 3), (4, 4, 3, 5), (6, 2, 2, 3, 3)])
@pytest.mark.parametrize("groups", [1, 2])
def test_dirac(shape, groups):
    np.testing.assert_array_equal(*filled(f"dirac_({{w}}, groups={groups})", shape))


def test_dirac_passes_images_on():
    conv = nn.Conv2d(3, 3, 3, padding=1, bias=False)
    nn.init.dirac_(conv.weight)
    x = scratchnet.randn(2, 3, 5, 5)
    np.testing.assert_array_equal(conv(x).array, x.array)


@pytest.mark.parametrize(
    "name", ["linear", "conv1d", "conv_transpose3d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"]
)
def test_gains(name):
    for param in (None, 0.2, 1):
        assert nn.init.calculate_gain(name, param) == torch.nn.init.calculate_gain(name, param)


REFUSED = [
    ("eye_({w})", (3,)),
    ("dirac_({w})", (3, 3)),
    ("dirac_({w}, groups=2)", (3, 3, 3)),
    ("xavier_uniform_({w})", (3,)),
    ("kaiming_normal_({w}, mode='fan')", (3, 3)),
    ("kaiming_normal_({w}, nonlinearity='sine')", (3, 3)),
    ("kaiming_normal_({w}, a=True)", (3, 3)),
    ("orthogonal_({w})", (3,)),
    ("sparse_({w}, 0.1)", (3,)),
    ("normal_({w}, 0.0, -1.0)", (3, 3)),
    ("uniform_({w}, 1.0, 0.0)", (3, 3)),
]


@pytest.mark.parametrize("text, shape", REFUSED)
def test_refusals_are_those_of_torch(text, shape):
    types = []
    for lib in LIBRARIES:
        with pytest.raises((ValueError, RuntimeError)) as caught:
            eval(f"init.{text.format(w='w')}", {"init": lib.nn.init, "w": lib.ones(shape)})
        types.append(caught.type)
    assert types[0] is types[1]


@pytest.mark.parametrize("text", ["kaiming_uniform_({w})", "kaiming_normal_({w})"])
def test_tensors_without_elements(text):
    for lib in LIBRARIES:
        with pytest.warns(UserWarning, match="zero-element"):
            eval(f"init.{text.format(w='w')}", {"init": lib.nn.init, "w": lib.ones(0, 3)})


def test_a_generator_of_ones_own():
    draws = [
        nn.init.normal_(scratchnet.empty(20), generator=scratchnet.Generator().manual_seed(3)).tolist()
        for _ in range(2)
    ]
    assert draws[0] == draws[1]


WITH_GENERATOR = [
    "uniform_({w}, -1, 1, generator=g)",
    "normal_({w}, 1, 2, generator=g)",
    "trunc_normal_({w}, generator=g)",
    "trunc_normal_({w}, a=2.0, b=4.0, generator=g)",
    "xavier_uniform_({w}, generator=g)",
    "xavier_normal_({w}, generator=g)",
    "kaiming_uniform_({w}, generator=g)",
    "kaiming_normal_({w}, generator=g)",
    "orthogonal_({w}, generator=g)",
    "sparse_({w}, 0.5, generator=g)",  # the places of the zeros come from the default generator, as in torch
]


@pytest.mark.parametrize("text", WITH_GENERATOR)
def test_numbers_of_another_generator_are_those_of_torch(text):
    results, after = [], []
    for lib in LIBRARIES:
        lib.manual_seed(3)
        names = {"init": lib.nn.init, "w": lib.empty(6, 4), "g": lib.Generator().manual_seed(11)}
        results.append(eval(f"init.{text.format(w='w')}", names).numpy())
        after.append([lib.rand(2).tolist(), lib.rand(2, generator=names["g"]).tolist()])
    np.testing.assert_allclose(results[0], results[1], 1e-6, 1e-6)
    assert after[0] == after[1]


@pytest.mark.parametrize("name, arguments", [
    ("uniform", ()), ("normal", ()), ("constant", (2.0,)), ("eye", ()), ("dirac", ()), ("xavier_uniform", ()),
    ("xavier_normal", ()), ("kaiming_uniform", ()), ("kaiming_normal", ()), ("orthogonal", ()), ("sparse", (0.5,))])  # fmt: skip
def test_old_names(name, arguments):
    shape, results = (3, 3, 3) if name == "dirac" else (3, 3), []
    for lib in LIBRARIES:
        lib.manual_seed(3)
        with pytest.warns(FutureWarning) as caught:
            results.append(getattr(lib.nn.init, name)(lib.empty(shape), *arguments).numpy())
        results.append(str(caught[0].message))
    np.testing.assert_allclose(results[0], results[2], 1e-6, 1e-6)
    assert results[1] == results[3]


def test_parameters_that_are_learned_can_be_filled_and_stay_leaves():
    w = nn.Parameter(scratchnet.zeros(3, 3))
    assert nn.init.uniform_(w) is w and w.is_leaf and w.requires_grad and w.array.any()


LAYERS = [
    "Linear(20, 30)",
    "Linear(3, 2, bias=False)",
    "Conv2d(3, 8, 5)",
    "Conv2d(4, 6, (3, 2), groups=2, bias=False)",
    "Embedding(7, 5)",
    "Embedding(7, 5, padding_idx=2)",
    "BatchNorm2d(4)",
    "LayerNorm((3, 4))",
    "Sequential(Conv2d(1, 6, 5), BatchNorm2d(6), Flatten(), Linear(24, 10))",
]


@pytest.mark.parametrize("text", LAYERS)
def test_layers_start_with_torchs_weights_after_the_same_seed(text):
    states = []
    for lib in LIBRARIES:
        lib.manual_seed(42)
        states.append({k: v.numpy() for k, v in eval(text, vars(lib.nn)).state_dict().items()})
    assert list(states[0]) == list(states[1])
    for key in states[0]:
        np.testing.assert_array_equal(states[0][key], states[1][key], err_msg=key)
        assert states[0][key].dtype == states[1][key].dtype


def test_reset_parameters_draws_anew():
    layer = nn.Linear(3, 3)
    before = layer.weight.array.copy()
    layer.reset_parameters()
    assert (layer.weight.array != before).all()
    assert re.match(r"tensor\(", repr(layer.weight.data))


def _network():
    scratchnet.manual_seed(0)
    layers = [nn.Conv2d(2, 4, 3), nn.Tanh(), nn.Conv2d(4, 3, 3, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(12, 3)]
    return nn.Sequential(*layers).double(), 5 * scratchnet.randn(6, 2, 6, 6, dtype=scratchnet.float64)


def test_lsuv_gives_every_layer_unit_variance():
    model, x = _network()
    assert nn.init.lsuv_(model, x) is model
    for layer in model:
        x = layer(x)
        if hasattr(layer, "weight"):
            assert x.var(correction=0).item() == pytest.approx(1)
            flat = layer.weight.array.reshape(len(layer.weight), -1)  # still orthogonal: only scaled
            gram = flat @ flat.T
            np.testing.assert_allclose(gram, gram[0, 0] * np.eye(len(gram)), atol=1e-12)
            assert layer.bias is None or not layer.bias.array.any()
        assert not layer._forward_hooks


def test_lsuv_by_hand():
    layer = nn.Linear(1, 1)
    nn.init.constant_(layer.weight, 3.0)
    nn.init.constant_(layer.bias, 7.0)
    nn.init.lsuv_(layer, scratchnet.tensor([[-2.0], [2.0]]), orthogonal=False)  # outputs 1 and 13: variance 36
    assert (layer.weight.item(), layer.bias.item()) == (0.5, 7)
    nn.init.lsuv_(layer, scratchnet.tensor([[-2.1], [2.1]]), tol=0.2, orthogonal=False)  # variance 1.1025: near enough
    assert layer.weight.item() == 0.5


def test_lsuv_of_layers_used_twice_or_never_and_of_several_inputs():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.unused, self.twice = nn.Linear(3, 3), nn.Linear(3, 3)

        def forward(self, x, scale):
            return self.twice(self.twice(x) * scale)

    net, x = Net(), scratchnet.randn(5, 3)
    nn.init.lsuv_(net, (x, 2.0), tol=1e-4)
    assert net.twice(x).var(correction=0).item() == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(net.unused.weight.array @ net.unused.weight.array.T, np.eye(3), atol=1e-6)


@pytest.mark.parametrize("value, message", [(math.nan, "holds NaN"), (math.inf, "holds NaN or inf"), (0.0, "layer '0'")])
def test_lsuv_refuses_batches_that_say_nothing(value, message):
    model, x = _network()
    x[0] = value
    with pytest.raises(ValueError, match=message):
        nn.init.lsuv_(model, x * 0 if value == 0 else x)
    assert not any(layer._forward_hooks for layer in model)
