"""`compare` and `replay` on models of all kinds: what they share, return and lack."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet import interop, nn

X = np.random.default_rng(0).standard_normal((2, 4))
TOKENS = np.array([[1, 2, 1], [4, 0, 6]])


def models(lib):
    """Each class for both libraries."""

    class Shared(lib.nn.Module):
        """One module under two names, called twice."""

        def __init__(self):
            super().__init__()
            self.a = lib.nn.Linear(4, 4)
            self.b = self.a

        def forward(self, x):
            return self.b(self.a(x).relu())

    class Tied(lib.nn.Module):
        """One parameter in two modules."""

        def __init__(self):
            super().__init__()
            self.embedding, self.out = lib.nn.Embedding(7, 4), lib.nn.Linear(4, 7, bias=False)
            self.out.weight = self.embedding.weight

        def forward(self, tokens):
            return self.out(self.embedding(tokens))

    class Returning(lib.nn.Module):
        """Returns what it is told."""

        def __init__(self, what):
            super().__init__()
            self.a, self.what = lib.nn.Linear(4, 4), what

        def forward(self, x):
            return self.what(self.a(x))

    class Bare(lib.nn.Module):
        """No parameters, no layers."""

        def forward(self, x):
            return x.tanh()

    class Repeated(lib.nn.Module):
        def __init__(self, times):
            super().__init__()
            self.a, self.times = lib.nn.Linear(4, 4), times

        def forward(self, x):
            for _ in range(self.times):
                x = self.a(x)
            return x

    class InPlace(lib.nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.act = lib.nn.Linear(4, 4), lib.nn.ReLU(inplace=True)

        def forward(self, x):
            x += 1
            return self.act(self.a(x))

    class Named(lib.nn.Module):
        """An activation that goes by a name."""

        def __init__(self, name):
            super().__init__()
            self.a, self.name = lib.nn.Linear(4, 4), name
            setattr(self, name, lib.nn.ReLU())

        def forward(self, x):
            return getattr(self, self.name)(self.a(x))

    class Trying(lib.nn.Module):
        """Catches the error of a layer."""

        def __init__(self):
            super().__init__()
            self.a, self.b = lib.nn.Linear(3, 4), lib.nn.Linear(4, 4)

        def forward(self, x):
            try:
                return self.a(x)
            except RuntimeError:
                return self.b(x)

    class Dropping(lib.nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.drop, self.norm = lib.nn.Linear(4, 8), lib.nn.Dropout(0.5), lib.nn.BatchNorm1d(8)

        def forward(self, x):
            return self.norm(self.drop(self.a(x)))

    kinds = (Shared, Tied, Returning, Bare, Repeated, InPlace, Named, Trying, Dropping)
    return SimpleNamespace(**{kind.__name__: kind for kind in kinds})


OURS, THEIRS = models(scratchnet), models(torch)


def both(name, *args):
    torch.manual_seed(0)
    return getattr(OURS, name)(*args), getattr(THEIRS, name)(*args)


def replayed(ours, theirs, inputs, path, **options):
    """The comparison, and that a recording of torch's side says the same."""
    comparison = interop.compare(ours, theirs, inputs, dtype="float64", **options)
    interop.record(theirs, inputs, path, dtype="float64", **options)
    assert str(interop.replay(ours, path)) == str(comparison)
    return comparison


@pytest.mark.parametrize(
    ("name", "args", "inputs"),
    [
        ("Shared", (), X), ("Tied", (), TOKENS), ("Bare", (), X), ("Repeated", (3,), X), ("InPlace", (), X),
        ("Named", ("act",), X), ("Trying", (), X), ("Dropping", (), np.r_[X, -X]),
        ("Returning", (lambda y: (y, (y * 2, [y.sum(), None, "text"])),), X),
        ("Returning", (lambda y: {"y": y, "more": {"sum": y.sum()}, 3: y.argmax(-1)},), X),
        ("Returning", (lambda y: -y.abs().log() / 0,), X),
    ],
)  # fmt: skip
def test_what_agrees(name, args, inputs, tmp_path):
    for train in (True, False):
        comparison = replayed(*both(name, *args), inputs, tmp_path / "net.pt", train=train)
        assert comparison.ok and any(row.backward for row in comparison.rows), str(comparison)


def test_parameters_that_modules_share_are_compared_once():
    rows = interop.compare(*both("Tied"), TOKENS).rows
    assert [str(row) for row in rows if row.kind == "parameter"] == ["gradient of weight of embedding (Embedding)"]
    rows = interop.compare(*both("Shared"), X).rows
    assert [row.layer for row in rows if row.what == "output"] == ["a", "a #2", ""]


@pytest.mark.parametrize("what", [lambda y: None, lambda y: y.argmax(-1)])
def test_without_gradients_it_is_said(what, tmp_path):
    comparison = replayed(*both("Returning", what), X, tmp_path / "net.pt")
    assert comparison.ok and comparison.verdict[1:] == [
        "no gradients are compared: nothing that torch's model returned requires grad"
    ]


def test_equal_nan_and_infinities_agree():
    def strange(y):
        return (y - y) / (y - y) + y.abs().log()

    comparison = interop.compare(*both("Returning", strange), X)
    assert comparison.ok and np.isnan(next(r for r in comparison.rows if str(r) == "output of Returning").theirs).all()
    ours = OURS.Returning(strange)
    comparison = interop.compare(ours, THEIRS.Returning(lambda y: y), X)
    assert comparison.facts == ["8 of 8 numbers are NaN or infinite"] and comparison.causes == []


