"""jacobian, hessian, vjp, jvp, vhp, hvp: against torch, against each other, and in strict mode."""

import inspect

import numpy as np
import pytest
import torch

import scratchnet as sn
from scratchnet import Tensor
from scratchnet.autograd import functional as ours
from scratchnet.testing import check_gradient, values
from scratchnet.testing.compare import compare
from scratchnet.testing.to_torch import to_torch

theirs = torch.autograd.functional
NAMES = ["vjp", "jvp", "jacobian", "hessian", "vhp", "hvp"]

X, Y = values((2, 3), 0, low=0.5), values((3,), 1)


def several(x, y):
    return (x * y).exp(), x.sum() * y, x


def one(x, y):
    return (x * x * y).sum() + y.exp().sum()


# function, inputs, the shapes of the outputs; all but the first two give one number
FUNCTIONS = {
    "one to one": (lambda x: x.exp() * x, (X,), [(2, 3)]),
    "tuples": (several, (X, Y), [(2, 3), (3,), (2, 3)]),
    "linear": (lambda x, y: (2 * x + y).sum(), (X, Y), [()]),
    "scalar": (one, (X, Y), [()]),
    "not of one input": (lambda x, y: (x**3).sum(), (X, Y), [()]),
    "number": (lambda x: x**3, (np.array(2.0),), [()]),
}


def both(name, function, inputs, v=None, **kwargs):
    """The same call in both, on Tensors that require grad if a graph is wanted."""
    wants = kwargs.get("create_graph", False)
    results = []
    for module, convert in ((ours, lambda t: t), (theirs, to_torch)):
        xs = [convert(Tensor(x.copy())).requires_grad_(wants) for x in inputs]
        args = [xs[0] if len(xs) == 1 else tuple(xs)]
        if v is not None:
            vs = [convert(Tensor(a.copy())) for a in v]
            args.append(vs[0] if len(vs) == 1 else tuple(vs))
        results.append(getattr(module, name)(function, *args, **kwargs))
    return results


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("case", FUNCTIONS)
@pytest.mark.parametrize("name", NAMES)
def test_against_torch(name, case, create_graph):
    function, inputs, outputs = FUNCTIONS[case]
    if name in ("hessian", "vhp", "hvp") and outputs != [()]:
        message = r"should (return a single Tensor|contain a single element)"
        for module, convert in ((ours, Tensor), (theirs, torch.from_numpy)):
            point = tuple(map(convert, inputs))
            with pytest.raises(RuntimeError, match=message):
                getattr(module, name)(function, point, *(() if name == "hessian" else (point,)))
        return
    shapes = {"vjp": outputs, "jacobian": None, "hessian": None}.get(name, [x.shape for x in inputs])
    v = None if shapes is None else [values(shape, 7 + i) for i, shape in enumerate(shapes)]
    actual, expected = both(name, function, inputs, v, create_graph=create_graph)
    compare(name, actual, expected)


@pytest.mark.parametrize("name", NAMES)
def test_signature_is_torchs(name):
    a, b = (inspect.signature(getattr(module, name)).parameters for module in (ours, theirs))
    assert [(p.name, p.default) for p in a.values()] == [(p.name, p.default) for p in b.values()]


def test_by_hand():
    """f(x, y) = (x y, x + y) at (2, 3): J = [[3, 2], [1, 1]].  x² y: H = [[2y, 2x], [2x, 0]]."""
    point = Tensor(np.array([2.0, 3.0]))
    jacobian = ours.jacobian(lambda p: sn.stack([p[0] * p[1], p[0] + p[1]]), point)
    assert jacobian.array.tolist() == [[3, 2], [1, 1]]
    hessian = ours.hessian(lambda p: p[0] ** 2 * p[1], point)
    assert hessian.array.tolist() == [[6, 4], [4, 0]]


def test_products_agree_with_the_matrices():
    x, u, v = (Tensor(values((4,), seed)) for seed in range(3))

    def function(x):
        return x.flip(0) * x.exp()

    J = ours.jacobian(function, x)
    assert np.allclose(ours.vjp(function, x, u)[1].array, u.array @ J.array)
    assert np.allclose(ours.jvp(function, x, v)[1].array, J.array @ v.array)

    def scalar(x):
        return function(x).sum() ** 2

    H = ours.hessian(scalar, x)
    assert np.allclose(H.array, H.array.T)
    for product in (ours.vhp, ours.hvp):
        assert np.allclose(product(scalar, x, v)[1].array, H.array @ v.array)


