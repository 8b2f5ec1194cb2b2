"""`compare`: what is measured, where the first difference is found, and that nothing is changed."""

import copy
from collections import OrderedDict

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet import interop, nn
from scratchnet.autograd import Function
from scratchnet.interop.measuring import measure, ulps_between

RNG = np.random.default_rng(0)
IMAGES = RNG.standard_normal((3, 2, 5, 5))


def network(lib):
    return lib.nn.Sequential(
        OrderedDict(
            conv=lib.nn.Conv2d(2, 4, 3, padding=1),
            norm=lib.nn.BatchNorm2d(4),
            act=lib.nn.ReLU(inplace=True),
            drop=lib.nn.Dropout(0.5),
            flat=lib.nn.Flatten(),
            out=lib.nn.Linear(100, 3),
        )
    ).double()


def compare(ours, theirs, inputs, **options):
    return interop.compare(ours, theirs, inputs, dtype="float64", **options)


# ---- agreement -------------------------------------------------------------------------------------------
def test_a_right_model_has_no_difference_and_no_cause():
    comparison = compare(network(scratchnet), network(torch), IMAGES)
    assert comparison.ok and comparison.first_difference is None and comparison.likely_cause is None
    assert comparison.facts == [] and all(row.ok for row in comparison.rows)
    whats = {(row.layer, row.what) for row in comparison.rows}
    layers = ["conv", "norm", "act", "drop", "flat", "out"]
    assert whats >= {(layer, what) for layer in [*layers, ""] for what in ("output", "gradient")}
    layers.remove("act")  # works in place: torch forgets the gradient of what was overwritten
    assert whats >= {(layer, "gradient of input") for layer in [*layers, ""]}
    assert whats >= {(layer, f"gradient of {name}") for layer in ("conv", "norm", "out") for name in ("weight", "bias")}
    assert whats >= {("norm", "running_mean"), ("norm", "running_var"), ("norm", "num_batches_tracked")}
    assert "no difference" in str(comparison) and "beside torch" in str(comparison)


def test_evaluation_mode():
    comparison = compare(network(scratchnet), network(torch), IMAGES, train=False)
    assert comparison.ok and "evaluation" in comparison.headline
    assert "running_mean" not in {row.what for row in comparison.rows}  # unchanged: nothing to see


def test_rows_are_in_the_order_of_computation():
    rows = compare(network(scratchnet), network(torch), IMAGES).rows
    forward = [row.layer for row in rows if row.what == "output"]
    assert forward == ["conv", "norm", "act", "drop", "flat", "out", ""]
    backward = [row.layer for row in rows if row.what == "gradient"]
    assert backward == forward[::-1]


def test_neither_module_nor_generator_changes():
    ours, theirs = network(scratchnet), network(torch)
    theirs.norm.eval()
    before = copy.deepcopy(theirs.state_dict()), {k: v.array.copy() for k, v in ours.state_dict().items()}
    torch.manual_seed(1)
    scratchnet.manual_seed(1)
    drawn = torch.rand(3), scratchnet.rand(3)
    torch.manual_seed(1)
    scratchnet.manual_seed(1)
    images = IMAGES.copy()
    assert compare(ours, theirs, images).ok
    assert torch.equal(torch.rand(3), drawn[0]) and (scratchnet.rand(3).array == drawn[1].array).all()
    assert all(torch.equal(value, before[0][name]) for name, value in theirs.state_dict().items())
    assert all((value.array == before[1][name]).all() for name, value in ours.state_dict().items())
    assert theirs.training and not theirs.norm.training and ours.training and ours.norm.training
    for module in (*theirs.modules(), *ours.modules()):
        assert not (module._forward_hooks or module._forward_pre_hooks or module._backward_hooks)
    assert all(p.grad is None for p in (*theirs.parameters(), *ours.parameters()))
    np.testing.assert_array_equal(images, IMAGES)


class Twice(nn.Module):
    """One layer that is called twice, several outputs, and an argument by name."""

    def __init__(self, lib=scratchnet, first=1.0):
        super().__init__()
        self.linear, self.first = lib.nn.Linear(3, 3), first

    def forward(self, x, *, scale):
        y = self.linear(x) * self.first
        z = self.linear(y * scale)
        return {"y": y, "pair": (z, x.argmax(-1))}


