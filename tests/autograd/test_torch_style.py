"""Functions written for torch run here unchanged: the same class body, in both libraries."""

import numpy as np
import pytest

import scratchnet
from scratchnet.autograd import Function, gradcheck, gradgradcheck, once_differentiable
from tests.autograd.side_by_side import assert_same, both_raise, compared, constant, leaf


def exp_of(F):
    class Exp(F.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, g):
            (y,) = ctx.saved_tensors
            return g * y

    return Exp


def product_of(F, seen=None):
    """a · b · scale, with setup_context; `seen` collects what backward was told."""

    class Product(F.autograd.Function):
        @staticmethod
        def forward(a, b, scale, note):
            return a * b * scale

        @staticmethod
        def setup_context(ctx, inputs, output):
            a, b, scale, _ = inputs
            ctx.save_for_backward(a, b, None)
            ctx.scale = scale

        @staticmethod
        def backward(ctx, g):
            a, b, nothing = ctx.saved_tensors
            assert nothing is None
            if seen is not None:
                seen.append(tuple(ctx.needs_input_grad))
            needs = ctx.needs_input_grad
            return g * b * ctx.scale if needs[0] else None, g * a * ctx.scale if needs[1] else None, None, None

    return Product


@compared
def test_gradients_to_third_order(F):
    x = leaf(F)
    y = exp_of(F).apply(x * x)
    found = [y]
    for _ in range(3):
        (y,) = F.autograd.grad(y.sum(), x, create_graph=True)
        found.append(y)
    return found


@compared
def test_setup_context_and_arguments_that_are_no_tensors(F):
    seen = []
    a, b = leaf(F), leaf(F, [4.0, 5.0, 6.0], requires_grad=False)
    y = product_of(F, seen).apply(a, b, 2.0, "a word")
    y.sum().backward()
    return y, a.grad, b.grad, seen


def test_gradcheck():
    x, w = leaf(scratchnet), leaf(scratchnet)
    assert gradcheck(exp_of(scratchnet).apply, (x,))
    assert gradgradcheck(exp_of(scratchnet).apply, (x,))
    assert gradgradcheck(lambda a, b: product_of(scratchnet).apply(a, b, 2.0, None), (x, w))


@compared
def test_forward_is_not_recorded(F):
    states = []

    class Op(F.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x * 2
            states.extend([F.is_grad_enabled(), y.requires_grad, x.requires_grad])
            return y

        @staticmethod
        def backward(ctx, g):
            states.extend([F.is_grad_enabled(), g.requires_grad])
            return g * 2

    x = leaf(F)
    Op.apply(x).sum().backward()
    F.autograd.grad(Op.apply(x).sum(), x, create_graph=True)
    with F.no_grad():
        states.append(Op.apply(x).requires_grad)
    return states, Op.apply(constant(F)).requires_grad, type(Op.apply(x).grad_fn).__name__ != "NoneType"


def op_of(F, forward, backward=lambda ctx, *g: g):
    return type("Op", (F.autograd.Function,), {"forward": staticmethod(forward), "backward": staticmethod(backward)})


@compared
def test_several_outputs_some_unused(F):
    seen = []

    def backward(ctx, a, b):
        seen.extend([a, b])
        return a + 2 * b

    op = op_of(F, lambda ctx, x: (x * 1, x * 2), backward)
    x = leaf(F)
    op.apply(x)[0].sum().backward()
    y, z = op.apply(x)
    (y * z).sum().backward()
    return seen, x.grad


@compared
def test_without_materialized_gradients(F):
    seen = []

    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        return x * 1, x * 2

    def backward(ctx, a, b):
        seen.extend([a is None, b is None])
        return b

    x = leaf(F)
    op_of(F, forward, backward).apply(x)[1].sum().backward()
    return seen, x.grad


@compared
def test_not_differentiable_outputs(F):
    def forward(ctx, x):
        index, half = x.argmax(), x * 0.5
        ctx.mark_non_differentiable(index, half)
        return x * 3, index, half

    x = leaf(F)
    y, index, half = op_of(F, forward, lambda ctx, g, h, i: g * 3).apply(x)
    y.sum().backward()
    return y.requires_grad, index.requires_grad, half.requires_grad, half.is_leaf, index, x.grad


@compared
def test_dirty_inputs(F):
    def forward(ctx, x, w):
        ctx.save_for_backward(w)
        x.mul_(w)
        ctx.mark_dirty(x)
        return x

    def backward(ctx, g):
        (w,) = ctx.saved_tensors
        return g * w, None

    x, w = leaf(F), leaf(F, [3.0, 4.0, 5.0], requires_grad=False)
    y = x * 1
    z = op_of(F, forward, backward).apply(y, w)
    (y * 2).sum().backward()
    return z is y, y, x.grad, w.grad


@compared
def test_a_dirty_view(F):
    def forward(ctx, x):
        x.mul_(3)
        ctx.mark_dirty(x)
        return x

    x = leaf(F)
    y = x * 1
    op_of(F, forward, lambda ctx, g: g * 3).apply(y[:2])
    y.sum().backward()
    return y, x.grad


@both_raise(RuntimeError)
def test_a_dirty_leaf(F):
    def forward(ctx, x):
        x.mul_(3)
        ctx.mark_dirty(x)
        return x

    op_of(F, forward).apply(leaf(F))


@compared
def test_an_input_returned_as_it_came(F):
    x = leaf(F)
    y = x * 1
    z = op_of(F, lambda ctx, x: x, lambda ctx, g: g * 10).apply(y)
    (z + y).sum().backward()
    return z is y, z, x.grad


@both_raise(RuntimeError)
def test_an_input_returned_as_it_came_is_not_changed(F):
    op_of(F, lambda ctx, x: x, lambda ctx, g: g * 10).apply(leaf(F) * 1).mul_(2)


@compared
def test_saving_intermediate_values(F):
    def forward(ctx, x):
        doubled = x * 2
        ctx.save_for_backward(doubled, x)
        return doubled.sin()

    def backward(ctx, g):
        doubled, x = ctx.saved_tensors
        return g * doubled.cos() * 2

    x = leaf(F)
    op_of(F, forward, backward).apply(x).sum().backward()
    return x.grad


@compared
def test_outputs_that_are_no_tensors(F):
    x = leaf(F)
    y, word, nothing = op_of(F, lambda ctx, x: (x * 2, "word", None), lambda ctx, g, w, n: g * 2).apply(x)
    y.sum().backward()
    return word, nothing, x.grad


@compared
def test_trailing_nones_are_ignored(F):
    x = leaf(F)
    op_of(F, lambda ctx, x: x * 2, lambda ctx, g: (g * 2, None, None)).apply(x).sum().backward()
    return x.grad


@compared
def test_a_subclass_that_inherits_forward(F):
    class Doubled(exp_of(F)):
        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0] * 2

    x = leaf(F)
    y = Doubled.apply(x)
    y.sum().backward()
    return y, x.grad


