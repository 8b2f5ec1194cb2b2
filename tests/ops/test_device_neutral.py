"""Operations never make a host array of an array that may live elsewhere: all of them run on one that refuses.

Every public function of `scratchnet.ops` and `scratchnet.linalg` is in the tables, or in the list of those that have a
reason not to be.
"""

import importlib
import pkgutil

import numpy as np
import pytest

import scratchnet as sn
from scratchnet import Tensor, linalg, ops
from scratchnet.autograd import grad
from scratchnet.testing import StrictArray, forbid_host_arrays, values


def elsewhere(array, requires_grad=False):
    return Tensor(np.asarray(array).view(StrictArray), requires_grad)


def leaf(*shape, seed=0):
    """Between 0.15 and 0.85, all different: inside the domain of every function, away from its kinks."""
    return elsewhere(values(shape, seed, low=0.15, high=0.85, distinct=True), True)


X, Y, V, W, U = leaf(3, 4), leaf(3, 4, seed=1), leaf(4, seed=2), leaf(4, 3, seed=3), leaf(3, seed=4)
A = elsewhere([[3.0, 0.2, 0.1], [0.2, 2.0, 0.3], [0.1, 0.3, 1.0]], True)
B, C = leaf(2, 3, 4, seed=5), leaf(2, 4, 3, seed=6)
ROWS = elsewhere(np.array([2, 0, 2]))
PLACES = elsewhere(np.array([[0, 1, 2, 1], [2, 0, 1, 1]]))
MASK = elsewhere(values((3, 4), 9) > 0)
BOUNDS = elsewhere(np.array([0.2, 0.4, 0.6]))

UNARY = """
    neg negative positive abs absolute exp exp2 expm1 log log10 log1p log2 logit sgn sigmoid sign reciprocal rsqrt sqrt
    square ceil fix floor frac round trunc digamma erf erfc erfinv lgamma nan_to_num acos arccos asin arcsin atan arctan
    asinh arcsinh atanh arctanh cos cosh deg2rad rad2deg sin sinh tan tanh isfinite isinf isnan isneginf isposinf isreal
    signbit flatten ravel squeeze t adjoint fliplr flipud rot90 diag diagonal diagflat diag_embed tril triu sum mean
    prod nansum nanmean norm var std var_mean std_mean amax amin aminmax max min argmax argmin median nanmedian mode
    count_nonzero all any sort argsort msort diff unbind atleast_1d atleast_2d atleast_3d trace logical_not pinverse
    unique nonzero argwhere histc
""".split()
ALONG = "logsumexp cumsum cumprod cummax cummin logcumsumexp".split()
BINARY = """
    add sub subtract rsub mul multiply div divide true_divide pow float_power fmod remainder eq ne not_equal ge
    greater_equal gt greater le less_equal lt less isclose maximum minimum fmax fmin atan2 arctan2 hypot logaddexp
    logical_and logical_or logical_xor kron isin inner
""".split()
OF_MATRIX = "inverse det slogdet logdet cholesky qr svd".split()
LINALG_OF_MATRIX = "inv det slogdet cholesky qr eigh eigvalsh svd svdvals pinv matrix_rank norm matrix_norm".split()

