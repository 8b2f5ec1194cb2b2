"""einsum, tensordot, kron, trace: against torch, to second order, and what they refuse."""

import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet as sn
from scratchnet import Tensor
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds, shapes

EQUATIONS = {
    "ij,jk->ik": [(2, 3), (3, 4)],
    "ij,jk": [(2, 3), (3, 4)],
    "bA,Ac": [(2, 3), (3, 4)],
    "ii": [(3, 3)],
    "ii->i": [(3, 3)],
    "iij->ij": [(3, 3, 2)],
    "iji,ij->j": [(2, 3, 2), (2, 3)],
    "iiij->ji": [(2, 2, 2, 3)],
    "ij->": [(2, 3)],
    "ij->ji": [(2, 3)],
    "i,j->ij": [(2,), (3,)],
    "i,i->": [(3,), (3,)],
    "ij,ij->j": [(2, 3), (2, 3)],
    "ij,j->i": [(2, 3), (3,)],
    "ij,kl->ik": [(2, 3), (4, 2)],
    "ijk,ikl->ijl": [(2, 3, 4), (2, 4, 3)],
    "bhqd,bhkd->bhqk": [(2, 1, 3, 2), (2, 1, 4, 2)],
    "ij,jk,kl->il": [(2, 3), (3, 2), (2, 4)],
    "ij,ik,il->jkl": [(2, 3), (2, 2), (2, 4)],
    "i j , j k -> i k": [(2, 3), (3, 4)],
    # sizes of 1 broadcast
    "ij,jk->ik ": [(2, 1), (3, 4)],
    "ij,ij->i": [(2, 1), (1, 3)],
    "ij,ij,ij->ij": [(2, 3), (1, 3), (2, 1)],
    # ellipses
    "...ij,...jk->...ik": [(4, 2, 3), (2, 1, 3, 2)],
    "...i": [(2, 3)],
    "...i->...": [(2, 3)],
    "...i->i": [(2, 2, 3)],
    "i...,i...": [(3, 2), (3, 2)],
    "a...b,b...c->a...c": [(2, 4, 3), (3, 4, 2)],
    "i...->...i": [(2, 3, 4)],
    "i...,...->...": [(2, 3), (3,)],
    "...,...->...": [(2, 3), (3,)],
    "ij->...": [(2, 3)],
    "ij->ij...": [(2, 3)],
    # numbers and nothing
    "": [()],
    ",": [(), ()],
    ",i->i": [(), (3,)],
    "i,i-> ": [(0,), (0,)],
    "ij,jk->ik  ": [(2, 0), (0, 3)],
}


@pytest.mark.parametrize("equation", EQUATIONS)
def test_einsum(equation):
    operands = [values(shape, seed) for seed, shape in enumerate(EQUATIONS[equation])]
    check_against_torch("einsum", equation, *operands)
    check_gradient(lambda *xs: sn.einsum(equation, *xs), *operands)


@given(st.data(), seeds())
def test_einsum_of_any_labels(data, seed):
    """Up to three operands of letters from a-e, and any of the letters in the result."""
    sizes = {letter: data.draw(st.integers(1, 3)) for letter in "abcde"}
    letters = st.text("abcde", min_size=0, max_size=3)
    terms = data.draw(st.lists(letters, min_size=1, max_size=3))
    present = sorted(set("".join(terms)))
    output = "".join(data.draw(st.permutations(present)))[: data.draw(st.integers(0, len(present)))]
    operands = [values([sizes[l] for l in term], seed + k) for k, term in enumerate(terms)]
    equation = f"{','.join(terms)}->{output}"
    y = sn.einsum(equation, *map(Tensor, operands))
    assert np.allclose(y.array, np.einsum(equation, *operands))
    check_against_torch("einsum", equation, *operands)


def test_forms_of_the_call():
    a, b = values((2, 3), 0), values((3, 4), 1)
    check_against_torch("einsum", a, [0, 1], b, [1, 2], [0, 2])
    check_against_torch("einsum", a, [0, 1], b, [1, 51])
    check_against_torch("einsum", a, [..., 1], [1, ...])
    check_against_torch("einsum", "ij,jk->ik", [a, b])


def test_dtypes():
    x = values((3,), 0)
    check_against_torch("einsum", "i,i->i", x, x.astype(np.float32))
    check_against_torch("einsum", "i,i->i", x.astype(np.int32), x.astype(np.int64))
    check_against_torch("einsum", "i,i->i", x > 0, x < 1)
    check_against_torch("einsum", "i,i->", x > 0, x < 1)
    check_against_torch("einsum", "i->", x.astype(np.int32))


