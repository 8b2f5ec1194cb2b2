"""Matrix products: every pair of shapes that matmul takes, the strict forms, scaled sums, refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet as sn
from scratchnet import Tensor
from scratchnet.ops.matmul import MatMul
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import broadcastable, seeds

SHAPES = {
    "vector, vector": [(3,), (3,)],
    "matrix, vector": [(2, 3), (3,)],
    "vector, matrix": [(3,), (3, 4)],
    "matrices": [(2, 3), (3, 4)],
    "batch, matrix": [(5, 2, 3), (3, 4)],
    "batches, matrix": [(2, 5, 2, 3), (3, 4)],
    "matrix, batch": [(2, 3), (5, 3, 4)],
    "vector, batch": [(3,), (5, 3, 4)],
    "batch, vector": [(5, 2, 3), (3,)],
    "batches": [(5, 2, 3), (5, 3, 4)],
    "batches that broadcast": [(2, 1, 2, 3), (5, 3, 2)],
    "no rows": [(0, 3), (3, 2)],
    "nothing to sum": [(2, 0), (0, 2)],
    "a batch, nothing to sum": [(2, 2, 0), (0, 2)],
    "an empty batch": [(0, 2, 3), (3, 2)],
    "an empty batch, vector": [(0, 2, 3), (3,)],
}


@pytest.mark.parametrize("case", SHAPES)
def test_matmul(case):
    a, b = (values(shape, seed) for seed, shape in enumerate(SHAPES[case]))
    check_gradient(lambda a, b: a @ b, a, b)
    check_against_torch("matmul", a, b)
    check_against_torch("Tensor.__matmul__", a.astype(np.float32), b.astype(np.float32))


@given(broadcastable(2, max_dims=2, min_side=1, max_side=3), st.data(), seeds())
def test_matmul_of_batches(batches, data, seed):
    n, k, m = (data.draw(st.integers(1, 3)) for _ in range(3))
    a, b = values((*batches[0], n, k), seed), values((*batches[1], k, m), seed + 1)
    check_gradient(lambda a, b: a @ b, a, b)
    check_against_torch("matmul", a, b)


def test_by_hand():
    """The gradients are g bᵀ and aᵀ g, here for a cotangent that looks at one element only."""
    a, b = Tensor(np.array([[1.0, 2.0], [3.0, 4.0]]), True), Tensor(np.array([[5.0, 6.0], [7.0, 8.0]]), True)
    y = a @ b
    assert y.tolist() == [[19, 22], [43, 50]]
    y.backward(Tensor(np.array([[1.0, 0.0], [0.0, 0.0]])))
    assert a.grad.tolist() == [[5, 7], [0, 0]] and b.grad.tolist() == [[1, 0], [2, 0]]


NAMED = {
    "mm": [(2, 3), (3, 4)],
    "bmm": [(5, 2, 3), (5, 3, 4)],
    "mv": [(2, 3), (3,)],
    "dot": [(3,), (3,)],
    "vdot": [(3,), (3,)],
    "outer": [(2,), (3,)],
    "ger": [(2,), (3,)],
    "inner": [(2, 3, 4), (5, 4)],
    "inner ": [(4,), (4,)],
    "addmm": [(4,), (2, 3), (3, 4)],
    "addmv": [(2,), (2, 3), (3,)],
    "addr": [(2, 3), (2,), (3,)],
    "baddbmm": [(2, 1), (5, 2, 3), (5, 3, 4)],
    "addbmm": [(2, 4), (5, 2, 3), (5, 3, 4)],
}


@pytest.mark.parametrize("name", NAMED)
def test_named_products(name):
    inputs = [values(shape, seed) for seed, shape in enumerate(NAMED[name])]
    name = name.strip()
    check_gradient(getattr(sn, name), *inputs)
    check_against_torch(name, *inputs)
    check_against_torch(f"Tensor.{name}", *[x.astype(np.float32) for x in inputs])
    check_against_torch(name, *[(10 * x).astype(np.int64) for x in inputs])


@pytest.mark.parametrize("name", ["addmm", "addmv", "addr", "baddbmm", "addbmm"])
@pytest.mark.parametrize("beta, alpha", [(2, 1), (0.5, -3), (0, 1), (1, 0), (0, 0)])
def test_scaled_sums(name, beta, alpha):
    inputs = [values(shape, seed) for seed, shape in enumerate(NAMED[name])]
    check_against_torch(name, *inputs, beta=beta, alpha=alpha)
    check_gradient(lambda *xs: getattr(sn, name)(*xs, beta=beta, alpha=alpha), *inputs)
    if beta == 0:
        inputs[0][...] = np.nan  # ignored, not multiplied by zero
        check_against_torch(name, *inputs, beta=beta, alpha=alpha)
    check_against_torch(f"Tensor.{name}_", np.ones(sn_shape(name)), *inputs[1:], grad=False, beta=beta, alpha=alpha)


def sn_shape(name):
    """The shape of the result."""
    return {"addmv": (2,), "addr": (2, 3), "baddbmm": (5, 2, 4)}.get(name, (2, 4))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64, np.int32, np.uint8, np.bool_])
def test_dtypes(dtype):
    a, b = (values((3, 3), seed, low=0, high=200).astype(dtype) for seed in range(2))
    for name in ("matmul", "mm", "mv", "dot", "bmm", "inner"):
        xs = {"mv": (a, b[0]), "dot": (a[0], b[0]), "bmm": (a[None], b[None])}.get(name, (a, b))
        check_against_torch(name, *xs)
        check_against_torch(name, xs[0], xs[1].astype(np.float64 if dtype != np.float64 else np.float32))


REFUSED = [
    ("matmul", (2, 3), (4, 5)),
    ("matmul", (), (4, 5)),
    ("matmul", (3,), ()),
    ("matmul", (3,), (4,)),
    ("matmul", (2, 3), (4,)),
    ("matmul", (3,), (4, 2)),
    ("matmul", (2, 3, 4), (3, 4, 5)),
    ("matmul", (2, 3, 4), (2, 5, 5)),
    ("matmul", (2, 3, 4), (5, 5)),
    ("mm", (3,), (3,)),
    ("mm", (1, 2, 3), (3, 2)),
    ("mm", (2, 3), (2, 3)),
    ("bmm", (3, 2, 2), (2, 2, 2)),
    ("bmm", (3, 2), (2, 2, 2)),
    ("bmm", (3, 2, 2), (3, 4, 4)),
    ("mv", (3, 2), (3,)),
    ("mv", (3,), (3,)),
    ("dot", (3,), (4,)),
    ("dot", (3, 1), (3,)),
    ("outer", (3,), (2, 2)),
    ("outer", (), (2,)),
    ("inner", (3, 2), (4, 3)),
    ("addmm", (4,), (2, 2), (2, 3)),
    ("addmm", (2, 2, 3), (2, 2), (2, 3)),
    ("addmv", (2,), (2, 3), (4,)),
    ("addr", (2, 2), (2,), (3,)),
    ("baddbmm", (4, 2, 2), (3, 2, 2), (3, 2, 2)),
    ("addbmm", (3, 2), (3, 2, 2), (3, 2, 2)),
]


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_refusals(case):
    name, *shapes = case
    check_against_torch(name, *[np.zeros(shape) for shape in shapes])
    with pytest.raises(RuntimeError) as caught:  # and says what it was given
        getattr(sn, name)(*[Tensor(np.zeros(shape)) for shape in shapes])
    assert any(str(n) in str(caught.value) for shape in shapes for n in (*shape, len(shape)))


def test_operator():
    a, b = values((2, 3), 0), values((3, 2), 1)
    ours = Tensor(a, True)
    assert np.allclose((ours @ b).array, a @ b) and (ours @ b).requires_grad
    assert np.allclose((b @ ours).array, b @ a) and isinstance(b @ ours, Tensor)
    for wrong in (2, "x", None):
        with pytest.raises(TypeError):
            ours @ wrong
        with pytest.raises(TypeError):
            wrong @ ours


def test_one_matrix_for_a_batch_is_one_product():
    """The gradient of a weight that a batch shares is one matrix product, not a batch of them, summed."""
    sizes = []
    original = MatMul.forward

    def forward(self, a, b):
        sizes.append(a.shape)
        return original(self, a, b)

    MatMul.forward = forward
    try:
        x, w = Tensor(values((4, 5, 3), 0), True), Tensor(values((3, 2), 1), True)
        (x @ w).sum().backward(create_graph=True)
    finally:
        MatMul.forward = original
    assert (3, 20) in sizes and w.grad.shape == (3, 2)


@pytest.mark.parametrize("name", ["matmul", "mm", "bmm", "mv", "dot", "vdot", "inner", "outer"])
def test_only_tensors(name):
    for wrong in (2.0, [1.0], None):
        check_against_torch(name, np.zeros((2, 2)), wrong)
        check_against_torch(name, wrong, np.zeros((2, 2)))
