"""backward and grad: every graph shape and argument, against torch or by hand."""

import numpy as np
import pytest

import scratchnet
from scratchnet import Tensor
from scratchnet.autograd import backward, grad
from tests.autograd.side_by_side import assert_same, compared, constant, leaf


# ---- graphs -----------------------------------------------------------------------------------------------------------
@compared
def test_diamond(F):
    x = leaf(F)
    a, b = x * 2, x.exp()
    (a * b + a).sum().backward()
    return x.grad


@compared
def test_used_many_times(F):
    x = leaf(F)
    y = x * x * x
    for _ in range(20):
        y = y + x * y * 0.1 + y
    y.sum().backward()
    return x.grad


@compared
def test_diamonds_in_a_row(F):  # 2^40 paths: each operation must be visited once
    x = leaf(F)
    y = x
    for _ in range(40):
        y = (y + y * 0.5) * 0.6
    y.sum().backward()
    return x.grad


@compared
def test_same_operand_twice(F):
    x = leaf(F)
    (x * x + x / x - x).sum().backward()
    return x.grad


@compared
def test_broadcasting(F):
    a, b, c = leaf(F, [[1.0], [2.0]]), leaf(F), leaf(F, 3.0)
    (a * b + c / b + a * c).sum().backward()
    return a.grad, b.grad, c.grad


@compared
def test_branches_without_gradient(F):
    x, y = leaf(F), leaf(F)
    (x * y.detach() + (x > 1.5).to(x.dtype) * y.detach()).sum().backward()
    return x.grad, y.grad


@compared
def test_leaf_as_output(F):
    x = leaf(F, 2.0)
    x.backward()
    return x.grad


@compared
def test_accumulation(F):
    x = leaf(F)
    (x * x).sum().backward()
    first, version = x.grad, x.grad._version
    (x * x).sum().backward()
    counted = first._version - version
    (x * x).sum().backward(create_graph=True)
    return x.grad is first, counted, first, x.grad, x.grad.requires_grad


@compared
def test_several_outputs(F):
    x = leaf(F)
    y = x * x
    F.autograd.backward((y, y.sum(), y), (constant(F), None, constant(F, [1.0, 0.0, 1.0])))
    return x.grad


@compared
def test_third_order(F):
    x = leaf(F)
    y = (x**4 + x.exp()).sum()
    found = []
    for _ in range(3):
        (y,) = F.autograd.grad(y.sum(), x, create_graph=True)
        found.append(y)
    return found


@compared
def test_gradient_penalty(F):
    x, w = leaf(F), leaf(F, [0.5, -1.0, 2.0])
    y = (x * w).tanh().sum()
    (g,) = F.autograd.grad(y, x, create_graph=True)
    ((g**2).sum() + y).backward()
    return x.grad, w.grad


@compared
def test_float64_seed(F):
    x = leaf(F, dtype="float32")
    (x * 2).backward(constant(F))
    return x.grad


@compared
def test_integer_seed(F):
    x = leaf(F)
    (x * 2).backward(constant(F, [1, 2, 3], "int64"))
    return x.grad


@compared
def test_only_some_inputs(F):
    x, w = leaf(F), leaf(F)
    h = x * w
    (h * w).sum().backward(inputs=[h, w])
    return x.grad, w.grad, h.grad


@compared
def test_an_unused_input(F):
    x, unused = leaf(F), leaf(F)
    (x * x).sum().backward(inputs=[unused])
    return x.grad, unused.grad


@compared
def test_an_input_twice(F):
    x = leaf(F)
    (x * x).sum().backward(inputs=[x, x])
    return x.grad


@compared
def test_a_leaf_that_has_stopped_to_require_grad(F):
    x, w = leaf(F), leaf(F)
    y = (x * w).sum()
    x.requires_grad_(False)
    y.backward()
    return x.grad, w.grad


@compared
def test_mixed_dtypes(F):
    x, w = leaf(F, dtype="float32"), leaf(F)
    y = x * w
    y.sum().backward()
    return y, x.grad, w.grad




def test_a_graph_worked_by_hand():
    """y = (a + b) · a at a = 2, b = 3: dy/da = 2a + b = 7, dy/db = a = 2."""
    a, b = Tensor([2.0], requires_grad=True), Tensor([3.0], requires_grad=True)
    ((a + b) * a).backward()
    assert a.grad.tolist() == [7.0]
    assert b.grad.tolist() == [2.0]