class TorchTwice(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.first = torch.nn.Linear(3, 3), 1.0

    forward = Twice.forward


def test_second_calls_and_nested_outputs():
    inputs = {"x": RNG.standard_normal((2, 3)), "scale": RNG.standard_normal(3)}
    comparison = compare(Twice(), TorchTwice(), inputs)
    assert comparison.ok
    whats = {(row.layer, row.what) for row in comparison.rows}
    assert {("linear", "output"), ("linear #2", "output"), ("", "output.y"), ("", "output.pair[0]")} <= whats
    assert ("", "output.pair[1]") in whats and ("", "gradient.pair[1]") not in whats
    assert {("", "gradient of input.x"), ("", "gradient of input.scale")} <= whats
    wrong = compare(Twice(first=2.0), TorchTwice(), inputs)
    assert str(wrong.first_difference) == "input of linear #2 (Linear)"
    assert "forward of TorchTwice does before it calls linear #2" in wrong.place
    assert wrong.likely_cause is None and wrong.facts == ["ours is 2 times torch's, everywhere"]


# ---- weights, losses, dtypes, refusals -----------------------------------------------------------------------
def test_weights_that_do_not_fit_are_shown_in_a_table():
    with pytest.raises(RuntimeError, match=r"(?s)Missing key.*weight +3×4 +2×4 +other shape"):
        compare(
            nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 3)), torch.nn.Sequential(torch.nn.Linear(4, 2)), np.ones((1, 4))
        )


def test_loss():
    def loss(y):
        return (y * y).mean()

    comparison = compare(nn.Linear(3, 2), torch.nn.Linear(3, 2), np.ones((4, 3)), loss=loss)
    assert comparison.ok and "loss" in {row.kind for row in comparison.rows}
    pair = (lambda y: (y * y).sum(), loss)
    comparison = compare(nn.Linear(3, 2), torch.nn.Linear(3, 2), np.ones((4, 3)), loss=pair)
    assert comparison.first_difference.kind == "loss"
    assert comparison.likely_cause.text == (
        "loss is off by a constant factor of 8; 8 is the number of elements of the output"
    )


def test_float64_shows_what_rounding_hides():
    ours, theirs = nn.LayerNorm(4, eps=1e-5 + 1e-8), torch.nn.LayerNorm(4)
    x = RNG.standard_normal((3, 4)).astype(np.float32)
    assert interop.compare(ours, theirs, x).ok
    wrong = interop.compare(ours, theirs, x, dtype=torch.float64, rtol=1e-12, atol=0)
    assert not wrong.ok and wrong.first_difference.theirs.dtype == np.float64


def test_tolerances_are_those_of_torch_testing():
    for dtype in (torch.float16, torch.float32, torch.float64):
        e = torch.full((), 3.0, dtype=dtype)
        for steps in range(1, 32, 3):
            a = e.clone()
            for _ in range(steps):
                a = torch.nextafter(a, torch.tensor(9.0, dtype=dtype))
            a = a + (1e-5 if dtype != torch.float64 else 3.9e-7)
            problem = measure(a.numpy(), e.numpy(), None, None).problem
            try:
                torch.testing.assert_close(a, e)
            except AssertionError:
                assert problem == "differs"
            else:
                assert problem == ""


def test_another_dtype_shape_or_nothing_is_a_difference():
    y = np.ones((2, 3), np.float32)
    assert measure(y.astype(np.float64), y, None, None).problem == "has dtype float64, torch's float32"
    assert measure(y[0], y, None, None).problem == "has shape 3, torch's 2×3"
    assert measure(None, y, None, None).problem == "is missing"
    assert measure(np.ones(3), None, None, None).problem == "is there, in torch it is not"
    assert measure(np.zeros(3), None, None, None).problem == ""


def test_errors_by_hand():
    errors = measure(np.array([1.0, 2.5, 0.0, np.nan]), np.array([1.0, 2.0, 0.0, np.nan]), None, None)
    assert (errors.absolute, errors.relative, errors.problem) == (0.5, 0.25, "differs")
    errors = measure(np.array([1.0, np.nan]), np.array([1.0, 2.0]), None, None)
    assert errors.absolute == errors.ulps == np.inf and errors.problem == "differs"


def test_ulps_are_steps_between_neighbours():
    for dtype in (np.float16, np.float32, np.float64):
        one, tiny = dtype(1), np.nextafter(dtype(0), dtype(1))
        assert ulps_between(np.array([np.nextafter(one, dtype(2))]), np.array([one])) == 1
        assert ulps_between(np.array([-tiny]), np.array([tiny])) == 2
        assert ulps_between(np.array([dtype(-0.0)]), np.array([dtype(0)])) == 0
        assert ulps_between(np.array([dtype(2)]), np.array([one])) == 1 / np.finfo(dtype).eps


