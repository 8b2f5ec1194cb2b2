"""Views and in-place changes: each program runs in scratchnet and in torch, with the same values, gradients and versions."""

import numpy as np
import pytest

from tests.autograd.side_by_side import assert_same, compared, constant, leaf

MATRIX = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]

VIEWS = {
    "row": lambda x: x[0],
    "element": lambda x: x[1, 2],
    "slice": lambda x: x[:, ::2],
    "nothing": lambda x: x[:0],
    "new axis": lambda x: x[None, 1],
    "select": lambda x: x.select(1, -1),
    "narrow": lambda x: x.narrow(1, 1, 2),
    "view": lambda x: x.view(3, 2),
    "flatten": lambda x: x.flatten(),
    "reshape": lambda x: x.reshape(6),
    "t": lambda x: x.t(),
    "permute": lambda x: x.permute(1, 0),
    "unsqueeze": lambda x: x.unsqueeze(1),
    "squeeze": lambda x: x[:1].squeeze(0),
    "diagonal": lambda x: x.diagonal(),
    "diagonal of a part": lambda x: x[:, 1:].t().diagonal(1),
    "row of transposed": lambda x: x.t()[1],
    "expand of one": lambda x: x[0].expand(1, 3),
    "slice of slice": lambda x: x[:, 1:][:, 1:],
    "unflatten": lambda x: x.flatten().unflatten(0, (3, 2)),
    "movedim": lambda x: x.movedim(0, 1)[2],
    "copy": lambda x: x.t().reshape(6),
}
every_view = pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())

LAYOUTS = {
    "row-major": lambda F, x: x * 1,
    "transposed": lambda F, x: (x.t() * 1).contiguous().t().exp(),
    "permuted": lambda F, x: x.t().exp().t() * 1,
}
every_layout = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())


def weights(F, like):
    """Different for each element, so that a gradient in the wrong place shows."""
    return constant(F, np.arange(1.0, 1 + like.numel()).reshape(tuple(like.shape)))


@every_layout
@every_view
def test_view_changed_then_base_used(view, layout):
    def program(F):
        x, w = leaf(F, MATRIX), leaf(F, 3.0)
        base = layout(F, x)
        part = view(base)
        part.mul_(w)
        (base * weights(F, base)).sum().backward()
        return base, part, x.grad, w.grad, base._version, part._version, base.is_leaf, part._is_view()

    assert_same(program)


@every_layout
@every_view
def test_base_changed_then_view_used(view, layout):
    def program(F):
        x, w = leaf(F, MATRIX), leaf(F, 3.0)
        base = layout(F, x)
        part = view(base)
        base.mul_(w)
        base.add_(x)
        (part * weights(F, part)).sum().backward()
        return part, x.grad, w.grad, base._version, part._version

    assert_same(program)


@every_view
def test_both_changed_and_both_used(view):
    def program(F):
        x, w = leaf(F, MATRIX), leaf(F, 3.0)
        base = x * 2
        part, other = view(base), base[1]
        part.mul_(w)
        base.add_(w)
        other.sin_()
        part.sub_(w * w)
        ((part * weights(F, part)).sum() + (base * weights(F, base)).sum() + (other * other).sum()).backward()
        return base, part, other, x.grad, w.grad, [t._version for t in (base, part, other)]

    assert_same(program)


@every_view
def test_second_derivative_through_a_change(view):
    def program(F):
        x, w = leaf(F, MATRIX), leaf(F, 3.0)
        base = x * 1
        view(base).mul_(w * x.sum())
        y = (base * base * weights(F, base)).sum()
        first = F.autograd.grad(y, [x, w], create_graph=True)
        return first, F.autograd.grad((first[0] ** 2).sum() + first[1], [x, w])

    assert_same(program)


@every_view
def test_base_gets_its_history_from_a_view(view):
    def program(F):
        w = leaf(F, 3.0)
        base = constant(F, MATRIX)
        before = view(base)
        part = view(base)
        part.mul_(w)
        flags = base.requires_grad, part.requires_grad, before.requires_grad, base.is_leaf
        ((base * weights(F, base)).sum() + before.sum()).backward()
        return flags, w.grad, base

    assert_same(program)


@compared
def test_base_of(F):
    x = leaf(F, MATRIX)
    y = x * 1
    v = y[0][1:]
    return v._base is y, v._is_view(), y._is_view(), y._base is None, v.clone()._is_view(), v.detach()._base is None