@pytest.mark.parametrize("name", NAMES)
def test_results_are_differentiable_with_create_graph(name):
    function = one if name in ("hessian", "vhp", "hvp") else several

    def flat(x, y):
        result = getattr(ours, name)(
            function, (x, y), *(() if name in ("jacobian", "hessian") else (vector(x, y),)), create_graph=True
        )
        parts = result if name in ("jacobian", "hessian") else result[1]
        return tuple(part for row in parts for part in (row if isinstance(row, tuple) else (row,)))

    def vector(x, y):
        return several(x, y) if name == "vjp" else (x, y)

    check_gradient(flat, X, Y, order=1)


def test_the_callers_tensors_are_constants_inside():
    """x is an input and also used from outside: only the input is differentiated."""
    x = Tensor(np.array([2.0]), requires_grad=True)
    assert ours.jacobian(lambda t: t * x, x).array.tolist() == [[2.0]]
    assert x.grad is None and ours.vjp(lambda t: t * x, x)[1].requires_grad is False


def test_empty():
    """torch refuses these; an empty matrix is what the definition gives."""
    assert ours.jacobian(lambda x: x[:, :0], Tensor(X.copy())).shape == (2, 0, 2, 3)
    assert ours.hessian(lambda x: x.sum(), Tensor(np.zeros(0))).shape == (0, 0)


def test_works_in_no_grad():
    with sn.no_grad():
        assert ours.jacobian(lambda x: x * 2, Tensor(np.ones(1))).item() == 2


STRICT = {
    "an output without history": (
        lambda x, y: (x * y, Tensor(np.ones(1))),
        "Output 1 .* does not require gradients",
        ["vjp", "jvp", "jacobian"],
    ),
    "an input that is not used": (lambda x, y: (x * x).sum(), "independent of", NAMES),
    "a linear function": (lambda x, y: (x + y).sum(), "independent of the input", ["hessian", "vhp", "hvp"]),
}  # fmt: skip


@pytest.mark.parametrize("case", STRICT)
def test_strict(case):
    function, message, names = STRICT[case]
    for name in names:
        args = [(Tensor(Y.copy()), Tensor(Y.copy()))]
        if name in ("jvp", "vhp", "hvp"):
            args.append(args[0])
        with pytest.raises(RuntimeError, match=message):
            getattr(ours, name)(function, *args, strict=True)
        if len(FUNCTIONS["scalar"][1]) == len(args[0]) and name != "vjp":
            getattr(ours, name)(function, *args)  # and without strict it works


@pytest.mark.parametrize("name", NAMES)
def test_refusals(name):
    def refuses(error, match, *args, **kwargs):
        with pytest.raises(error, match=match):
            getattr(ours, name)(*args, **kwargs)

    x = Tensor(Y.copy())
    refuses(TypeError, "inputs given to", lambda x: x, [1.0])
    refuses(TypeError, "at index 1", lambda x, y: x, (x, 1.0))
    refuses(TypeError, "outputs of the user-provided function", lambda x: 1.0, x)
    if name in ("jacobian", "hessian"):
        strategy = "strategy" if name == "jacobian" else "outer_jacobian_strategy"
        refuses(AssertionError, "strategy", lambda x: x.sum(), x, **{strategy: "sideways"})
        refuses(NotImplementedError, "forward-mode", lambda x: x.sum(), x, **{strategy: "forward-mode"})
        refuses(RuntimeError, "together", lambda x: x.sum(), x, strict=True, vectorize=True)
    else:
        refuses(RuntimeError, "can only be None", (lambda x: x) if name == "vjp" else (lambda x: x.sum()), x)
        refuses(RuntimeError, "v has invalid size", lambda x: x.sum(), x, Tensor(np.ones(7)))
        refuses(RuntimeError, "single Tensor", lambda x: x.sum(), x, (x, x))
        refuses(TypeError, "v given to", lambda x: x.sum(), x, 1.0)