def test_by_hand():
    """tr(a b) = Σ_ij a_ij b_ji = 1·5 + 2·6 + 3·7 + 4·8 = 70."""
    a, b = Tensor(np.array([[1.0, 2.0], [3.0, 4.0]]), True), Tensor(np.array([[5.0, 7.0], [6.0, 8.0]]), True)
    y = sn.einsum("ij,ji->", a, b)
    assert y.item() == 70
    y.backward()
    assert a.grad.tolist() == [[5, 6], [7, 8]] and b.grad.tolist() == [[1, 3], [2, 4]]


@pytest.mark.parametrize(
    "args",
    [
        ("ij", (3,)), ("i", (3, 3)), ("i...", ()), ("ii->ii", (3, 3)), ("ij->ijj", (3, 3)), ("i->j", (3,)),
        ("ij,jk->ik", (2, 3), (4, 4)), ("iij->ij", (3, 2, 4)), ("iij->ij", (1, 3, 4)),
        ("i.j", (3, 3)), ("i......", (3,)), ("i,j->ij", (3,)), ("i->i", (3,), (3,)),
        ("i1->i", (2, 3)), ("i->i->i", (3,)), ("ij,", (2, 2)),
        ("...ij,...jk", (2, 3, 3), (4, 3, 3)), ("i->...j", (3,)),
    ],
    ids=str,
)  # fmt: skip
def test_refusals(args):
    check_against_torch("einsum", args[0], *[values(shape, 0) for shape in args[1:]])


def test_refusals_of_the_call():
    x = values((2,), 0)
    for args in [("i",), (3, x), (x, [0, 52]), (x, [-1])]:
        check_against_torch("einsum", *args)


TENSORDOT = [
    ((2, 3), (3, 4), 1), ((2, 3), (3, 2), 0), ((2, 3, 4), (3, 4, 5), 2),
    ((2, 3), (3, 2), ([1], [0])),
    ((2, 3, 4), (4, 5, 2), ([0, 2], [2, 0])), ((2, 3), (2, 3), ([0, 1], [0, 1])), ((2, 3), (4, 3), ([-1], [-1])),
    ((2, 1), (3, 2), 1), ((), (), 0), ((2, 0), (0, 3), 1),
]  # fmt: skip


@pytest.mark.parametrize("case", TENSORDOT, ids=str)
def test_tensordot(case):
    *shapes, dims = case
    a, b = (values(shape, seed) for seed, shape in enumerate(shapes))
    check_against_torch("tensordot", a, b, dims=dims)
    check_gradient(lambda a, b: sn.tensordot(a, b, dims), a, b)
    if 1 not in a.shape:
        assert np.allclose(sn.tensordot(Tensor(a), Tensor(b), dims).array, np.tensordot(a, b, dims))


@pytest.mark.parametrize("dims", [2, -1, 3, ([1], [1]), ([0, 1], [0]), ([5], [0])], ids=str)
def test_tensordot_refusals(dims):
    check_against_torch("tensordot", values((2, 3), 0), values((3, 4), 1), dims=dims)


def test_tensordot_wants_one_dtype():
    check_against_torch("tensordot", values((2, 3), 0), values((3, 2), 0).astype(np.float32), dims=1)


@given(shapes(max_dims=3, max_side=2), shapes(max_dims=3, max_side=2), seeds())
def test_kron(a, b, seed):
    x, y = values(a, seed), values(b, seed + 1)
    check_against_torch("kron", x, y)
    check_against_torch("Tensor.kron", x, np.ones(b, np.int64))
    if x.size * y.size < 40:
        check_gradient(sn.kron, x, y)


def test_trace():
    for shape in [(3, 3), (2, 3), (0, 2)]:
        x = values(shape, 0)
        check_against_torch("trace", x)
        check_against_torch("Tensor.trace", (10 * x).astype(np.int32))
        check_gradient(sn.trace, x)
    check_against_torch("trace", values((3,), 0))
    check_against_torch("trace", values((3, 3), 0) > 0)


def test_all_letters_are_known():
    from scratchnet.ops.subscripts import LETTERS

    assert sorted(LETTERS) == sorted(string.ascii_letters) and list(LETTERS) == sorted(LETTERS)