CALLS = {
    **{name: lambda name=name: getattr(sn, name)(X) for name in UNARY},
    **{name: lambda name=name: getattr(sn, name)(X, 1) for name in ALONG},
    **{name: lambda name=name: getattr(sn, name)(X, Y) for name in BINARY},
    **{name: lambda name=name: getattr(sn, name)(A) for name in OF_MATRIX},
    **{f"linalg.{name}": lambda name=name: getattr(linalg, name)(A) for name in LINALG_OF_MATRIX},
    # shape
    "reshape": lambda: sn.reshape(X, (4, 3)),
    "unflatten": lambda: sn.unflatten(X, 1, (2, 2)),
    "unsqueeze": lambda: sn.unsqueeze(X, 0),
    "transpose": lambda: sn.transpose(X, 0, 1),
    "swapaxes": lambda: sn.swapaxes(X, 0, 1),
    "swapdims": lambda: sn.swapdims(X, 0, 1),
    "permute": lambda: sn.permute(X, (1, 0)),
    "movedim": lambda: sn.movedim(X, 0, 1),
    "moveaxis": lambda: sn.moveaxis(X, 0, 1),
    "broadcast_to": lambda: sn.broadcast_to(X, (2, 3, 4)),
    "broadcast_tensors": lambda: sn.broadcast_tensors(X, V),
    "flip": lambda: sn.flip(X, (0,)),
    "roll": lambda: sn.roll(X, 1, 0),
    "tile": lambda: sn.tile(X, (2, 1)),
    "repeat_interleave": lambda: sn.repeat_interleave(X, 2, 0),
    # joining and splitting
    **{name: lambda name=name: getattr(sn, name)([X, Y]) for name in ("cat", "concat", "concatenate", "stack")},
    **{name: lambda name=name: getattr(sn, name)([X, Y]) for name in ("hstack", "vstack", "dstack", "row_stack")},
    "column_stack": lambda: sn.column_stack([X, Y]),
    "block_diag": lambda: sn.block_diag(X, Y),
    "cartesian_prod": lambda: sn.cartesian_prod(V, U),
    "meshgrid": lambda: sn.meshgrid(V, U, indexing="ij"),
    "split": lambda: sn.split(X, 2, 1),
    "chunk": lambda: sn.chunk(X, 2, 1),
    "tensor_split": lambda: sn.tensor_split(X, 2, 1),
    "hsplit": lambda: sn.hsplit(X, 2),
    "vsplit": lambda: sn.vsplit(X, 3),
    "dsplit": lambda: sn.dsplit(B, 2),
    "narrow": lambda: sn.narrow(X, 1, 0, 2),
    "select": lambda: sn.select(X, 1, 0),
    # picking and putting
    "gather": lambda: sn.gather(X, 0, PLACES),
    "index_select": lambda: sn.index_select(X, 0, ROWS),
    "take": lambda: sn.take(X, ROWS),
    "take_along_dim": lambda: sn.take_along_dim(X, PLACES, 0),
    "masked_select": lambda: sn.masked_select(X, MASK),
    "index_add": lambda: sn.index_add(X, 0, ROWS, Y),
    "index_copy": lambda: sn.index_copy(X, 0, ROWS[:2], Y[:2]),
    "index_fill": lambda: sn.index_fill(X, 0, ROWS, 1.0),
    "index_put": lambda: sn.index_put(X, (ROWS,), Y),
    "masked_fill": lambda: sn.masked_fill(X, MASK, 0.0),
    "masked_scatter": lambda: sn.masked_scatter(X, MASK, Y),
    "scatter": lambda: sn.scatter(X, 0, PLACES, Y[:2]),
    "scatter_add": lambda: sn.scatter_add(X, 0, PLACES, Y[:2]),
    "scatter_reduce": lambda: [sn.scatter_reduce(X, 0, PLACES, Y[:2], r) for r in ("sum", "mean", "prod", "amax")],
    "clone": lambda: (sn.clone(X), X.sum_to_size(1, 4)),
    "detach": lambda: sn.detach(X),
    "one_hot": lambda: sn.one_hot(ROWS, 4) * X,
    "searchsorted": lambda: sn.searchsorted(BOUNDS, X),
    "bucketize": lambda: sn.bucketize(X, BOUNDS),
    "bincount": lambda: sn.bincount(ROWS),
    "unique_consecutive": lambda: sn.unique_consecutive(ROWS),
    # choosing, ordering
    "where": lambda: (sn.where(MASK, X, Y), sn.where(MASK, X, 0.0)),
    "clamp": lambda: (sn.clamp(X, 0.3, 0.6), sn.clamp(X, Y, Y + 1)),
    "clip": lambda: sn.clip(X, 0.3, 0.6),
    "clamp_max": lambda: sn.clamp_max(X, 0.5),
    "clamp_min": lambda: sn.clamp_min(X, 0.5),
    "lerp": lambda: (sn.lerp(X, Y, 0.3), sn.lerp(X, Y, Y)),
    "addcmul": lambda: sn.addcmul(X, Y, Y, value=2),
    "addcdiv": lambda: sn.addcdiv(X, Y, Y, value=2),
    "polygamma": lambda: sn.polygamma(1, X),
    "kthvalue": lambda: sn.kthvalue(X, 2, 1),
    "topk": lambda: sn.topk(X, 2, 1),
    "renorm": lambda: sn.renorm(X, 2, 0, 0.5),
    "quantile": lambda: (sn.quantile(X, 0.3), sn.quantile(X, 0.3, 1)),
    "nanquantile": lambda: sn.nanquantile(X, 0.3, 1),
    "floor_divide": lambda: sn.floor_divide(X.detach(), Y.detach()),
    "heaviside": lambda: sn.heaviside(X.detach(), Y.detach()),
    "acosh": lambda: sn.acosh(X + 1),
    "arccosh": lambda: sn.arccosh(X + 1),
    "fill": lambda: (sn.fill(X, 2.0), sn.fill_(X.clone(), 2.0), sn.zero_(X.clone())),
    **{
        name: lambda name=name: getattr(sn, name)(ROWS, ROWS)
        for name in ("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift")
    },
    "bitwise_not": lambda: sn.bitwise_not(ROWS),
    # products
    "matmul": lambda: (X @ W, X @ V, U @ X, X @ C, B @ W, B @ V, U @ B, V @ V),
    "mm": lambda: sn.mm(X, W),
    "mv": lambda: sn.mv(X, V),
    "bmm": lambda: sn.bmm(B, C),
    "dot": lambda: sn.dot(V, V),
    "vdot": lambda: sn.vdot(V, V),
    "outer": lambda: sn.outer(U, V),
    "ger": lambda: sn.ger(U, V),
    "addmm": lambda: (sn.addmm(U, X, W), sn.addmm(U, X, W, beta=0, alpha=0), sn.addmm(U, X, W, beta=2, alpha=3)),
    "addmv": lambda: sn.addmv(U, X, V),
    "addr": lambda: sn.addr(X, U, V),
    "baddbmm": lambda: sn.baddbmm(A, B, C),
    "addbmm": lambda: sn.addbmm(A, B, C),
    "einsum": lambda: (sn.einsum("ij,jk,ik->k", X, W, A), sn.einsum("ii->i", A)),
    "tensordot": lambda: sn.tensordot(X, W, 1),
    "matrix_power": lambda: sn.matrix_power(A, -3),
    "cross": lambda: sn.cross(X, Y, dim=0),
    # linear algebra
    "linalg.solve": lambda: (linalg.solve(A, X), linalg.solve(A, U), linalg.solve(A, W, left=False)),
    "linalg.norms": lambda: [linalg.matrix_norm(X, p) for p in ("nuc", 1, -1, 2, -2, np.inf)],
    "linalg.vector_norm": lambda: [linalg.vector_norm(X, p) for p in (0, 1, 2, 3, np.inf, -np.inf)],
    "linalg.qr, wide and tall": lambda: (*linalg.qr(X), *linalg.qr(W)),
    "linalg.svd, wide and tall": lambda: (*linalg.svd(X), *linalg.svd(W, False)),
    "linalg.householder_product": lambda: linalg.householder_product(A, A[0]),
    "linalg.pinv, wide": lambda: linalg.pinv(X),
    "linalg.det, singular": lambda: linalg.det(A * 0 + 1),
    "linalg.multi_dot": lambda: linalg.multi_dot([X, W, X]),
    "linalg.matrix_power": lambda: (linalg.matrix_power(A, 0), linalg.matrix_power(A, 5)),
    "linalg.cross": lambda: linalg.cross(X, Y, dim=0),
    "linalg.vecdot": lambda: linalg.vecdot(X, Y),
    "linalg.diagonal": lambda: linalg.diagonal(B),
    "linalg.matmul": lambda: linalg.matmul(X, W),
    # with numbers, and the other way round
    "numbers": lambda: (X + 1, 1 - X, X * 2.5, 1 / X, X**3, 2**X, X**0.5, -X, X / 3, X > 0.5, X >= 0.5),
    # indexing
    "x[…]": lambda: (X[1], X[:, 1:3], X[..., None, ::2], X[0, 0], X[ROWS], X[ROWS, ROWS], X[MASK], X[:, ROWS][1]),
    # methods that are no functions
    "expand": lambda: (X[None].expand(2, 3, 4), X[:1].expand_as(Y)),
    "repeat": lambda: X.repeat(2, 1),
    "view": lambda: (X.view(2, 6), X.reshape_as(W), X.view_as(Y)),
    "unfold": lambda: X.unfold(1, 2, 1),
    "conversion": lambda: (
        X.clone(),
        X.t().contiguous(),
        X.float(),
        X.to(sn.float32),
        X.type_as(X.float()),
        X.detach(),
    ),
    "new": lambda: (sn.zeros_like(X), sn.ones_like(X), sn.full_like(X, 2.0), sn.empty_like(X)),
    "softmax": lambda: (X.softmax(1), X.log_softmax(1), X.relu()),
}

