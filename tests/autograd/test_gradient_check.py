"""gradcheck and gradgradcheck as tools: settings, reports, kinks, large inputs. Planted bugs: test_testers."""

import inspect
import warnings

import numpy as np
import pytest
import torch

import scratchnet as sn
from scratchnet import Tensor
from scratchnet.autograd import Function, GradcheckError, gradcheck, gradgradcheck
from scratchnet.testing import values


class Scaled(Function):
    """A wrong gradient on request."""

    def __init__(self, factor):
        self.factor = factor

    def forward(self, x):
        return x * 2.0

    def backward(self, g):
        return g * self.factor


def leaf(*shape, seed=0, **kwargs):
    return Tensor(values(shape, seed, **kwargs), requires_grad=True)


@pytest.mark.parametrize(
    "ours, theirs", [(gradcheck, torch.autograd.gradcheck), (gradgradcheck, torch.autograd.gradgradcheck)]
)
def test_signature_is_torchs(ours, theirs):
    a, b = inspect.signature(ours).parameters, inspect.signature(theirs).parameters
    assert [(p.name, p.kind, p.default) for p in a.values()] == [
        (p.name, p.kind, p.default) for p in b.values()
    ]


def test_returns():
    x = leaf(3)
    assert gradcheck(Scaled(2.0), x) is True
    assert gradcheck(Scaled(3.0), x, raise_exception=False) is False
    assert (
        gradgradcheck(Scaled(3.0), [x]) is True
    )  # the second derivative of something linear is right whatever its factor
    with pytest.raises(GradcheckError):
        gradcheck(Scaled(3.0), (x,))
    assert issubclass(GradcheckError, RuntimeError)


def test_report_by_hand():
    """y = 2x with a gradient of 3: analytic 3, numeric 2 at each of the two elements of the diagonal."""
    with pytest.raises(GradcheckError) as caught:
        gradcheck(Scaled(3.0), Tensor(np.array([1.0, 4.0]), True))
    assert str(caught.value).splitlines() == [
        "gradcheck: the gradient of output 0 with respect to input 0 is wrong.",
        "",
        "  diagnosis  analytic = 3/2 × numeric: a factor 3/2",
        "  worst      output 0[0] by input 0[0]: analytic 3, numeric 2, error 1 (50 %)",
        "  wrong      2 of 4 elements; allowed: 1e-05 + 0.001 · |numeric|",
        "",
        "  output 0  input 0  analytic  numeric  error  relative",
        "       [0]      [0]         3        2      1      50 %",
        "       [1]      [1]         3        2      1      50 %",
    ]


def test_report_names_each_wrong_pair_and_the_right_ones():
    a, b = leaf(2, seed=1), leaf(2, seed=2)
    with pytest.raises(GradcheckError) as caught:
        gradcheck(lambda a, b: (Scaled(-2.0)(a), Scaled(1.0)(b), a * b), (a, b))
    text = str(caught.value)
    assert "the gradient of output 0 with respect to input 0 is wrong" in text and "sign flipped" in text
    assert "also wrong: output 1 by input 1" in text and "a factor 1/2" in text
    assert "right: output 0 by input 1, output 1 by input 0, output 2 by input 0, output 2 by input 1" in text


# ---- kinks -------------------------------------------------------------------------------------------------
def test_one_kink_is_excluded_and_reported():
    x = Tensor(np.array([0.0, 1.0, -2.0, 3.0]), True)
    with pytest.warns(
        UserWarning,
        match=r"excluded as kinks: 1 of 16 .*output 0\[0\] by input 0\[0\], where the slope is -?0 .* and 1",
    ):
        assert gradcheck(lambda x: x.clamp(min=0), x)


@pytest.mark.parametrize(
    "function, point",
    [
        (lambda x: x.clamp(min=0), 1e-7),  # near the kink, inside the step
        (lambda x: x.floor() + x, 1.0),  # a jump
        (lambda x: x.sqrt(), 1e-7),  # the edge of the domain, inside the step
        (lambda x: x.clamp(max=1.0) + x, 1.0),
    ],
)
def test_other_points_without_derivative(function, point):
    with pytest.warns(UserWarning, match="excluded as kinks: 1 of"), np.errstate(invalid="ignore"):
        assert gradcheck(function, Tensor(np.array([point, 1.3, 2.6, 3.4]), True))


def test_a_gradient_outside_the_slopes_is_wrong_at_a_kink_too():
    class Relu(Function):
        def forward(self, x):
            return np.maximum(x, 0)

        def backward(self, g):
            return g * sn.where(self.inputs[0] == 0, -1.0, (self.inputs[0] > 0).double())

    with pytest.raises(GradcheckError, match=r"output 0\[0\] by input 0\[0\]: analytic -1, numeric 0.5"):
        gradcheck(Relu(), Tensor(np.array([0.0, 1.0, 2.0]), True))


def test_too_many_kinks_fail():
    with pytest.raises(GradcheckError, match=r"3 of 4 elements .* could not be checked"):
        gradcheck(lambda x: x.clamp(min=0), Tensor(np.array([0.0, 0.0, 0.0, 1.0]), True))


def test_strong_curvature_is_no_kink():
    class Steep(Function):
        """sin(1000 x), its gradient a little wrong."""

        def forward(self, x):
            return np.sin(1000 * x)

        def backward(self, g):
            return 1010 * g * sn.cos(1000 * self.inputs[0])

    with pytest.raises(GradcheckError, match="a factor 101/100"):
        gradcheck(Steep(), leaf(3))


# ---- large inputs ------------------------------------------------------------------------------------------
def counted(function):
    calls = []

    def call(*args):
        calls.append(1)
        return function(*args)

    return call, calls


