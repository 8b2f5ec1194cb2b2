"""Operations of one's own, in our style: what is saved and freed, which backward runs, what is refused."""

import weakref

import numpy as np
import pytest

import scratchnet
from scratchnet import Tensor
from scratchnet.autograd import INPUTS, NOTHING, OUT, OUTPUT, Function, grad, gradcheck, gradgradcheck
from scratchnet.ops.arithmetic import Div, Mul
from scratchnet.ops.elementary import Exp
from tests.autograd.side_by_side import leaf


class Cube(Function):
    """y = x³.  dL/dx = g · 3x²"""

    reads = INPUTS

    def forward(self, x):
        return x**3

    def backward(self, g):
        (x,) = self.inputs
        return g * 3 * x * x


def test_an_operation_in_ten_lines():
    x = leaf(scratchnet)
    y = Cube()(x)
    y.sum().backward()
    np.testing.assert_array_equal(y.array, [1, 8, 27])
    np.testing.assert_array_equal(x.grad.array, [3, 12, 27])
    assert gradcheck(Cube.apply, (x,))
    assert gradgradcheck(Cube.apply, (x,))
    (g,) = grad(Cube.apply(x).sum(), x, create_graph=True)
    (h,) = grad(g.sum(), x, create_graph=True)
    (k,) = grad(h.sum(), x)
    np.testing.assert_array_equal(h.array, [6, 12, 18])
    np.testing.assert_array_equal(k.array, [6, 6, 6])


def test_unrecorded_where_nothing_requires_grad():
    for y in (Cube()(Tensor([2.0])), scratchnet.no_grad()(Cube())(leaf(scratchnet))):
        assert not y.requires_grad and y.grad_fn is None


def test_inputs_that_are_no_tensors_are_handed_over():
    class Scale(Function):
        def forward(self, x, factor, offset):
            return x * factor + offset

        def backward(self, g):
            _, factor, offset = self.inputs
            assert factor == 2.0 and isinstance(offset, np.ndarray)
            return g * factor, None, None

    x = leaf(scratchnet)
    y = Scale()(x, 2.0, np.ones(3))
    y.sum().backward()
    assert y.tolist() == [3, 5, 7]
    assert x.grad.tolist() == [2, 2, 2]


# ---- several outputs --------------------------------------------------------------------------------------------------
class SineAndCosine(Function):
    """s, c = sin x, cos x.  dL/dx = g_s · c − g_c · s"""

    reads = OUTPUT

    def forward(self, x):
        return np.sin(x), np.cos(x)

    def backward(self, g_s, g_c):
        s, c = self.output
        return g_s * c - g_c * s


@pytest.mark.parametrize("used", ["both", "sine", "cosine"])
def test_several_outputs(used):
    def program(x):
        s, c = SineAndCosine()(x)
        return {"both": s * c, "sine": s, "cosine": c}[used]

    assert gradcheck(program, (leaf(scratchnet),))
    assert gradgradcheck(program, (leaf(scratchnet),))


def test_outputs_of_one_operation_know_each_other():
    x = leaf(scratchnet)
    s, c = SineAndCosine()(x)
    assert s.grad_fn is c.grad_fn
    assert (s.output_nr, c.output_nr) == (0, 1)
    assert s.grad_fn.next_functions == ((x, 0),)
    ones = Tensor(np.ones(3))
    (g_s,) = grad(s * c, s, ones, retain_graph=True)
    np.testing.assert_allclose(g_s.array, np.cos(x.array))
    # dc/dx = −s is computed from the saved s, and so depends on x through the very node that s has.
    (g_x,) = grad(c, x, ones, create_graph=True)
    along_s, along_x = grad(g_x, [s, x], ones)
    np.testing.assert_allclose(along_s.array, [-1, -1, -1])
    np.testing.assert_allclose(along_x.array, -np.cos(x.array))