IN_PLACE = {
    "add_": lambda x: x.add_(Y),
    "mul_": lambda x: x.mul_(2),
    "exp_": lambda x: x.exp_(),
    "clamp_": lambda x: x.clamp_(0.2, 0.5),
    "copy_": lambda x: x.copy_(Y),
    "fill_": lambda x: x.fill_(2.0),
    "zero_": lambda x: x.zero_(),
    "masked_fill_": lambda x: x.masked_fill_(MASK, 0.0),
    "addcmul_": lambda x: x.addcmul_(Y, Y, value=0.5),
    "lerp_": lambda x: x.lerp_(Y, 0.5),
    "x[0] =": lambda x: x.__setitem__(0, V),
    "x[:, 1] =": lambda x: x.__setitem__((slice(None), 1), U),
    "x[rows] =": lambda x: x.__setitem__(ROWS, 1.0),
    "x[mask] =": lambda x: x.__setitem__(MASK, 0.0),
    "a view": lambda x: x[1].mul_(V),
}

NOT_HERE = {
    "makes arrays of host data, or on the host": """
        as_tensor asarray empty from_numpy full ones scalar_tensor tensor zeros zeros_like ones_like full_like
        empty_like arange eye linspace logspace tril_indices triu_indices broadcast_shapes bernoulli binomial multinomial normal
        poisson rand rand_like randint randint_like randn randn_like randperm
        FloatTensor DoubleTensor HalfTensor LongTensor IntTensor ShortTensor CharTensor ByteTensor BoolTensor
    """,
    "gives host values by its nature": """
        allclose equal is_floating_point is_signed is_complex is_nonzero is_same_size is_tensor numel
        get_printoptions printoptions set_printoptions
    """,
    "asks for one number, the norm that decides how many products there are": "linalg.matrix_exp",
    "is in the table of in-place changes": "fill_ zero_",
}