def test_more_outputs_than_torch_has_are_a_difference():
    ours, theirs = OURS.Returning(lambda y: {"a": y, "b": y}), THEIRS.Returning(lambda y: {"a": y})
    comparison = interop.compare(ours, theirs, X)
    assert comparison.verdict[0] == "first difference: output.b of Returning: it is there, in torch it is not"
    fewer = interop.compare(OURS.Returning(lambda y: (y,)), THEIRS.Returning(lambda y: (y, y * 2)), X)
    assert fewer.verdict[0] == "first difference: output[1] of Returning: it is missing"


def test_other_calls_are_told():
    comparison = interop.compare(OURS.Repeated(2), THEIRS.Repeated(3), X)
    assert not comparison.ok and comparison.unmatched == (["a #3"], [])
    comparison = interop.compare(OURS.Named("act"), THEIRS.Named("relu"), X)
    assert comparison.ok and comparison.verdict[1:] == [
        "called only in torch's model, and not compared: relu",
        "called only in ours, and not compared: act",
    ]


def test_the_headline_names_the_dtypes():
    assert "beside torch 2.13.0: float64, seed 0, training" in interop.compare(*both("Bare"), X).headline
    mixed = [lib.nn.Sequential(lib.nn.Linear(4, 3), lib.nn.Identity()) for lib in (scratchnet, torch)]
    mixed[1].register_buffer("scale", torch.ones(1, dtype=torch.float64))
    mixed[0].register_buffer("scale", scratchnet.ones(1, dtype=scratchnet.float64))
    assert ": float32 and float64, seed 0" in interop.compare(*mixed, X).headline
    flat = [lib.nn.Flatten() for lib in (scratchnet, torch)]
    assert ": no floats, seed 0" in interop.compare(*flat, TOKENS).headline


# ---- what goes wrong -----------------------------------------------------------------------------------------
def failing(y):
    raise OSError("the disk is full")


@pytest.mark.parametrize(
    ("ours", "theirs", "note"),
    [
        (lambda y: y, failing, "(in the model of torch)"),
        (failing, lambda y: y, "(in our model)"),
    ],
)
def test_errors_say_whose_model_raised_them(ours, theirs, note):
    with pytest.raises(OSError, match="the disk is full") as caught:
        interop.compare(OURS.Returning(ours), THEIRS.Returning(theirs), X)
    assert caught.value.__notes__ == [note]


def test_errors_say_in_which_layer():
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied") as caught:
        interop.compare(*both("Shared"), X[:, :2])
    assert caught.value.__notes__ == ["(in a (Linear) of the model of torch)"]


LINEAR, PACKED = torch.nn.Linear(4, 4), torch.nn.utils.rnn.pack_sequence([torch.ones(2, 4)])


@pytest.mark.parametrize(
    ("theirs", "inputs", "options", "error", "message"),
    [
        (LINEAR, X, {"rtol": -1}, ValueError, "rtol must be a number ≥ 0, got -1"),
        (LINEAR, X, {"atol": np.nan}, ValueError, "atol must be a number ≥ 0, got nan"),
        (LINEAR, X, {"seed": -1}, ValueError, "seed must be an integer ≥ 0, got -1"),
        (LINEAR, X, {"seed": "a"}, ValueError, "seed must be an integer ≥ 0, got 'a'"),
        (LINEAR, X, {"loss": 3}, TypeError, "loss must be a function of the module's output, got int"),
        (LINEAR, X, {"loss": lambda y: 3.0}, TypeError, "loss must return a tensor of one number, got float"),
        (LINEAR, X, {"loss": lambda y: y}, TypeError, r"loss must return a tensor of one number, got \[2, 4\]"),
        (LINEAR, X, {"dtype": "int64"}, ValueError, "expected dtype float16, float32 or float64, got int64"),
        (LINEAR, PACKED, {}, TypeError, r"inputs have torch\S+PackedSequence among them, expected tensors, arrays"),
        (torch.nn.Linear(4, 4).bfloat16(), X, {}, ValueError, "bfloat16, which NumPy has not: compare with dtype="),
        (nn.Linear(4, 4), X, {}, TypeError, r"theirs must be a torch.nn.Module, got scratchnet\S+Linear"),
        (torch.nn.Linear, X, {}, TypeError, r"theirs must be a torch.nn.Module, got the class torch\S+Linear"),
    ],
)  # fmt: skip
def test_refusals(theirs, inputs, options, error, message):
    with pytest.raises(error, match=message):
        interop.compare(nn.Linear(4, 4), theirs, inputs, **options)


def test_bfloat16_is_compared_in_another_dtype():
    assert interop.compare(nn.Linear(4, 4), torch.nn.Linear(4, 4).bfloat16(), X, dtype="float32").ok


def test_ours_must_be_ours():
    for replay in (interop.replay, lambda ours, file: interop.compare(ours, LINEAR, X)):
        with pytest.raises(TypeError, match=r"ours must be a scratchnet.nn.Module, got torch\S+Linear"):
            replay(LINEAR, "lstm")
