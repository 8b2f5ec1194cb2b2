"""Linear algebra: definitions, torch, gradients to second order, singular and empty matrices, refusals."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import scratchnet as sn
from scratchnet import Tensor, linalg
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds, shapes

SQUARES = [(1, 1), (3, 3), (2, 3, 3), (0, 0), (0, 2, 2), (2, 0, 0)]
RECTANGLES = [(4, 3), (3, 3), (3, 5), (2, 4, 2), (1, 3), (0, 3), (3, 0)]


def regular(shape, seed=0):
    """Well-conditioned square matrices."""
    return values(shape, seed) + 3 * np.eye(shape[-1])


def definite(shape, seed=0):
    """Symmetric positive-definite ones, with distinct eigenvalues."""
    x = values(shape, seed)
    return x @ np.swapaxes(x, -1, -2) + np.diag(np.arange(1.0, shape[-1] + 1))


def of_symmetric(function):
    """As a function of any matrix: differences move one element at a time."""
    return lambda a: function((a + a.mT) / 2)


def check(ours, theirs, *inputs, **kwargs):
    """Against torch in float64 and float32, and with differences to second order."""
    check_against_torch(ours, *inputs, torch_fn=theirs)
    singles = [x.astype(np.float32) for x in inputs]
    check_against_torch(ours, *singles, torch_fn=theirs, rtol=2e-3, atol=2e-3)
    check_gradient(ours, *inputs, **kwargs)


# ---- inverses, systems, determinants ---------------------------------------------------------------------------------
@pytest.mark.parametrize("shape", SQUARES, ids=str)
@pytest.mark.parametrize("name", ["inv", "det", "slogdet"])
def test_of_square_matrices(name, shape):
    check(getattr(linalg, name), getattr(torch.linalg, name), regular(shape))


@pytest.mark.parametrize(
    "a, b",
    [
        ((3, 3), (3,)), ((3, 3), (3, 2)), ((3, 3), (2, 3, 4)), ((2, 3, 3), (2, 3)), ((2, 3, 3), (3,)),
        ((2, 3, 3), (3, 2)), ((2, 1, 3, 3), (4, 3, 2)), ((0, 0), (0,)), ((2, 2, 2), (2, 2)),
    ],
    ids=str,
)  # fmt: skip
def test_solve(a, b):
    A, B = regular(a), values(b, 1)
    check(linalg.solve, torch.linalg.solve, A, B)
    right = np.swapaxes(B, -1, -2) if len(b) > 1 else B
    if len(b) > 1 and a[:-1] not in (b, right.shape):
        check_against_torch("linalg.solve", A, right, left=False)
        check_gradient(lambda A, B: linalg.solve(A, B, left=False), A, right)


SINGULAR = {
    "rank 2 of 3": np.arange(9.0).reshape(3, 3),
    "rank 1 of 2": np.array([[1.0, 2.0], [2.0, 4.0]]),
    "rank 1 of 3": np.outer([1.0, 2.0, 3.0], [1.0, -1.0, 2.0]),
    "zero": np.zeros((3, 3)),
    "number": np.zeros((1, 1)),
    "one of a batch": np.stack([np.eye(2), np.ones((2, 2))]),
}


@pytest.mark.parametrize("case", SINGULAR)
def test_det_of_singular_matrices(case):
    """det is a polynomial: it has derivatives where A has no inverse."""
    check_gradient(linalg.det, SINGULAR[case])


def test_third_derivative_of_a_singular_det_is_refused():
    x = Tensor(np.ones((2, 2)), True)
    (g,) = sn.autograd.grad(linalg.det(x), x, create_graph=True)
    with pytest.raises(NotImplementedError, match="third derivative"):
        sn.autograd.grad(g.sum(), x, create_graph=True)


def test_logdet():
    check(sn.logdet, torch.logdet, definite((2, 3, 3)))
    check_against_torch("logdet", np.diag([1.0, -2.0]), grad=False)  # NaN
    check_against_torch("logdet", np.zeros((2, 2)), grad=False)  # −∞


def test_by_hand():
    """A = [[2, 1], [1, 3]]: det A = 5, the cofactors are [[3, −1], [−1, 2]], and A (1, 2) = (4, 7)."""
    A = Tensor(np.array([[2.0, 1.0], [1.0, 3.0]]), True)
    y = linalg.det(A)
    y.backward()
    cofactors = np.array([[3.0, -1.0], [-1.0, 2.0]])
    assert np.isclose(y.item(), 5) and np.allclose(A.grad.array, cofactors)
    assert np.allclose(linalg.inv(A).array, cofactors / 5)
    assert np.allclose(linalg.solve(A, Tensor(np.array([4.0, 7.0]))).array, [1, 2])


# ---- factorizations --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("shape", SQUARES, ids=str)
@pytest.mark.parametrize("upper", [False, True])
def test_cholesky(shape, upper):
    A = definite(shape)
    check_against_torch("linalg.cholesky", A, upper=upper)
    check_gradient(of_symmetric(lambda a: linalg.cholesky(a, upper=upper)), A)
    L = linalg.cholesky(Tensor(A), upper=upper).array
    product = np.swapaxes(L, -1, -2) @ L if upper else L @ np.swapaxes(L, -1, -2)
    assert np.allclose(product, A) and np.array_equal(L, np.triu(L) if upper else np.tril(L))


@pytest.mark.parametrize("upper", [False, True])
def test_cholesky_reads_one_triangle(upper):
    A = definite((3, 3))
    half = np.triu(A) if upper else np.tril(A)
    assert np.allclose(linalg.cholesky(Tensor(half), upper=upper).array, linalg.cholesky(Tensor(A), upper=upper).array)


@pytest.mark.parametrize("shape", RECTANGLES, ids=str)
def test_qr(shape):
    A = values(shape, 3)
    for mode in ("reduced", "complete", "r"):
        check_against_torch("linalg.qr", A, mode, grad=False)
        if mode == "reduced" or (mode == "complete" and shape[-2] <= shape[-1]):
            check_against_torch("linalg.qr", A, mode)
            check_gradient(partial(linalg.qr, mode=mode), A)
    Q, R = linalg.qr(Tensor(A))
    assert np.allclose((Q @ R).array, A) and np.allclose((Q.mT @ Q).array, np.eye(min(shape[-2:])))
    assert np.array_equal(R.array, np.triu(R.array))


def test_qr_without_gradient():
    A = Tensor(values((4, 3), 0), True)
    for mode in ("complete", "r"):
        with pytest.raises(RuntimeError, match="mode='reduced'"):
            linalg.qr(A, mode).R.sum().backward()


# ---- spectra: eigenvectors and singular vectors up to their signs ----------------------------------------------------
def signless_eigh(module):
    def function(a):
        eigenvalues, v = module.eigh(a)
        return eigenvalues, v * v, v * eigenvalues.sqrt()[..., None, :] @ v.mT

    return function


@pytest.mark.parametrize("shape", SQUARES, ids=str)
def test_eigh(shape):
    A = definite(shape)
    check(of_symmetric(signless_eigh(linalg)), of_symmetric(signless_eigh(torch.linalg)), A)
    check(of_symmetric(linalg.eigvalsh), of_symmetric(torch.linalg.eigvalsh), A)
    check_against_torch(signless_eigh(linalg), A, torch_fn=signless_eigh(torch.linalg))  # not symmetrised
    w, V = linalg.eigh(Tensor(A))
    assert np.allclose((V * w[..., None, :] @ V.mT).array, A) and (np.diff(w.array, axis=-1) >= 0).all()


def test_eigh_reads_one_triangle():
    A = values((3, 3), 0)
    for triangle in "LU":
        check_against_torch("linalg.eigvalsh", A, triangle)


def test_equal_eigenvalues_and_singular_values():
    """What depends on them alone is differentiable where they are equal, and where they are 0."""
    check_gradient(of_symmetric(lambda a: (linalg.eigvalsh(a) ** 2).sum()), np.eye(3), order=1)
    check_gradient(of_symmetric(lambda a: (linalg.eigh(a).eigenvalues ** 2).sum()), np.eye(3), order=1)
    check_gradient(lambda a: (linalg.svdvals(a) ** 2).sum(), np.eye(3), order=1)
    check_gradient(lambda a: (linalg.svd(a).S ** 2).sum(), np.eye(3), order=1)
    check_gradient(lambda a: (linalg.svd(a, False).S ** 2).sum(), np.zeros((3, 2)), order=1)


def signless_svd(module, full=False):
    def function(a):
        u, s, vt = module.svd(a, full_matrices=full)
        k = s.shape[-1]
        u, vt = u[..., :k], vt[..., :k, :]
        return u * u, s, vt * vt, u @ vt

    return function


@pytest.mark.parametrize("shape", RECTANGLES, ids=str)
def test_svd(shape):
    A = values(shape, 4)
    for full in (False, True):
        check(signless_svd(linalg, full), signless_svd(torch.linalg, full), A)
        assert all(
            x.shape == y.shape
            for x, y in zip(linalg.svd(Tensor(A), full), torch.linalg.svd(torch.from_numpy(A), full), strict=True)
        )
    check(linalg.svdvals, torch.linalg.svdvals, A)
    U, S, Vh = linalg.svd(Tensor(A), full_matrices=False)
    assert np.allclose((U * S[..., None, :] @ Vh).array, A) and np.allclose((U.mT @ U).array, np.eye(min(shape[-2:])))


@pytest.mark.parametrize("shape", RECTANGLES, ids=str)
def test_pinv(shape):
    check(linalg.pinv, torch.linalg.pinv, values(shape, 5))


def test_pinv_of_deficient_matrices():
    a, b = values((4, 2), 0), values((2, 3), 1)
    product = a @ b
    check_against_torch("linalg.pinv", product, grad=False)
    check_against_torch("linalg.pinv", values((3, 3), 0), atol=1.5, grad=False)
    check_against_torch("linalg.pinv", values((3, 3), 0), rtol=0.5, grad=False)
    check_gradient(lambda a, b: linalg.pinv(a @ b), a, b)  # the rank stays 2
    check_against_torch("linalg.pinv", definite((3, 3)), hermitian=True)
    check_gradient(of_symmetric(lambda a: linalg.pinv(a, hermitian=True)), definite((3, 3)))


def test_matrix_rank():
    for A in (np.eye(3), np.ones((3, 3)), np.zeros((2, 3)), np.eye(3) * 1e-9, values((2, 3, 4), 0), np.zeros((0, 3))):
        check_against_torch("linalg.matrix_rank", A, grad=False)
    check_against_torch("linalg.matrix_rank", np.diag([1.0, 1e-3, 0.0]), atol=1e-2, grad=False)
    check_against_torch("linalg.matrix_rank", np.diag([1.0, -1.0, 0.0]), hermitian=True, grad=False)


# ---- norms -----------------------------------------------------------------------------------------------------------
ORDERS = ["fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf]


@pytest.mark.parametrize("ord", ORDERS)
def test_matrix_norm(ord):
    A = values((2, 3, 4), 6, distinct=True)
    check(lambda a: linalg.matrix_norm(a, ord), lambda a: torch.linalg.matrix_norm(a, ord), A)
    check_against_torch("linalg.matrix_norm", A, ord, dim=(0, 2), keepdim=True)
    check_against_torch("linalg.matrix_norm", A, ord, dim=(2, 1))
    check_gradient(lambda a: linalg.matrix_norm(a, ord, dim=(2, 0)), A, order=1)
    for shape in [(2, 0), (0, 2), (0, 0), (3, 0, 2)]:
        check_against_torch("linalg.matrix_norm", np.zeros(shape), ord)


@pytest.mark.parametrize("ord", [0, 0.5, 1, 1.5, 2, 3, -1, np.inf, -np.inf])
def test_vector_norm(ord):
    x = values((2, 3, 2), 7, distinct=True)
    for dim in (None, 1, -1, (0, 2), ()):
        check_against_torch("linalg.vector_norm", x, ord, dim)
        check_against_torch("linalg.vector_norm", x.astype(np.float32), ord, dim, keepdim=True)
    check_against_torch("linalg.vector_norm", x.astype(np.float32), ord, dtype=sn.float64)
    for shape, dim in [((2, 0), None), ((2, 0), 0), ((2, 0), 1), ((), None)]:
        check_against_torch("linalg.vector_norm", np.ones(shape), ord, dim)
    if ord != 0:
        check_gradient(lambda x: linalg.vector_norm(x, ord, (0, 2)), x)


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 4)], ids=str)
def test_norm_chooses(shape):
    A = values(shape, 8)
    for ord in (None, 1, 2, 3, "fro", "nuc", np.inf):
        for dim in (None, 0, (0,), (0, 1), (0, 1, 2)):
            check_against_torch("linalg.norm", A, ord, dim)


# ---- products --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "shapes",
    [
        [(2, 3), (3, 2)], [(3,), (3,)], [(3,), (3, 2), (2,)], [(2,), (2, 3), (3, 4), (4,)],
        [(2, 3), (3, 1), (1, 4), (4, 2)], [(2, 3), (3,)], [(0, 3), (3, 2), (2, 2)],
    ],
    ids=str,
)  # fmt: skip
def test_multi_dot(shapes):
    inputs = [values(shape, seed) for seed, shape in enumerate(shapes)]
    check(lambda *xs: linalg.multi_dot(xs), lambda *xs: torch.linalg.multi_dot(xs), *inputs)


def test_multi_dot_takes_the_cheapest_order():
    """The example of Cormen et al., Introduction to Algorithms, 15.2: ((A1 (A2 A3)) ((A4 A5) A6))."""
    from scratchnet.ops.linalg.products import _cheapest_splits

    split = _cheapest_splits([30, 35, 15, 5, 10, 20, 25])
    assert (split[0, 5], split[0, 2], split[3, 5]) == (2, 0, 4)


@pytest.mark.parametrize("n", [-3, -1, 0, 1, 2, 5])
def test_matrix_power(n):
    check(lambda a: linalg.matrix_power(a, n), lambda a: torch.linalg.matrix_power(a, n), regular((2, 3, 3)) / 3)
    if n > 0:
        check_against_torch("linalg.matrix_power", (10 * regular((3, 3))).astype(np.int64), n)


@given(shapes(min_dims=1, max_dims=3, min_side=1, max_side=2), seeds(), st.data())
def test_cross(shape, seed, data):
    dim = data.draw(st.integers(0, len(shape)))
    a = (*shape[:dim], 3, *shape[dim:])
    b = tuple(1 if d != dim and data.draw(st.booleans()) else n for d, n in enumerate(a))
    x, y = values(a, seed), values(b, seed + 1)
    check_against_torch("linalg.cross", x, y, dim=dim)
    check_gradient(lambda x, y: linalg.cross(x, y, dim=dim - len(a)), x, y)


def test_cross_by_hand():
    ex, ey = Tensor(np.array([1.0, 0.0, 0.0])), Tensor(np.array([0.0, 1.0, 0.0]))
    assert linalg.cross(ex, ey).tolist() == [0, 0, 1] and linalg.cross(ey, ex).tolist() == [0, 0, -1]


def test_small_ones():
    x = values((2, 3, 3), 0)
    check_against_torch("linalg.diagonal", x)
    check_against_torch("linalg.diagonal", x, offset=1, dim1=0, dim2=2)
    check_against_torch("linalg.vecdot", x, values((3,), 1))
    check_against_torch("linalg.vecdot", x, x, dim=0)
    check_against_torch("linalg.matmul", x, x)


# ---- the top level ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["inverse", "det", "slogdet", "logdet", "cholesky", "pinverse"])
def test_aliases(name):
    check_against_torch(name, definite((3, 3)))
    check_against_torch(f"Tensor.{name}", definite((3, 3)))


def test_older_signatures():
    A = values((4, 3), 0)
    check_against_torch("cholesky", definite((3, 3)), upper=True)
    check_against_torch("qr", A)
    check_against_torch("Tensor.qr", A, some=False, grad=False)
    check_against_torch("matrix_power", A[:3], 2)
    check_against_torch("cross", A.T, A.T)
    check_against_torch("cross", A, A, dim=1)
    check_against_torch("cross", A[:2, :2], A[:2, :2])
    for some in (True, False):
        U, S, V = sn.svd(Tensor(A), some=some)
        assert np.allclose((U[:, :3] * S @ V.mT).array, A)
    check_against_torch("svd", A, compute_uv=False, grad=False)


def test_results_are_named():
    A = Tensor(definite((2, 2)))
    assert linalg.qr(A)._fields == ("Q", "R") and linalg.svd(A)._fields == ("U", "S", "Vh")
    assert linalg.eigh(A)._fields == ("eigenvalues", "eigenvectors")
    assert linalg.slogdet(A)._fields == ("sign", "logabsdet") and sn.svd(A)._fields == ("U", "S", "V")


# ---- refusals --------------------------------------------------------------------------------------------------------
SQUARE_ONLY = ["inv", "det", "slogdet", "cholesky", "eigh", "eigvalsh"]


@pytest.mark.parametrize("name", [*SQUARE_ONLY, "qr", "svd", "svdvals", "pinv", "matrix_rank"])
def test_wrong_matrices(name):
    for A in (np.zeros(3), np.array(1.0), np.eye(2, dtype=np.int64), np.eye(2, dtype=np.float16)):
        check_against_torch(f"linalg.{name}", A, grad=False)
        with pytest.raises(RuntimeError, match=name if name not in ("eigvalsh", "svdvals") else name[:3]):
            getattr(linalg, name)(Tensor(A))
    if name in SQUARE_ONLY:
        check_against_torch(f"linalg.{name}", np.zeros((2, 3)))
    with pytest.raises(TypeError, match="must be Tensor"):
        getattr(linalg, name)(np.eye(2))


def test_singular_matrices():
    good, bad = np.eye(2), np.zeros((2, 2))
    for function in (linalg.inv, lambda A: linalg.solve(A, A), lambda A: linalg.matrix_power(A, -1), linalg.cholesky):
        with pytest.raises(linalg.LinAlgError, match=r"singular|not positive-definite"):
            function(Tensor(bad))
        with pytest.raises(RuntimeError):
            function(Tensor(np.stack([good, bad])))
    with pytest.raises(linalg.LinAlgError, match=r"Batch element 1"):
        linalg.inv(Tensor(np.stack([good, bad])))
    with pytest.raises(linalg.LinAlgError, match=r"Batch element \(0, 1\)"):
        linalg.cholesky(Tensor(np.stack([good, -good])[None]))
    for name in ("inv", "cholesky"):
        check_against_torch(f"linalg.{name}", bad)
        check_against_torch(f"linalg.{name}", np.stack([good, bad]))
    check_against_torch("linalg.solve", bad, good)
    check_against_torch("linalg.slogdet", bad, grad=False)


@pytest.mark.parametrize(
    "call",
    [
        ("solve", np.eye(2), np.zeros(3)), ("solve", np.zeros((2, 3)), np.zeros(2)),
        ("solve", np.stack([np.eye(2)] * 5), np.zeros((4, 2))), ("solve", np.eye(2), np.zeros(2, np.float32)),
        ("qr", np.zeros((2, 2)), "x"), ("eigh", np.eye(2), "X"),
        ("matrix_power", np.eye(2), 1.5), ("matrix_power", np.zeros((2, 3)), 2), ("matrix_power", np.zeros(3), 2),
        ("multi_dot", []), ("multi_dot", [np.zeros(3)]), ("multi_dot", [np.zeros((2, 3)), np.zeros((2, 2))]),
        ("multi_dot", [np.zeros((2, 3)), np.zeros(3), np.zeros((2, 2))]),
        ("multi_dot", [np.zeros((1, 2, 3)), np.zeros((3, 2))]),
        ("cross", np.zeros((2, 3)), np.zeros(3)), ("cross", np.zeros(2), np.zeros(2)),
        ("cross", np.zeros((3, 4)), np.zeros((3, 4))),
        ("matrix_norm", np.zeros((2, 3)), 3), ("matrix_norm", np.zeros((2, 3)), "x"), ("matrix_norm", np.zeros(3)),
        ("matrix_norm", np.zeros((2, 3)), "fro", (1, 1)), ("matrix_norm", np.zeros((2, 3)), "fro", 0),
        ("matrix_norm", np.zeros((2, 3), np.int32)),
        ("vector_norm", np.zeros((2, 3), np.int32)), ("vector_norm", np.zeros(3), "x"),
        ("vector_norm", np.zeros(3), 2, 5), ("norm", np.zeros((2, 3)), 0), ("norm", np.zeros((2, 3, 4)), 2),
    ],
    ids=lambda call: call[0],
)  # fmt: skip
def test_refusals(call):
    name, *args = call
    check_against_torch(f"linalg.{name}", *args)


def test_vector_norm_does_not_narrow():
    check_against_torch("linalg.vector_norm", np.zeros(3), dtype=sn.float32)
    check_against_torch("linalg.vector_norm", np.zeros(3), dtype=sn.int64)
