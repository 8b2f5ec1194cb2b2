"""Changes in place, on leaves, inner values and views of them: what they give, and when they are refused, as in torch."""

import numpy as np
import pytest

from tests.autograd.side_by_side import assert_same, both_raise, compared, constant, leaf

MATRIX = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]


def weights(F, like):
    """Different for each element, so that a gradient in the wrong place shows."""
    return constant(F, np.arange(1.0, 1 + like.numel()).reshape(tuple(like.shape)))


@compared
def test_x_plus_equals_in_a_loop(F):
    x, w = leaf(F), leaf(F, 0.5)
    y = x * 1
    for _ in range(5):
        y += x * w
        y -= 1
        y *= 2
    y.sum().backward()
    return y, x.grad, w.grad, y._version


@compared
def test_x_plus_equals(F):
    x = leaf(F)
    y = x * 2
    same = y
    y += x
    y -= 1
    y /= x
    y.sum().backward()
    return same is y, x.grad, y._version


@compared
def test_recurrence_into_a_buffer(F):
    x, w = leaf(F), leaf(F, 0.5)
    h = constant(F, np.zeros(4))
    for t in range(3):
        h[t + 1] = h[t].clone() * w + x[t]
    h.sum().backward()
    return h, x.grad, w.grad, h._version


@compared
def test_assign_with_broadcast(F):
    x, row, number = leaf(F, MATRIX), leaf(F), leaf(F, 7.0)
    y = x * 1
    y[1] = row
    y[:, 1:] = number
    y[0, 0] = 5
    (y * weights(F, y)).sum().backward()
    return y, x.grad, row.grad, number.grad, y._version


@compared
def test_assign_at_indices(F):
    x, v = leaf(F, MATRIX), leaf(F, [8.0, 9.0])
    y = x * 1
    y[[0, 1], [2, 0]] = v
    y[y > 8.5] = 0.5
    (y * weights(F, y)).sum().backward()
    return y, x.grad, v.grad


@compared
def test_assign_to_a_view(F):
    x, v = leaf(F, MATRIX), leaf(F, 9.0)
    y = x * 1
    y.t()[1:][0] = v
    (y * weights(F, y)).sum().backward()
    return y, x.grad, v.grad, y._version


@compared
def test_assign_itself(F):
    x = leaf(F, MATRIX)
    y = x * 1
    y[0] = y[1].clone() * y[0].clone()
    (y * weights(F, y)).sum().backward()
    return y, x.grad


@compared
def test_copy_into_a_view(F):
    x, v = leaf(F, MATRIX), leaf(F, [1.0, 2.0], dtype="float32")
    y = x * 1
    y[:, 1].copy_(v)
    (y * weights(F, y)).sum().backward()
    return y, x.grad, v.grad


@compared
def test_zero_and_fill(F):
    x = leaf(F, MATRIX)
    y = x * x
    y[0].zero_()
    y[1, :2].fill_(3)
    y.sum().backward()
    return y, x.grad, y._version


@compared
def test_other_operand_of_a_constant(F):  # the gradient of w reads the old value of what is changed
    b, w = constant(F, [5.0, 5.0, 5.0]), leaf(F)
    b.mul_(w)
    b.mul_(w)
    b.sum().backward()
    return b, w.grad


@compared
def test_old_value_is_read(F):
    x = leaf(F)
    y = x * 1
    y.pow_(2)
    y.sin_()
    y.mul_(x)
    y.sum().backward()
    return y, x.grad


@compared
def test_operand_is_itself(F):
    x = leaf(F)
    y = x * 1
    y.add_(y)
    y.sum().backward()
    return x.grad


@both_raise(RuntimeError)
def test_product_with_itself(F):
    x = leaf(F)
    y = x * 1
    y.mul_(y)
    y.sum().backward()


@compared
def test_change_in_no_grad_between(F):
    x = leaf(F)
    y = x * 2
    part = y[:2]
    with F.no_grad():
        y.mul_(10)
    (part * x[:2]).sum().backward()
    return part, x.grad, part._version


