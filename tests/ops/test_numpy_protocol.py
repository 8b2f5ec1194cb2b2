"""NumPy's functions on Tensors: the same numbers, with gradients, or a refusal; never a lost gradient."""

import numpy as np
import pytest

import scratchnet
from scratchnet.testing import check_gradient
from scratchnet.testing.strategies import values

X, Y = values((3, 4), 0, low=0.2), values((3, 4), 1, low=0.2)
S = values((3, 3), 2)

CALLS = [
    *("np.exp(x)", "np.add(x, y)", "np.subtract(y, x)", "np.multiply(x, 2)", "np.divide(1.0, x)", "np.power(x, 2)"),
    *("np.power(2.0, x)", "np.negative(x)", "np.absolute(x)", "np.sqrt(x)", "np.square(x)", "np.log1p(x)"),
    *("np.tanh(x)", "np.arctan2(x, y)", "np.hypot(x, y)", "np.maximum(x, y)", "np.minimum(x, 0.5)"),
    *("np.maximum(1.0, x)", "np.matmul(x, y.T)", "np.sum(x)", "np.sum(x, axis=1, keepdims=True)", "np.sum(x, 1)"),
    *("np.mean(x, axis=(0, 1))", "np.prod(x, axis=0)", "np.std(x)", "np.var(x, axis=0, ddof=1)", "np.max(x)"),
    *("np.amin(x, axis=1)", "np.cumsum(x, axis=0)", "np.clip(x, 0.5, 1)", "np.clip(x, a_min=None, a_max=1)"),
    *("np.where(x > 1, x, y)", "np.round(x)", "np.dot(x, y.T)", "np.inner(x, y)", "np.outer(x[0], y[0])"),
    *("np.trace(s)", "np.tensordot(x, y, axes=([1], [1]))", "np.einsum('ij,kj->ik', x, y)", "np.reshape(x, (4, 3))"),
    *("np.ravel(x)", "np.transpose(x)", "np.transpose(x, (1, 0))", "np.transpose(x[None], axes=(2, 0, 1))"),
    *("np.squeeze(x[None], axis=0)", "np.expand_dims(x, 1)", "np.expand_dims(x, axis=-1)", "np.moveaxis(x, 0, 1)"),
    *("np.swapaxes(x, 0, 1)", "np.broadcast_to(x, (2, 3, 4))", "np.concatenate([x, y], axis=1)"),
    *("np.stack([x, y], axis=2)", "np.hstack([x, y])", "np.vstack((x, y))", "np.tile(x, (2, 1))"),
    *("np.repeat(x, 2, axis=0)", "np.roll(x, 1, axis=0)", "np.flip(x)", "np.flip(x, axis=1)", "np.rot90(x, k=3)"),
    *("np.tril(x, k=-1)", "np.triu(x)", "np.diag(s, k=1)", "np.diag(x[0])", "np.diagonal(x, offset=1)"),
    *("np.diagonal(x, axis1=1, axis2=0)", "np.diagflat(x[0], k=1)", "np.zeros_like(x)", "np.full_like(x, 3)"),
    *("np.copy(x)", "np.argmax(x, axis=1)", "np.argsort(x)", "np.any(x > 1)", "np.count_nonzero(x > 1)"),
    *("np.logical_and(x > 1, y > 1)", "np.greater(x, y)", "np.equal(x, y)", "np.isnan(x)"),
    *("np.take_along_axis(x, i, axis=1)", "np.array_split(x, 2)[0]", "np.linalg.norm(s)", "np.linalg.inv(s)"),
    *("np.linalg.det(s)", "np.linalg.solve(s, x)", "np.nan_to_num(x)", "y + x", "x - y", "2 * x", "y / x"),
    *("y @ x.T", "np.float64(2) * x", "y ** x", "y > x", "y == x", "np.remainder(x, 0.7)"),
]  # fmt: skip


@pytest.mark.parametrize("code", CALLS)
def test_calls(code):
    """Called with a Tensor for x (the rest stay arrays), a function gives NumPy's numbers, and a gradient."""
    rest = {"y": Y, "s": S, "i": np.array([[0, 3], [1, 1], [2, 0]]), "np": np}

    def call(x):
        name = "s" if "x" not in code.replace("axis", "").replace("expand", "").replace("max", "") else "x"
        return eval(code, {**rest, name: x})

    x = S if "x" not in code.replace("axis", "").replace("expand", "").replace("max", "") else X
    result = call(scratchnet.tensor(x, requires_grad=True))
    assert isinstance(result, scratchnet.Tensor)
    expected = np.asarray(call(x))
    np.testing.assert_allclose(result.detach().array, expected, rtol=1e-12)
    assert result.array.dtype.kind == expected.dtype.kind
    if result.requires_grad:
        check_gradient(call, x)


@pytest.mark.parametrize(
    "code",
    [
        *("np.percentile(x, 50)", "np.median(x)", "np.add.reduce(x)", "np.multiply.accumulate(x)", "np.sort(x)"),
        *("np.average(x)", "np.add(x, x, out=np.zeros((3, 4)))", "np.sum(x, out=np.zeros(()))", "np.divmod(x, 2)"),
        *("np.interp(x, [0, 1], [0, 1])", "np.convolve(x[0], x[0])", "np.allclose(x, x)", "np.gradient(x)"),
        *("np.linalg.eig(x[:, :3])", "np.meshgrid(x[0], x[0])"),
    ],
)
def test_no_gradient_is_lost(code):
    """What has no counterpart here is refused for tensors that require grad, and done by NumPy for others."""
    x = scratchnet.tensor(X, requires_grad=True)
    with pytest.raises(TypeError, match=r"\.detach\(\)"):
        eval(code, {"x": x, "np": np})
    result = eval(code, {"x": x.detach(), "np": np})
    expected = eval(code, {"x": X, "np": np})
    for ours, theirs in zip(*[r if isinstance(r, tuple) else (r,) for r in (result, expected)]):
        np.testing.assert_array_equal(ours, theirs)
        assert not isinstance(ours, scratchnet.Tensor)


def test_conversion_is_refused():
    x = scratchnet.tensor(X, requires_grad=True)
    for convert in (np.asarray, np.array, np.ascontiguousarray):
        with pytest.raises((RuntimeError, TypeError)):
            convert(x)
    np.testing.assert_array_equal(np.asarray(x.detach()), X)


def test_numpy_does_not_write_into_tensors():
    """The engine would not see it, and saved values would be wrong."""
    x = scratchnet.zeros(3)
    for call in (lambda: np.add(1, 1, out=x), lambda: np.add.at(x, [0], 1), lambda: np.sum(np.ones(3), out=x[0])):
        with pytest.raises(TypeError, match="cannot write"):
            call()
    a = np.ones(3)
    a += x
    assert a.tolist() == [1, 1, 1]


def test_shapes():
    x = scratchnet.tensor(X, requires_grad=True)
    assert (np.shape(x), np.ndim(x), np.size(x)) == ((3, 4), 2, 12)
    with pytest.raises(TypeError, match="vectors and matrices"):
        np.dot(x[None], x.t())


def test_by_hand():
    x = scratchnet.tensor([1.0, 2.0], requires_grad=True)
    (np.exp(x) * np.array([1.0, 10.0])).sum().backward()
    np.testing.assert_allclose(x.grad.array, [np.e, 10 * np.e**2], rtol=1e-6)
