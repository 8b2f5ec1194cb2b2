"""Tensors made of data, and filled ones: dtypes that the data imply, options, refusals."""

import numpy as np
import pytest

import scratchnet
from scratchnet.testing.strategies import values
from tests.ops.expressions import agree

X = values((2, 3), 0)
A = "np.arange(6.0).reshape(2, 3)"

DATA = [
    *("3", "3.5", "True", "[]", "[[], []]", "[[[]]]", "()", "[1, 2]", "[1, 2.5]", "[True, 2]", "[True, 2.5]"),
    *("[True, False]", "[[1, 2], [3, 4]]", "((1.0, 2.0), [3, 4])", "range(3)", "[range(2), [5, 6]]"),
    *("[[1, 2], [3]]", "[[1, 2], 3]", "[1, [2]]", "[[[1], [2]], [[3], 4]]", "[[1], [[2]]]", "'a'", "['a']", "None"),
    *("[1, None]", "{1: 2}", "{1, 2}", "object()", "2**40", "2**63", "[2**63]", "-(2**63)", "[1, 2**63]", "1e400"),
    *("float('nan')", "1e300", "[1e-50, 1.0]", A, f"{A}.T", f"{A}[:, ::2]", f"{A}[::-1]", f"{A}.astype('f4')"),
    *(f"{A} > 2", "np.arange(3, dtype='u1')", "np.zeros((0, 2))", "np.array(['a'])", "np.array([None])"),
    *("np.arange(3, dtype='>i4')", "np.array(2.5)", "np.ones(2, 'f2')", "np.ones(2, 'i2')", "np.float64(3)"),
    *("np.float32(3)", "np.int32(3)", "np.bool_(True)", "[np.float64(3), 1.0]", "[np.float32(3), 1]"),
    *("[np.int32(3), np.int32(4)]", "[np.ones(2), np.zeros(2)]", "[np.ones(2, 'f4'), [1, 2]]"),
    *("[np.ones(2), np.ones(3)]", "x", "x[0]", "x.float()", "[x[0, 0], 2]", "[x[0, 0].float(), 2]", "[x[0], x[1]]"),
    *("[x[:1, 0], 2]", "[x.int()[0, 0], True]"),
]  # fmt: skip


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("function", ["tensor", "as_tensor", "asarray"])
def test_data(function, data):
    agree(f"F.{function}({data})", x=X)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"])
def test_dtypes(dtype):
    for data in (
        "[0, 1, 3]",
        "[0.0, 1.7, -2.9]",
        "[[True], [False]]",
        "[]",
        A,
        "[300]",
        "-1",
        "-200",
        "70000.0",
        "2**40",
    ):
        if not (dtype == "uint8" and "-2.9" in data):  # torch's result depends on the processor
            agree(f"F.tensor({data}, dtype=F.{dtype})")
    for code in (
        "zeros(2)",
        "ones(2, 3)",
        "full((2,), 3)",
        "full((2,), 2.5)",
        "zeros_like(x)",
        "ones_like(x)",
        "full_like(x, 7)",
    ):
        agree(f"F.{code[:-1]}, dtype=F.{dtype})", x=X)
    agree(f"F.as_tensor({A}, dtype=F.{dtype})")
    agree(f"F.scalar_tensor(1, dtype=F.{dtype})")