def test_an_output_that_is_no_float_has_no_gradient():
    class Largest(Function):
        reads = NOTHING
        notes = ("at",)

        def forward(self, x):
            self.at = np.argmax(x)
            self.n = x.shape[0]
            return x[self.at], self.at

        def backward(self, g, nothing):
            assert nothing.array == 0
            return g * Tensor(np.eye(self.n)[self.at])

    x = leaf(scratchnet)
    value, index = Largest()(x)
    assert value.requires_grad and not index.requires_grad
    value.backward()
    assert x.grad.tolist() == [0, 0, 1]


# ---- what is kept -----------------------------------------------------------------------------------------------------
class Product(Function):
    def forward(self, a, b):
        self.mask = a > 0
        return a * b

    def backward(self, g):
        return g, g


PLANS = [  # reads, which inputs require grad, and what must be alive: a, b, the output
    (((1,), (0,)), "ab", "ab"), (((1,), (0,)), "a", "b"), (((1,), (0,)), "b", "a"),
    (NOTHING, "ab", ""), (OUTPUT, "ab", "y"), (INPUTS, "b", "ab"), (None, "a", "aby"), ((0,), "ab", "a"),
    (((OUT,), (1, OUT)), "a", "y"), (((OUT,), (1, OUT)), "b", "by"), ((NOTHING, (0,)), "a", ""),
]  # fmt: skip


@pytest.mark.parametrize(("reads", "wanted", "kept"), PLANS)
def test_reads_decides_what_stays_in_memory(reads, wanted, kept):
    Op = type("Op", (Product,), {"reads": reads})
    a, b = leaf(scratchnet) + 0, leaf(scratchnet) + 0
    a, b = (x if name in wanted else x.detach() for x, name in ((a, "a"), (b, "b")))
    y = Op()(a, b)
    watched = {"a": weakref.ref(a.array), "b": weakref.ref(b.array), "y": weakref.ref(y.array)}
    node = y.grad_fn
    del a, b, y
    assert "".join(name for name, array in watched.items() if array() is not None) == kept
    node.release()
    assert all(array() is None for array in watched.values())


def test_notes_are_freed_with_what_was_saved():
    Op = type("Op", (Product,), {"reads": NOTHING, "notes": ("mask",)})
    x = leaf(scratchnet)
    y = Op()(x, x).sum()
    node = y.grad_fn.next_functions[0][0]
    mask = weakref.ref(node.mask)
    y.backward()
    assert mask() is None
    with pytest.raises(RuntimeError, match=r"Op: .*second time.*retain_graph=True"):
        node.mask  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        node.absent  # noqa: B018


def test_an_error_inside_a_property_is_not_hidden():
    class Broken(Product):
        @property
        def helper(self):
            return self.no_such_attribute

    with pytest.raises(AttributeError, match="no_such_attribute"):
        Broken().helper  # noqa: B018


def test_saved_values_can_be_looked_at():
    x, w = leaf(scratchnet), leaf(scratchnet)
    node = (x * w).grad_fn
    assert node.inputs[0] is x and node.inputs[1] is w
    assert node.name() == "Mul" and node.needs_input_grad == (True, True)
    y = x.exp()
    assert y.grad_fn.output.array is y.array
    assert y.grad_fn.output.grad_fn is y.grad_fn
    with scratchnet.no_grad():
        y.add_(1)
    with pytest.raises(RuntimeError, match=r"Exp: .*its output \(version 1, expected 0\)"):
        y.grad_fn.output  # noqa: B018


# ---- the same gradient on arrays --------------------------------------------------------------------------------------
@pytest.mark.parametrize("op", [Mul, Div, Exp], ids=lambda op: op.__name__)
def test_arithmetic_on_arrays_equals_arithmetic_on_tensors(op):
    assert op.arithmetic
    n = 1 if op is Exp else 2
    inputs = [leaf(scratchnet, np.random.default_rng(i).uniform(1, 2, (2, 3))) for i in range(n)]
    y = op()(*inputs)
    seed = Tensor(np.arange(6.0).reshape(2, 3))
    on_tensors = grad(y, inputs, seed, create_graph=True)
    on_arrays = grad(y, inputs, seed)
    for one, other in zip(on_arrays, on_tensors):
        np.testing.assert_array_equal(one.array, other.array)
        assert other.requires_grad and not one.requires_grad