@compared
def test_optimizer_step(F):
    w = leaf(F)
    (w * w).sum().backward()
    with F.no_grad():
        w.sub_(w.grad, alpha=0.1)
        w -= 0.1 * w.grad
        w[0] = 7.0
    return w, w._version, w.is_leaf, w.requires_grad


@compared
def test_leaf_view_after_a_step(F):
    w = leaf(F)
    part = w[:2]
    with F.no_grad():
        w.add_(1)
    (part * part).sum().backward()
    return w.grad


@compared
def test_detached_shares_memory_and_version(F):
    x = leaf(F)
    y = x * 2
    d = y.detach()
    d.add_(1)
    y.sum().backward()
    return y, d, y._version, d._version, d._is_view(), d.requires_grad, x.grad


@compared
def test_history_of_a_detached_tensor_is_its_own(F):
    x, w = leaf(F), leaf(F, 2.0)
    y = x * 2
    d = y.detach()
    d[:2].mul_(w)
    flags = y.requires_grad, d.requires_grad, y._version
    (d.sum() + y.sum()).backward()
    return flags, y, x.grad, w.grad


@compared
def test_data_shares_memory_alone(F):
    x = leaf(F)
    y = x * 2
    z = y * y
    y.data.zero_()
    z.sum().backward()
    return y, y._version, x.grad


@compared
def test_a_view_that_is_a_leaf(F):
    base = constant(F, MATRIX)
    part = base[0]
    part.requires_grad_()
    base[1].mul_(2)
    (part * part).sum().backward()
    return part.is_leaf, part.grad, base.requires_grad, part._version


@compared
def test_views_of_a_view_after_a_change(F):
    x = leaf(F, MATRIX)
    y = x * 1
    rows = y[:1]
    row = rows[0]
    last = row[-1]
    y.mul_(2)
    row.mul_(3)
    last.mul_(5)
    (y * weights(F, y)).sum().backward(retain_graph=True)
    once = x.grad.clone()
    (rows.sum() + row.sum() + last).backward()
    return y, once, x.grad, last


@compared
def test_split_without_gradient(F):
    y = constant(F)
    a, b = y.split([1, 2])
    a.mul_(2)
    b.add_(1)
    return y, y._version, a._version


@compared
def test_retained_gradients_move(F):
    x = leaf(F)
    y = x * 2
    part = y[:2]
    y.retain_grad()
    part.retain_grad()
    y.mul_(3)
    part.exp_()
    flags = y.retains_grad, part.retains_grad
    (y * weights(F, y)).sum().backward(retain_graph=True)
    (part * 10).sum().backward()
    return flags, x.grad, y.grad, part.grad


@compared
def test_bool_and_integer(F):
    a, b = constant(F, [1, 2, 3], "int64"), constant(F, [1, 0, 1], "bool")
    a += b
    a.mul_(constant(F, [2, 2, 2], "int8"))
    b &= a > 2
    return a, b, a.dtype == F.int64, b.dtype == F.bool


@pytest.mark.parametrize("value", [2.0, "tensor"])
@pytest.mark.parametrize(
    "key",
    [..., (), slice(None), slice(0, 2), slice(0, 9), slice(-5, None), slice(0, 1), (slice(None), ...), (..., slice(0, 2)),
     (slice(0, 2), slice(0, 3)), (slice(None), slice(0, 2)), None, (..., None), (slice(None), slice(None), None)],
    ids=str,
)  # fmt: skip
def test_assigning_all_elements_saves_nothing(key, value):
    """So the graph can be walked again; where a part is assigned, it cannot, in either library."""

    def program(F):
        x, source = leaf(F, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), leaf(F, 3.0)
        y = x + 1.0
        y[key] = source if value == "tensor" else value
        g = constant(F, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
        y.backward(g)
        y.backward(g)
        return x.grad, source.grad, y

    assert_same(program)