def saved_then(F, change):
    """Save an input and the output, change something, go back."""

    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(x, y)
        return y

    x = leaf(F) * 1
    y = op_of(F, forward, lambda ctx, g: g * ctx.saved_tensors[1]).apply(x)
    change(x, y)
    y.sum().backward()


def twice(F, op):
    x = leaf(F)
    y = op.apply(x).sum()
    y.backward()
    y.backward()
    return x.grad


REFUSED = {
    "too few gradients": lambda F: op_of(F, lambda ctx, x, y: x * y, lambda ctx, g: g).apply(leaf(F), leaf(F)).sum().backward(),
    "too many gradients": lambda F: op_of(F, lambda ctx, x: x * 2, lambda ctx, g: (g, g)).apply(leaf(F)).sum().backward(),
    "a gradient that is a number": lambda F: op_of(F, lambda ctx, x: x * 2, lambda ctx, g: 2.0).apply(leaf(F)).sum().backward(),
    "saving a number": lambda F: op_of(F, lambda ctx, x: ctx.save_for_backward(3)).apply(leaf(F)),
    "returning a number": lambda F: op_of(F, lambda ctx, x: 3.0).apply(leaf(F)),
    "no backward": lambda F: type("Op", (F.autograd.Function,), {"forward": staticmethod(lambda ctx, x: x * 2)})
    .apply(leaf(F)).sum().backward(),
    "twice": lambda F: twice(F, exp_of(F)),
    "twice, nothing saved": lambda F: twice(F, op_of(F, lambda ctx, x: x * 2, lambda ctx, g: g * 2)),
    "a saved input is changed": lambda F: saved_then(F, lambda x, y: x.add_(1)),
    "a saved output is changed": lambda F: saved_then(F, lambda x, y: y.add_(1)),
}  # fmt: skip


@pytest.mark.parametrize("program", REFUSED.values(), ids=REFUSED.keys())
def test_refused_as_in_torch(program):
    assert_same(program)


def test_once_differentiable():
    class Op(exp_of(scratchnet)):
        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            assert not scratchnet.is_grad_enabled()
            return g * ctx.saved_tensors[0]

    x = leaf(scratchnet)
    Op.apply(x).sum().backward()
    np.testing.assert_allclose(x.grad.array, np.exp(x.array))
    (g,) = scratchnet.autograd.grad((Op.apply(x) ** 2).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="Op: .*differentiate twice.*once_differentiable"):
        g.sum().backward()


def test_called_without_apply():
    with pytest.raises(RuntimeError, match=r"Exp\.apply"):
        exp_of(scratchnet)()(leaf(scratchnet))


def test_apply_of_our_style():
    class Twice(Function):
        def forward(self, x):
            return x * 2

        def backward(self, g):
            return g * 2

    x = leaf(scratchnet)
    Twice.apply(x).sum().backward()
    assert x.grad.tolist() == [2, 2, 2]