class Softplus(Function):
    """y = log(1 + eˣ).  dL/dx = g / (1 + e⁻ˣ)"""

    reads = INPUTS
    calls: list = []

    def forward(self, x):
        return np.logaddexp(0, x)

    def backward(self, g):
        self.calls.append("composed")
        (x,) = self.inputs
        return g / (1 + (-x).exp())

    def fused_backward(self, g):
        self.calls.append("fused")
        (x,) = self.inputs
        assert isinstance(x, np.ndarray) and isinstance(g, np.ndarray)
        return g / (1 + np.exp(-x))


def test_fused_backward_runs_where_no_graph_is_wanted():
    Softplus.calls.clear()
    x = leaf(scratchnet)
    y = Softplus()(x).sum()
    (fused,) = grad(y, x, retain_graph=True)
    (composed,) = grad(y, x, create_graph=True)
    assert Softplus.calls == ["fused", "composed"]
    np.testing.assert_allclose(fused.array, composed.array, rtol=1e-15)
    assert isinstance(y.grad_fn.next_functions[0][0].inputs[0], Tensor)  # outside the walk they are Tensors
    assert gradgradcheck(Softplus.apply, (x,))


def test_an_error_in_backward_leaves_the_operation_usable():
    class Fails(Softplus):
        fail = True

        def fused_backward(self, g):
            if self.fail:
                raise ZeroDivisionError
            return super().fused_backward(g)

    x = leaf(scratchnet)
    y = Fails()(x).sum()
    with pytest.raises(ZeroDivisionError):
        y.backward()
    assert scratchnet.is_grad_enabled()
    assert isinstance(y.grad_fn.next_functions[0][0].inputs[0], Tensor)
    Fails.fail = False
    y.backward()
    np.testing.assert_allclose(x.grad.array, 1 / (1 + np.exp(-x.array)))


# ---- mistakes ---------------------------------------------------------------------------------------------------------
def returning(value):
    return type("Op", (Function,), {"forward": lambda self, x: value(x), "backward": lambda self, g: g})


MISTAKES = {
    "no forward": (type("Op", (Function,), {}), NotImplementedError, "Op must define forward"),
    "a Tensor": (returning(Tensor), TypeError, "Op.forward must return an array.*got Tensor"),
    "a list": (returning(lambda x: [x, x]), TypeError, "Op.forward must return an array or a tuple.*got list"),
    "None": (returning(lambda x: None), TypeError, "got NoneType"),
    "a tuple with None": (returning(lambda x: (x, None)), TypeError, "got NoneType"),
}


@pytest.mark.parametrize(("op", "error", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes_in_forward(op, error, message):
    for x in (leaf(scratchnet), Tensor([1.0])):
        with pytest.raises(error, match=message):
            op()(x)


def test_no_backward():
    op = type("Op", (Function,), {"forward": lambda self, x: x * 1})
    y = op()(leaf(scratchnet))
    with pytest.raises(NotImplementedError, match="Op has no derivative"):
        y.sum().backward()


def test_one_operation_called_several_times():
    """Each call is an operation of its own in the graph, with the settings of the first."""

    class Scale(Function):
        notes = ("mask",)

        def __init__(self, factor):
            self.factor = factor

        def forward(self, x):
            self.mask = x > 1.5
            return x * self.factor

        def backward(self, g):
            return g * self.factor * Tensor(self.mask.astype(float))

    scale, a, b = Scale(3.0), leaf(scratchnet), leaf(scratchnet, [4.0, 5.0, 6.0])
    y, z = scale(a), scale(b)
    assert y.grad_fn is not z.grad_fn
    (y * y + z + scale(scale(b))).sum().backward()
    assert a.grad.tolist() == [0, 36, 54]
    assert b.grad.tolist() == [12, 12, 12]