def test_arrays_take_the_dtype_of_the_model():
    comparison = interop.compare(nn.Linear(3, 2), torch.nn.Linear(3, 2), np.ones((4, 3)))
    assert comparison.ok and comparison.rows[0].theirs.dtype == np.float32


# ---- where it is ---------------------------------------------------------------------------------------------
class Noisy(nn.Linear):
    def forward(self, x):
        return super().forward(x) + 0.01 * (x.sum(-1, keepdim=True) ** 2).sin()


def test_an_unexplained_error_gets_no_cause():
    comparison = compare(Noisy(3, 4), torch.nn.Linear(3, 4), RNG.standard_normal((2, 3)))
    assert str(comparison.first_difference) == "output of Linear"
    assert comparison.likely_cause is None and comparison.causes == []
    assert "no known mistake gives these numbers" in str(comparison)


class Block(nn.Module):
    """The layers agree; what is done between them is up to `change`."""

    def __init__(self, change):
        super().__init__()
        self.a, self.b, self.change = nn.Linear(3, 3), nn.Linear(3, 3), change

    def forward(self, x):
        y = self.change(self.a(x))
        return x + self.b(y)


class TorchBlock(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)

    def forward(self, x):
        return x + self.b(self.a(x))


class Halved(Function):
    def forward(self, x):
        return x + 0

    def backward(self, g):
        return g * 0.5


def test_the_code_between_layers():
    x = RNG.standard_normal((2, 3))
    forward = compare(Block(lambda y: y.flip(-1)), TorchBlock(), x)
    assert str(forward.first_difference) == "input of b (Linear)"
    assert forward.facts[0] == "the same numbers in another order"
    backward = compare(Block(Halved()), TorchBlock(), x)
    assert str(backward.first_difference) == "gradient of a (Linear)"
    assert "look at what the forward of TorchBlock does with this output" in backward.place
    assert "constant factor of 1/2" in backward.likely_cause.text


class Detached(nn.Linear):
    def forward(self, x):
        return super().forward(x).detach() + 0 * x.sum()


def test_a_missing_gradient():
    comparison = compare(Detached(3, 2), torch.nn.Linear(3, 2), RNG.standard_normal((2, 3)))
    row = comparison.first_difference
    assert str(row) == "gradient of weight of Linear" and row.errors.problem == "is missing"
    assert comparison.likely_cause.text == "no gradient arrives"


class TorchDetached(torch.nn.Linear):
    def forward(self, x):
        return torch.nn.functional.linear(x, self.weight.detach(), self.bias)


def test_a_gradient_that_torch_has_not():
    comparison = compare(nn.Linear(3, 2), TorchDetached(3, 2), RNG.standard_normal((2, 3)))
    assert comparison.first_difference.errors.problem == "is there, in torch it is not"
    assert comparison.causes == []
    frozen = torch.nn.Linear(3, 2)
    frozen.weight.requires_grad_(False)
    ours = nn.Linear(3, 2)
    assert compare(ours, frozen, RNG.standard_normal((2, 3))).ok and ours.weight.requires_grad


def test_buffers_that_are_not_saved_are_nobody_elses_business():
    theirs = torch.nn.Linear(3, 2)
    theirs.register_buffer("mask", torch.ones(3), persistent=False)
    assert compare(nn.Linear(3, 2), theirs, np.ones((1, 3))).ok


def test_a_missing_output():
    class First(nn.LSTM):
        def forward(self, x):
            return super().forward(x)[0]

    comparison = compare(First(3, 4), torch.nn.LSTM(3, 4), RNG.standard_normal((5, 2, 3)))
    assert str(comparison).find("first difference: output[0] of LSTM: it is missing") > 0
    assert comparison.causes == [] and comparison.facts == []


def test_calls_of_one_side_are_named():
    class Inlined(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3)

        def forward(self, x):
            return x + self.b(x @ self.a.weight.T + self.a.bias)

    comparison = compare(Inlined(), TorchBlock(), RNG.standard_normal((2, 3)))
    assert comparison.ok and comparison.unmatched == (["a"], [])
    assert "called only in torch's model, and not compared: a" in str(comparison)
    assert {row.what for row in comparison.rows if row.layer == ""} >= {"gradient of a.weight", "gradient of a.bias"}
