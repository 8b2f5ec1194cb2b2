"""The testers tested: known bugs are planted, and the harness must find each one and call it by its name."""

import numpy as np
import pytest

import scratchnet as sn
from scratchnet import Tensor, testing
from scratchnet.autograd import engine, gradcheck, gradgradcheck
from scratchnet.testing import values
from tests.testing.planting import op


def on_arrays(function):
    """A backward that leaves the Tensors: right at first order, not differentiable again."""
    return lambda xs, y, g: Tensor(function(*[x.array for x in xs], g.array))


def softmax(x):
    e = np.exp(x)
    return e / e.sum(-1, keepdims=True)


A, SQUARE, OTHER, ROW, VECTOR = (
    values((3, 4), 0),
    values((3, 3), 1),
    values((3, 3), 2),
    values((4,), 3),
    values((5,), 4),
)

# the bug, what the report must say about it, the inputs
PLANTED = {
    "factor 2": (op(lambda x: x**3, lambda xs, y, g: 6 * xs[0] ** 2 * g), "a factor 2", [A]),
    "factor 1/2": (op(lambda x: x * x, lambda xs, y, g: xs[0] * g), "a factor 1/2", [A]),
    "sign": (op(np.cos, lambda xs, y, g: g * xs[0].sin()), "sign flipped", [A]),
    "sum for mean": (
        op(lambda x: x.mean(-1), lambda xs, y, g: g.unsqueeze(-1).expand(3, 4)),
        "a factor 4, the size of dimension 1 of the input: a sum where a mean is meant",
        [A],
    ),
    "mean for sum": (op(np.add, lambda xs, y, g: (g, g.mean(0))), "a factor 1/3", [A, ROW]),
    "forgotten broadcast sum": (
        op(np.multiply, lambda xs, y, g: (g * xs[1], (g * xs[0])[0])),
        "missing sum: input 1 acts on all of axis 0",
        [A, ROW],
    ),
    "transposed gradient": (op(lambda x: 3 * x, lambda xs, y, g: 3 * g.mT), "axes exchanged", [SQUARE]),
    "W for its transpose": (
        op(np.matmul, lambda xs, y, g: (g @ xs[1], xs[0].mT @ g)),
        "W g is computed where Wᵀ g is meant",
        [SQUARE, OTHER],
    ),
    "forgotten product rule": (
        op(lambda x: x * np.sin(x), lambda xs, y, g: g * xs[0].sin()),
        "a term or a factor is wrong or missing",
        [A],
    ),
    "forgotten inner derivative": (
        op(lambda x: np.exp(x * x), lambda xs, y, g: g * y),
        "a term or a factor is wrong or missing",
        [A],
    ),
    "one shift too far": (
        op(lambda x: x * 2, lambda xs, y, g: 2 * sn.cat([g[1:], g[:1]])),
        "shifted by -1",
        [VECTOR],
    ),
    "reversed": (op(lambda x: x[::-1].copy(), lambda xs, y, g: g), "in reverse order", [VECTOR]),
    "gradient at the wrong index": (
        op(lambda x: x[[0, 0, 2]], lambda xs, y, g: sn.cat([g, sn.zeros(2, dtype=sn.float64)])),
        "output 0[1] arrives at input 0[1] and belongs to [0]",
        [VECTOR],
    ),
    "exchanged": (
        op(lambda x: x[[0, 2, 1, 3, 4]], lambda xs, y, g: g),
        "[2] holds what belongs to [1]",
        [VECTOR],
    ),
    "mask forgotten": (op(lambda x: np.maximum(x, 0), lambda xs, y, g: g), "gradient where there is none", [A]),
    "mask too strict": (
        op(lambda x: np.maximum(x, 0), lambda xs, y, g: g * (xs[0] > 1)),
        "missing gradient at",
        [A],
    ),
    "only the last of the repeated": (
        op(lambda x: x[[0, 0, 1]], on_arrays(lambda x, g: np.array([g[1], g[2], 0, 0, 0]))),
        "missing gradient at 1 of the 5 elements",
        [VECTOR],
    ),
    "None": (
        op(np.multiply, lambda xs, y, g: (g * xs[1], None)),
        "nothing flows back from output 0 to input 1",
        [A, ROW],
    ),
    "detached": (lambda x, w: x * w.detach(), "nothing flows back from output 0 to input 1", [A, ROW]),
    "zeros": (op(lambda x: x + 1, lambda xs, y, g: 0 * g), "backward gives zeros for input 0", [A]),
    "a gradient that is none": (
        op(lambda x, w: x + 0 * w, lambda xs, y, g: (g, g)),
        "does not depend on input 1",
        [A, ROW],
    ),
    "softmax as if elementwise": (
        op(softmax, lambda xs, y, g: g * y * (1 - y)),
        "only the diagonal is there",
        [ROW],
    ),
    "added constant": (op(np.square, lambda xs, y, g: g * (2 * xs[0] + 1)), "analytic = numeric + 1", [A]),
    "wrong factor for each column": (
        op(lambda x: x.sum(0), lambda xs, y, g: (g * Tensor(np.arange(1.0, 5.0))).expand(3, 4)),
        "each element of output 0 has a factor of its own, from 1 to 4",
        [A],
    ),
    "NaN": (op(lambda x: x * 2, lambda xs, y, g: g * float("nan")), "NaN or infinite", [VECTOR]),
    "float32 in forward": (
        op(lambda x: np.exp(x.astype(np.float32)).astype(np.float64), lambda xs, y, g: g * xs[0].exp()),
        "as a computation in float32 does",
        [A],
    ),
    "float32 in backward": (
        op(lambda x: x**2, lambda xs, y, g: 2 * xs[0].float().double() * g.float().double()),
        "backward loses precision",
        [A],
    ),
    "dtype dropped": (op(lambda x: x / 3, lambda xs, y, g: (g / 3).float()), "backward loses precision", [A]),
    "not linear": (op(lambda x: x + 1, lambda xs, y, g: g * g), "not linear in the gradient", [A]),
    "cotangent ignored": (
        op(lambda x: x + 1, lambda xs, y, g: sn.ones_like(g)),
        "not multiplied by grad_output",
        [A],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_planted_bug_is_found_and_named(name):
    function, words, inputs = PLANTED[name]
    with pytest.raises(AssertionError) as caught:
        testing.check_gradient(function, *inputs, order=1)
    report = " ".join(str(caught.value).split())
    assert words in report
    assert not gradcheck(function, [Tensor(x.copy(), True) for x in inputs], raise_exception=False)


wrong_derivative_of_cos = op(lambda x, g: g * np.cos(x), lambda xs, y, h: (h * xs[0].sin() * xs[1], h * xs[0].cos()))

# right first derivatives, wrong second ones
SECOND = {
    "left the Tensors": (
        op(np.sin, on_arrays(lambda x, g: g * np.cos(x))),
        "nothing flows back from the gradient of input 0 to",
    ),
    "an output as a constant": (
        op(np.exp, lambda xs, y, g: g * y.detach()),
        "nothing flows back from the gradient of input 0 to input 0",
    ),
    "a derivative of its own": (
        op(np.sin, lambda xs, y, g: wrong_derivative_of_cos(xs[0], g)),
        "sign flipped",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SECOND)
def test_wrong_second_derivative_is_found(name):
    function, words = SECOND[name]
    testing.check_gradient(function, VECTOR, order=1)
    with pytest.raises(AssertionError) as caught:
        testing.check_gradient(function, VECTOR)
    assert words in " ".join(str(caught.value).split())
    assert not gradgradcheck(function, Tensor(VECTOR, True), raise_exception=False)


# ---- what a backward must leave alone ----------------------------------------------------------------------
def _doubled_in_place(x):
    x *= 2
    return x.copy()


def _changing(xs, y, g):
    g.array *= 2
    return g


SIDE_EFFECTS = {
    "changes its input": (op(_doubled_in_place, lambda xs, y, g: 2 * g), "changed input 0 in place"),
    "changes the cotangent": (op(lambda x: 2 * x, _changing), "changed the gradient it was given"),
    "reads memory in the wrong order": (
        op(lambda x: x.ravel("K").reshape(x.shape) * 1.0, lambda xs, y, g: g),
        "different for non-contiguous inputs",
    ),
    "assumes a layout in backward": (
        op(np.square, on_arrays(lambda x, g: g * (2 * x if x.flags.c_contiguous else 0 * x))),
        "different for non-contiguous inputs",
    ),
}


@pytest.mark.parametrize("name", SIDE_EFFECTS)
def test_side_effect_is_found(name):
    function, words = SIDE_EFFECTS[name]
    with pytest.raises(AssertionError, match=words):
        testing.check_gradient(function, A, order=1)


def test_random_function_is_found():
    rng = np.random.default_rng(0)
    with pytest.raises(AssertionError, match="not deterministic"):
        testing.check_gradient(lambda x: x * Tensor(rng.standard_normal(4)), A)
    noisy = op(lambda x: x * 1.0, lambda xs, y, g: g * (1 + 1e-7 * rng.standard_normal()))
    with pytest.raises(AssertionError, match="not reentrant"):
        testing.check_gradient(noisy, A)
    assert gradcheck(noisy, Tensor(A, True), nondet_tol=1e-5, raise_exception=False) is False  # still not linear


def test_gradients_that_share_memory_are_found(monkeypatch):
    def accumulate_without_copy(leaf, g):
        leaf._grad = Tensor(g)

    monkeypatch.setattr(engine, "accumulate", accumulate_without_copy)
    with pytest.raises(AssertionError, match="the gradient of input 0 shares memory with the gradient of input 1"):
        testing.check_gradient(lambda a, b: a + b, A, A)
    with pytest.raises(AssertionError, match="shares memory with"):
        testing.check_gradient(lambda a: a + 1, A)


# ---- what is right must pass -------------------------------------------------------------------------------
RIGHT = {
    "elementwise": (lambda x: (x * x).exp(), [A]),
    "broadcast": (lambda x, w: x * w + w, [A, ROW]),
    "several outputs": (lambda x, w: (x * w, x.sum(), w.exp()), [A, ROW]),
    "matrices": (lambda a, b: (a @ b).mT, [SQUARE, OTHER]),
    "an input that is not used": (lambda a, b: a * 2, [A, ROW]),
    "integers and others beside": (lambda x, i, n: x[i] * n, [A, np.array([0, 2, 2]), 3]),
    "a linear function": (lambda x: 2 * x, [A]),
    "constant": (lambda x: 0 * x, [A]),
    "an empty array": (lambda x: x.exp(), [np.zeros((2, 0))]),
    "a number": (lambda x: x.sin(), [np.array(0.5)]),
    "kinks at a distance": (lambda x: x.abs() + x.clamp(min=0), [A]),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_function_passes(name):
    function, inputs = RIGHT[name]
    before = [np.copy(x) for x in inputs]
    testing.check_gradient(function, *inputs)
    assert all(np.array_equal(x, b) for x, b in zip(inputs, before))


def test_check_gradient_wants_float64():
    with pytest.raises(ValueError, match="float64"):
        testing.check_gradient(lambda x: x, np.zeros(3, np.float32))
    with pytest.raises(ValueError, match="order"):
        testing.check_gradient(lambda x: x, np.zeros(3), order=3)
