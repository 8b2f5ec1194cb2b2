"""What may not be changed in place, in the cases in which torch refuses it too; and where we differ."""

import numpy as np
import pytest
import torch

import scratchnet
from tests.autograd.side_by_side import assert_same, both_raise, constant, leaf


def unbound(F):
    """The elements of a tensor with history, as views that one operation returned; and the tensor."""
    y = leaf(F) * 2
    return y, y.unbind()


def in_no_grad(F):
    """A tensor with history, and a view of it that was made in no_grad mode."""
    y = leaf(F) * 2
    with F.no_grad():
        return y, y[0]


def used(F, change, then):
    """Save x for the gradient of x · x, change it, and use it."""
    x = leaf(F) * 1
    y = x * x
    change(x)
    then(y)


REFUSED = {
    "a leaf": lambda F: leaf(F).add_(1),
    "a leaf: +=": lambda F: leaf(F).__iadd__(1),
    "a leaf: assignment": lambda F: leaf(F).__setitem__(0, 1.0),
    "a leaf: zero_": lambda F: leaf(F).zero_(),
    "a view of a leaf": lambda F: leaf(F)[:2].add_(1),
    "a view of a view of a leaf": lambda F: leaf(F)[:2][0].add_(1),
    "a view of a leaf, with a gradient": lambda F: leaf(F)[:2].add_(leaf(F, 1.0)),
    "a leaf that is a view": lambda F: constant(F)[:2].requires_grad_().add_(1),
    "a view of a view that is a leaf": lambda F: constant(F)[:2].requires_grad_()[:1].add_(1),
    "one of several views": lambda F: unbound(F)[1][0].mul_(2),
    "a view of one of several views": lambda F: unbound(F)[1][0].view(1).mul_(2),
    "a part of split": lambda F: (leaf(F) * 2).split([1, 2])[1].mul_(2),
    "a part of chunk": lambda F: (leaf(F) * 2).chunk(2)[1].mul_(2),
    "one of several views, by a gradient": lambda F: constant(F).unbind()[0].mul_(leaf(F, 1.0)),
    "a view made in no_grad": lambda F: in_no_grad(F)[1].mul_(2),
    "a view made in no_grad, by a gradient": lambda F: in_no_grad(F)[1].mul_(leaf(F, 1.0)),
    "an expanded tensor": lambda F: constant(F, [1.0]).expand(3).add_(1),
    "a larger shape": lambda F: constant(F, [1.0]).add_(constant(F)),
    "a larger shape, with a gradient": lambda F: constant(F, [1.0]).add_(leaf(F)),
    "another rank": lambda F: constant(F, 1.0).mul_(constant(F, [1.0])),
    "a float into integers": lambda F: constant(F, [1, 2], "int64").add_(0.5),
    "a float tensor into integers": lambda F: constant(F, [1, 2], "int64").mul_(constant(F, [1.0, 2.0])),
    "division of integers": lambda F: constant(F, [1, 2], "int64").div_(2),
    "an integer into bools": lambda F: constant(F, [1, 0], "bool").add_(2),
    "detach_ of a view": lambda F: (leaf(F) * 2)[0].detach_(),
    "assignment of another shape": lambda F: constant(F).__setitem__(slice(0, 2), constant(F)),
    "a saved input": lambda F: used(F, lambda x: x.add_(1), lambda y: y.sum().backward()),
    "a saved input, by a view": lambda F: used(F, lambda x: x[0].add_(1), lambda y: y.sum().backward()),
    "a saved input, detached": lambda F: used(F, lambda x: x.detach().add_(1), lambda y: y.sum().backward()),
    "a saved input, in no_grad": lambda F: used(F, F.no_grad()(lambda x: x.add_(1)), lambda y: y.sum().backward()),
    "a saved input, assigned to": lambda F: used(F, lambda x: x.__setitem__(0, 1.0), lambda y: y.sum().backward()),
    "the change is undone": lambda F: used(F, lambda x: x.add_(1).sub_(1), lambda y: y.sum().backward()),
}  # fmt: skip


@pytest.mark.parametrize("program", REFUSED.values(), ids=REFUSED.keys())
def test_refused(program):
    assert type(assert_same(program)) is RuntimeError


STALE = {
    "one of several views": unbound,
    "a view made in no_grad": lambda F: (lambda y, v: (y, (v,)))(*in_no_grad(F)),
}


@pytest.mark.parametrize("how", ["with grad", "in no_grad"])
@pytest.mark.parametrize("made", STALE.values(), ids=STALE.keys())
def test_a_view_whose_history_is_lost_is_not_used(made, how):
    def program(F):
        y, views = made(F)
        with F.set_grad_enabled(how == "with grad"):
            y.mul_(2)
        with F.no_grad():
            fine = views[0] * 1
        return fine, (views[0] * 2).requires_grad

    assert type(assert_same(lambda F: program(F)[1])) is RuntimeError


@both_raise(RuntimeError)
def test_a_leaf_that_becomes_its_own_consequence(F):
    x = leaf(F)
    y = x * 2
    x.detach_()
    x.copy_(y)
    x.sum().backward()


@both_raise(RuntimeError)
def test_saved_output_changed(F):
    y = leaf(F).sigmoid()
    y.add_(1)
    y.sum().backward()


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (lambda F: leaf(F).add_(1), "leaf Variable that requires grad.*in-place.*no_grad"),
        (lambda F: unbound(F)[1][0].mul_(2), "one of several views.*Clone"),
        (lambda F: used(F, lambda x: x.add_(1), lambda y: y.sum().backward()),
         "Mul: .*modified by an inplace operation: an input.*clone.*detect_anomaly"),
        (lambda F: constant(F, [1.0]).add_(constant(F)), r"shape \[1\] doesn't match the broadcast shape \[3\]"),
        (lambda F: constant(F, [1, 2], "int64").add_(0.5), "float32 can't be cast to the desired output type int64"),
        (lambda F: constant(F, [1.0]).expand(3).add_(1), "more than one element.*Clone"),
    ],
)  # fmt: skip
def test_errors_say_what_happened(program, message):
    with pytest.raises(RuntimeError, match=message):
        program(scratchnet)


# ---- where we differ --------------------------------------------------------------------------------------------------
def test_an_in_place_operation_keeps_what_its_own_gradient_reads():
    """exp_ saves its result apart, so changing the tensor again spoils nothing; torch raises."""

    def program(F):
        x = leaf(F)
        y = x * 1
        y.exp_()
        y.add_(1)
        y.sum().backward()
        return x.grad

    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        program(torch)
    np.testing.assert_allclose(program(scratchnet).array, np.exp([1.0, 2.0, 3.0]))


def test_a_view_made_in_no_grad_requires_no_grad():
    """As the documentation of torch's no_grad says of every result. In fact a view answers True there if its base does."""
    y, view = in_no_grad(scratchnet)
    assert not view.requires_grad
    assert in_no_grad(torch)[1].requires_grad


def test_no_part_of_an_expanded_tensor_is_written():
    """torch lets a part be assigned to that does not overlap itself; ours is read-only memory as a whole."""
    expanded = constant(scratchnet, [1.0]).expand(3)
    with pytest.raises(RuntimeError, match="more than one element"):
        expanded[0] = 2.0