@pytest.mark.parametrize(
    "code",
    [
        *("F.zeros(2, 3)", "F.zeros((2, 3))", "F.zeros([2])", "F.zeros(size=(2,))", "F.zeros(())", "F.zeros()"),
        *("F.zeros(-1)", "F.zeros(0)", "F.zeros(2.0)", "F.zeros(F.tensor(2))", "F.zeros([2, [3]])", "F.ones(1, 2)"),
        *("F.ones(size=[3])", "F.empty(2, 3).shape", "F.empty(-2)", "F.full((2, 1), 3)", "F.full((2,), 2.5)"),
        *("F.full((), True)", "F.full(2, 3)", "F.full((2,), [1])", "F.full((2,), F.tensor(3))"),
        *("F.full((2,), F.tensor(3.0, requires_grad=True))", "F.full(size=(1,), fill_value=0.5)"),
        *("F.full((2,), np.float64(2))", "F.zeros_like(x.t()).stride()", "F.ones_like(x.int())"),
        *("F.full_like(x.int(), 2.7)", "F.ones_like([1])", "F.empty_like(x).shape", "F.full_like(x, [1])"),
        *("F.full_like(x.byte(), 300)", "F.zeros_like(x.expand(4, 2, 3))", "F.scalar_tensor(3)"),
        *("F.scalar_tensor(True)", "F.zeros(2, dtype=float)", "F.zeros(2, dtype=int)", "F.zeros(2, dtype=bool)"),
        *("F.zeros(2, dtype='float32')", "F.zeros(2, dtype=3)", "F.zeros(2, requires_grad=True)"),
        *("F.zeros(2, dtype=F.int64, requires_grad=True)", "F.tensor([1], requires_grad=True)"),
        *("F.tensor([1.0], requires_grad=True)", "F.full((2,), 1, requires_grad=True)"),
        *("F.ones_like(x, requires_grad=True)", "F.zeros(2, device='cpu')", "F.zeros(2, device=F.device('cpu'))"),
        *("F.zeros(2, device='moon')", "F.zeros(2, pin_memory=True)", "F.zeros(2, nonsense=1)", "F.tensor(1, 2)"),
        *("x.new_zeros(2, 3)", "x.new_ones((2,), dtype=F.int64)", "x.int().new_full((2,), 3.7)"),
        *("x.new_tensor([1, 2])", "x.new_empty(2).shape", "x.new_zeros(size=(2,), requires_grad=True)"),
        *("x.new(2, 3).shape", "x.new([1, 2])", "F.asarray(x, copy=True)", "F.asarray(x)"),
        *("F.asarray(x, dtype=F.float32)", "F.asarray([1.0], requires_grad=True)", "F.as_tensor(x) is x"),
        *("F.asarray([1], copy=False)", "F.asarray(x.detach(), requires_grad=True)"),
        *("F.as_tensor(x, dtype=F.float32)", "F.tensor(x).requires_grad", "F.from_numpy(np.ones(2))"),
        *("F.from_numpy([1])", "F.from_numpy(np.ones(2)[::-1])", "F.from_numpy(np.float32(3))"),
        *("F.from_numpy(np.array(['a']))", "F.from_numpy(np.arange(3, dtype='>i4'))", "F.from_numpy(np.array(1.0))"),
        *("F.asarray(np.ones(2))",),
    ],
)
def test_against_torch(code):
    agree(code, x=X)


def test_default_dtype():
    try:
        scratchnet.set_default_dtype(scratchnet.float64)
        for made in (scratchnet.zeros(1), scratchnet.tensor(1.5), scratchnet.tensor([]), scratchnet.full((1,), 2.0)):
            assert made.dtype == scratchnet.float64
        assert scratchnet.tensor(1).dtype == scratchnet.int64
    finally:
        scratchnet.set_default_dtype(scratchnet.float32)


def test_sharing():
    """`from_numpy`, `as_tensor` and `asarray` share memory with an array; `tensor` copies."""
    array = np.ones(3)
    for share in (scratchnet.from_numpy, scratchnet.as_tensor, scratchnet.asarray):
        assert np.shares_memory(share(array).array, array)
    assert not np.shares_memory(scratchnet.tensor(array).array, array)
    assert not np.shares_memory(scratchnet.asarray(array, copy=True).array, array)
    x = scratchnet.ones(2)
    assert not np.shares_memory(scratchnet.tensor(x).array, x.array)
    with pytest.raises(ValueError, match="without a copy"):
        scratchnet.asarray(array, dtype=scratchnet.float32, copy=False)


def test_in_inference_mode():
    """What is made there can never be saved for backward."""
    made = [
        "zeros(2)",
        "tensor([1.0])",
        "ones_like(x)",
        "rand(2)",
        "arange(3.0)",
        "eye(2)",
        "from_numpy(np.ones(2))",
        "x.new_zeros(2)",
    ]
    x = scratchnet.ones(2, requires_grad=True)
    with scratchnet.inference_mode():
        tensors = [eval(code if code.startswith("x.") else f"scratchnet.{code}", globals(), {"x": x}) for code in made]
        assert scratchnet.zeros(1, requires_grad=True).requires_grad
    for t in tensors:
        assert t.is_inference()
    with pytest.raises(RuntimeError, match="inference"):
        tensors[0] * x


def test_by_hand():
    x = scratchnet.tensor([[1, 2, 3], [4, 5, 6]])
    assert (x.shape, x.dtype) == ((2, 3), scratchnet.int64)
    assert scratchnet.full((2,), 1.5).tolist() == [1.5, 1.5]
    assert scratchnet.zeros_like(x, dtype=scratchnet.bool).tolist() == [[False] * 3] * 2
