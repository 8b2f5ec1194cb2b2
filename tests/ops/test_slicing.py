"""Parts along a dimension: views, gradients, and the views that may not be changed in place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from scratchnet.testing import check_gradient
from scratchnet.testing.strategies import axis, basic_index, seeds, shapes, values
from tests.ops.expressions import agree

X = values((3, 4), 0)


@pytest.mark.parametrize(
    "code",
    [
        *("x.select(0, 1)", "x.select(-1, -2)", "F.select(x, dim=1, index=3)", "x.select(0, 3)", "x.select(2, 0)"),
        *("x.sum().select(0, 0)", "x.narrow(0, 1, 2)", "x.narrow(-1, -3, 2)", "x.narrow(0, 3, 0)"),
        *("x.narrow(0, 4, 0)", "x.narrow(0, 1, 5)", "x.narrow(1, 0, -1)", "x.narrow(0, F.tensor(1), 1)"),
        *("F.narrow(x, dim=1, start=0, length=4)", "x.unbind()", "x.unbind(1)", "x.unbind(2)", "x.sum().unbind()"),
        *("F.unbind(x, dim=-1)", "x[:0].unbind()", "x.split(2)", "x.split(3, 1)", "x.split([1, 2])"),
        *("x.split((1, 0, 3), dim=1)", "x.split([1, 1])", "x.split([4, -1])", "x.split(0)", "x.split(-1)"),
        *("x[:0].split(2)", "x[:0].split(0)", "x.sum().split(1)", "F.split(x, 2, dim=-1)"),
        *("F.split(x, split_size_or_sections=2)", "x.chunk(2)", "x.chunk(3, 1)", "x.chunk(9)", "x.chunk(0)"),
        *("x[:0].chunk(3)", "F.chunk(x, chunks=2, dim=1)", "x.sum().chunk(1)", "x.tensor_split(2)"),
        *("x.tensor_split(3, 1)", "x.tensor_split(5)", "x.tensor_split((1, 2))", "x.tensor_split([1, 7], dim=1)"),
        *("x.tensor_split([2, 1])", "x.tensor_split([-1])", "x.tensor_split(0)", "x.tensor_split(F.tensor([1, 2]))"),
        *("F.tensor_split(x, sections=2)", "x.sum().tensor_split(1)", "F.tensor_split(x, indices=(1,))"),
        *("x.hsplit(2)", "x.hsplit(3)", "x[0].hsplit(2)", "x.sum().hsplit(1)", "x.vsplit([1])", "x.vsplit(2)"),
        *("x[0].vsplit(2)", "x[None].dsplit(2)", "x.dsplit(1)", "F.hsplit(x, [1, 3])"),
    ],
)
def test_against_torch(code):
    agree(code, x=X)


@given(shape=shapes(), seed=seeds(), data=st.data())
def test_slices(shape, seed, data):
    index = data.draw(basic_index(shape))
    x = values(shape, seed)
    check_gradient(lambda t: t[index], x)
    agree(f"x[{_code(index)}]", x=x)


def _code(index):
    """An index as source text, so that torch gets what a user would write."""
    return f"({', '.join('...' if i is Ellipsis else repr(i) for i in index)}{',' * (len(index) == 1)})"


@given(shape=shapes(min_dims=1, min_side=1), seed=seeds(), data=st.data())
def test_gradients(shape, seed, data):
    x = values(shape, seed)
    d = data.draw(axis(len(shape)))
    n = data.draw(st.integers(1, shape[d]))
    check_gradient(lambda t: t.unbind(d), x)
    check_gradient(lambda t: t.split(n, d), x)
    check_gradient(lambda t: t.tensor_split(n, d)[0], x)


@pytest.mark.parametrize("parts", [lambda x: x[1:, ::2], lambda x: x.unbind(1), lambda x: x.split([1, 2])])
def test_fused_backward_is_backward(parts):
    y = parts(scratchnet.tensor(X, requires_grad=True))
    outputs = y if isinstance(y, tuple) else (y,)
    grads = [values(part.shape, i) for i, part in enumerate(outputs)]
    node = outputs[0].grad_fn
    composed = node.backward(*map(scratchnet.tensor, grads))
    np.testing.assert_array_equal(node.fused_backward(*grads), composed.array)


def test_one_of_several_views_is_not_changed_in_place():
    x = scratchnet.tensor(X, requires_grad=True) * 1
    for parts in (x.unbind(), x.split(2), x.chunk(2)):
        with pytest.raises(RuntimeError, match="several views"):
            parts[0].mul_(2)
    x.tensor_split(2)[0].mul_(2)
    assert x.grad_fn.name() == "Overwrite"


def test_by_hand():
    """The gradient of rows 0 and 2 of three, with weights 1 and 10."""
    x = scratchnet.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True)
    a, b, c = x.unbind()
    (a + 10 * c).sum().backward()
    assert x.grad.tolist() == [[1, 1], [0, 0], [10, 10]]
    assert [p.shape for p in x.split([1, 2])] == [(1, 2), (2, 2)]
    assert [len(p) for p in scratchnet.arange(7).tensor_split(3)] == [3, 2, 2]
    assert [len(p) for p in scratchnet.arange(7).chunk(3)] == [3, 3, 1]