def run(call):
    """Call it, differentiate it, and differentiate that: all results are arrays of the same kind."""
    result = call()
    outputs = [y for y in (result if isinstance(result, tuple | list) else (result,)) for y in _flat(y)]
    assert outputs and all(isinstance(y.array, StrictArray) for y in outputs)
    inputs = [X, Y, V, W, U, A, B, C]
    differentiable = [y for y in outputs if y.requires_grad]
    if not differentiable:
        return
    for create_graph in (False, True):
        seeds = [Tensor(np.ones_like(y.array)) for y in differentiable]
        grads = grad(differentiable, inputs, seeds, retain_graph=True, create_graph=create_graph, allow_unused=True)
        assert all(g is None or isinstance(g.array, StrictArray) for g in grads)
    again = [g for g in grads if g is not None and g.requires_grad]
    if again:
        seconds = grad(again, inputs, [Tensor(np.ones_like(g.array)) for g in again], allow_unused=True)
        assert all(g is None or isinstance(g.array, StrictArray) for g in seconds)


def _flat(y):
    return [z for item in y for z in _flat(item)] if isinstance(y, tuple | list) else [y]


@pytest.mark.parametrize("name", CALLS)
def test_stays_where_it_is(name):
    with forbid_host_arrays():
        run(CALLS[name])


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_stays_where_it_is(name):
    def call():
        x = X.clone()
        IN_PLACE[name](x)
        return x

    with forbid_host_arrays():
        run(call)


def test_nothing_is_forgotten():
    public = {f"linalg.{name}" for name in linalg.__all__ if name != "LinAlgError"}
    for module in pkgutil.iter_modules(ops.__path__, "scratchnet.ops."):
        if not module.ispkg:
            public |= set(getattr(importlib.import_module(module.name), "__all__", ()))
    excused = {name for names in NOT_HERE.values() for name in names.split()}
    assert sorted(public - set(CALLS) - excused) == []
    assert sorted(excused & set(CALLS)) == []


def test_the_array_does_refuse():
    """Else nothing above would mean anything."""
    x = X.array
    with forbid_host_arrays():
        for convert in (
            np.asarray,
            np.array,
            np.ascontiguousarray,
            float,
            list,
            lambda x: x + np.ones(4),
            lambda x: x.tolist(),
        ):
            with pytest.raises(TypeError, match="StrictArray"):
                convert(x)
        with pytest.raises(TypeError, match="StrictArray"):
            np.concatenate([x, np.ones((1, 4))])
        with pytest.raises(TypeError, match="StrictArray"):
            np.exp(np.ones((3, 4)), out=x)
        assert isinstance(np.zeros(2, like=x), StrictArray) and isinstance(x.sum(), StrictArray)
    assert np.asarray(x).shape == (3, 4)