def test_large_inputs_are_projected_by_themselves():
    function, calls = counted(lambda x, w: (x * w).exp())
    assert gradcheck(function, (leaf(200, 200), leaf(200, seed=1)))
    assert len(calls) < 200


def test_fast_mode_on_small_inputs():
    function, calls = counted(lambda x: x.exp())
    assert gradcheck(function, leaf(30, 30), fast_mode=True)
    assert len(calls) < 100
    assert gradgradcheck(lambda x: x.exp(), leaf(30, 30), fast_mode=True)
    assert not gradcheck(Scaled(2.1), leaf(30, 30), fast_mode=True, raise_exception=False)


def test_one_wrong_element_among_many_is_found():
    class AlmostSquare(Function):
        def forward(self, x):
            return x * x

        def backward(self, g):
            spoiled = np.ones(g.shape)
            spoiled[12, 45] = 1.01
            return 2 * self.inputs[0] * g * Tensor(spoiled)

    with pytest.raises(GradcheckError) as caught:
        gradcheck(AlmostSquare(), leaf(60, 60))
    assert "input 0[12, 45]" in str(caught.value) and "wrong      1 of" in str(caught.value)
    with pytest.raises(GradcheckError, match="a factor 2"):
        gradcheck(Scaled(4.0), leaf(60, 60))


# ---- what it is given --------------------------------------------------------------------------------------
def test_refusals():
    with pytest.raises(ValueError, match="at least one input tensor to require gradient"):
        gradcheck(lambda x: x, Tensor(np.ones(2)))
    with pytest.raises(RuntimeError, match="stride 0"):
        gradcheck(lambda x: x * 2, Tensor(np.broadcast_to(np.ones(2), (3, 2)), True))
    with pytest.raises(NotImplementedError, match="check_batched_grad"):
        gradcheck(lambda x: x, leaf(2), check_batched_grad=True)
    with pytest.raises(NotImplementedError, match="check_forward_ad"):
        gradcheck(lambda x: x, leaf(2), check_forward_ad=True)
    with pytest.raises(TypeError, match="output 1 is a float"):
        gradcheck(lambda x: (x, 1.0), leaf(2))


def test_float32_is_warned_about():
    with pytest.warns(UserWarning, match="Input #0 requires gradient and is not a double precision"):
        gradcheck(lambda x: x + 1, Tensor(np.zeros(2, np.float32), True), eps=1e-3)


def test_functions_that_read_their_inputs_from_outside():
    """The inputs are perturbed where they are, so that parameters of a module can be checked."""
    w, x = leaf(3, 2), Tensor(values((4, 3), 1))
    assert gradcheck(lambda _: x @ w, w)
    assert gradgradcheck(lambda _: (x @ w).exp(), w)
    assert not gradcheck(lambda _: Scaled(1.0)(x @ w), w, raise_exception=False)


def test_inputs_that_are_no_leaves():
    x = leaf(3)
    assert gradcheck(lambda y: y * y, x * 2)


def test_inputs_and_their_gradients_are_left_as_they_were():
    x = leaf(2, 3)
    before = x.array.copy()
    gradcheck(lambda x: x.exp(), x)
    gradgradcheck(lambda x: x.exp(), x)
    assert np.array_equal(x.array, before) and x.grad is None and x.requires_grad


def test_inputs_are_restored_when_the_function_fails():
    x, calls = leaf(2), []

    def failing(x):
        calls.append(1)
        if len(calls) == 5:
            raise ZeroDivisionError
        return x * 2

    before = x.array.copy()
    with pytest.raises(ZeroDivisionError):
        gradcheck(failing, x)
    assert np.array_equal(x.array, before)


def test_non_differentiable_outputs_are_ignored_unless_there_is_no_other():
    assert gradcheck(lambda x: (x * 2, x > 0, x.argmax()), leaf(3))
    with pytest.raises(GradcheckError, match="missing gradient"):
        gradcheck(lambda x: x.detach() * 2, leaf(3))


def test_undefined_gradients():
    """With several outputs, each is differentiated alone: backward may meet None for the others."""

    class Two(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, g, h):
            return g * 2 + h * 3

    assert gradcheck(Two.apply, leaf(2), check_undefined_grad=False)
    with pytest.raises(TypeError, match="None"):
        gradcheck(Two.apply, leaf(2))


def test_gradgradcheck_with_given_grad_outputs():
    x = leaf(3)
    assert gradgradcheck(lambda x: x.exp(), x, Tensor(np.array([1.0, 0.0, -2.0]), True))
    assert gradgradcheck(lambda x: x.exp(), x, [Tensor(np.array([1.0, 0.0, -2.0]))])
    assert gradgradcheck(lambda x: (x.exp(), x * x), x, gen_non_contig_grad_outputs=True)


def test_gradient_penalty():
    """A function that differentiates inside."""

    def penalty(x):
        (g,) = sn.autograd.grad(x.exp().sum(), x, create_graph=True)
        return (g * g).sum()

    assert gradcheck(penalty, leaf(3))
    assert gradgradcheck(penalty, leaf(3))


def test_passing_is_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gradcheck(lambda x: x.exp(), leaf(3))
        gradgradcheck(lambda x: x.exp(), leaf(3))


def test_gradients_that_cancel_to_rounding_noise():
    """Normalising a single number gives 0: gradients of 1e-16 are not held against each other."""
    assert gradcheck(lambda x: (x - x.mean(1, keepdim=True)) * 3.7, leaf(5, 1))
    assert gradcheck(lambda x: x / 3 - x / 7 - x * (4 / 21), leaf(5))