# ---- grad(...) --------------------------------------------------------------------------------------------------------
GRAD = {
    "one input": lambda F, x, h, y: F.autograd.grad(y, x),
    "an inner value": lambda F, x, h, y: F.autograd.grad(y, [h, x]),
    "an inner value alone": lambda F, x, h, y: F.autograd.grad(y, h),
    "the output itself": lambda F, x, h, y: F.autograd.grad(y, [y, x]),
    "twice the same": lambda F, x, h, y: F.autograd.grad(y, [x, x, h, h]),
    "several outputs": lambda F, x, h, y: F.autograd.grad([y, h], [x], [None, constant(F)]),
    "outputs that lead to each other": lambda F, x, h, y: F.autograd.grad([h, y], [h, x], [constant(F), None]),
    "a tuple of grad_outputs": lambda F, x, h, y: F.autograd.grad((h,), (x,), (constant(F),)),
    "nothing accumulated": lambda F, x, h, y: [F.autograd.grad(y, x), x.grad, h.grad],
    "unused": lambda F, x, h, y: F.autograd.grad(y, [x, leaf(F)]),
    "unused, allowed": lambda F, x, h, y: F.autograd.grad(y, [x, leaf(F)], allow_unused=True),
    "unused, zeros": lambda F, x, h, y: F.autograd.grad(y, [x, leaf(F, dtype="float32")], materialize_grads=True),
    "unused, contradiction": lambda F, x, h, y: F.autograd.grad(y, x, allow_unused=False, materialize_grads=True),
    "consumer of the output": lambda F, x, h, y: F.autograd.grad(h, [y], constant(F), allow_unused=True),
    "no inputs": lambda F, x, h, y: F.autograd.grad(y, []),
    "input that needs none": lambda F, x, h, y: F.autograd.grad(y, [constant(F)], allow_unused=True),
    "input of another kind": lambda F, x, h, y: F.autograd.grad(y, [3.0]),
    "output of another kind": lambda F, x, h, y: F.autograd.grad(3.0, [x]),
    "output that needs none": lambda F, x, h, y: F.autograd.grad([y, constant(F, 1.0)], [x]),
    "no seed for a vector": lambda F, x, h, y: F.autograd.grad(h, x),
    "too few seeds": lambda F, x, h, y: F.autograd.grad([y, h], x, [constant(F, 1.0)]),
    "one seed for two outputs": lambda F, x, h, y: F.autograd.grad([h, h], x, constant(F)),
    "seed of another shape": lambda F, x, h, y: F.autograd.grad(h, x, constant(F, [1.0])),
    "seed that is a number": lambda F, x, h, y: F.autograd.grad(h, x, [1.0]),
    "backward: seed that is a number": lambda F, x, h, y: y.backward(1.0),
    "backward: seed that is an array": lambda F, x, h, y: h.backward(np.ones(3)),
    "backward: seed of another shape": lambda F, x, h, y: h.backward(constant(F, [1.0, 2.0])),
    "backward: no inputs": lambda F, x, h, y: y.backward(inputs=[]),
    "backward: input that needs none": lambda F, x, h, y: y.backward(inputs=[constant(F)]),
    "backward: nothing to differentiate": lambda F, x, h, y: constant(F, 1.0).backward(),
    "backward: an integer": lambda F, x, h, y: (y > 1).backward(),
    "backward: no seed for a vector": lambda F, x, h, y: h.backward(),
    "one element is enough": lambda F, x, h, y: F.autograd.grad(y.reshape(1, 1), x),
    "released": lambda F, x, h, y: [F.autograd.grad(y, x), F.autograd.grad(y, x)],
    "retained": lambda F, x, h, y: [F.autograd.grad(y, x, retain_graph=True), F.autograd.grad(y, x)],
    "create_graph retains": lambda F, x, h, y: [F.autograd.grad(y, x, create_graph=True), F.autograd.grad(y, x)],
    "create_graph, released": lambda F, x, h, y: [
        F.autograd.grad(y, x, create_graph=True, retain_graph=False), F.autograd.grad(y, x)
    ],
    "released only where walked": lambda F, x, h, y: [F.autograd.grad(y, h), F.autograd.grad(h.sum(), x)],
}  # fmt: skip


@pytest.mark.parametrize("call", GRAD.values(), ids=GRAD.keys())
def test_grad(call):
    def program(F):
        x = leaf(F)
        h = x.exp() * x
        return call(F, x, h, (h * h).sum())

    assert_same(program)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x, y: grad(y.sum(), [x, leaf(scratchnet)]), r"inputs\[1\], shape \(3,\).*not have been used.*allow_unused=True"),
        (lambda x, y: y.backward(), r"implicitly created only for scalar outputs.*\(3,\).*\.sum\(\)"),
        (lambda x, y: y.backward(constant(scratchnet, [1.0])), r"Mismatch in shape.*\(1,\).*\(3,\)"),
        (lambda x, y: [backward(y.sum()), backward(y.sum())], r"Mul: .*second time.*retain_graph=True"),
        (lambda x, y: backward(y.detach()), r"element 0 of tensors does not require grad"),
    ],
)
def test_errors_say_what_was_given_and_what_to_do(call, message):
    x = leaf(scratchnet)
    with pytest.raises(RuntimeError, match=message):
        call(x, x * x)


# ---- a second backward ------------------------------------------------------------------------------------------------
TWICE = {
    "x + 2": lambda F, x: x + 2, "x - x": lambda F, x: x - x, "x * 2": lambda F, x: x * 2, "x * x": lambda F, x: x * x,
    "x / 2": lambda F, x: x / 2, "x ** 2": lambda F, x: x**2, "-x": lambda F, x: -x, "exp": lambda F, x: x.exp(),
    "tanh": lambda F, x: x.tanh(), "sum": lambda F, x: x.sum(), "mean": lambda F, x: x.mean(), "max": lambda F, x: x.max(),
    "cumsum": lambda F, x: x.cumsum(0), "abs": lambda F, x: x.abs(), "clone": lambda F, x: x.clone(),
    "x[0:2]": lambda F, x: x[0:2], "x[[0, 1]]": lambda F, x: x[[0, 1]], "reshape": lambda F, x: x.reshape(1, 3),
    "expand": lambda F, x: x.expand(2, 3), "cat": lambda F, x: F.cat([x, x]), "matmul": lambda F, x: x @ x,
    "to": lambda F, x: x.to(F.float32), "clamp": lambda F, x: x.clamp(min=0), "unbind": lambda F, x: x.unbind()[1],
}  # fmt: skip


@pytest.mark.parametrize("operation", TWICE.values(), ids=TWICE.keys())
def test_what_can_be_walked_twice(operation):
    """An operation whose gradient reads nothing that was saved can; others raise."""

    def program(F):
        x = leaf(F)
        y = operation(F, x).sum()
        y.backward()
        y.backward()
        return x.grad

    assert_same(program)
