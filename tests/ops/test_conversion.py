"""Python numbers, lists, arrays, dtypes and devices; copying and pickling of Tensor objects."""

import copy
import io
import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given

import scratchnet
from scratchnet import nn
from scratchnet.testing import check_gradient
from scratchnet.testing.strategies import seeds, shapes, values
from tests.ops.expressions import agree

X = values((2, 3), 0)
DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]


@pytest.mark.parametrize(
    "code",
    [
        *("x[0, 0].item()", "x[:1, :1].item()", "x.item()", "x[:0].item()", "x.int()[0, 0].item()"),
        *("(x > 0)[0, 0].item()", "x.tolist()", "x[0, 0].tolist()", "x[:0].tolist()", "x.int().tolist()"),
        *("float(x[0, 0].detach())", "int(x[0, 0])", "bool(x[0, 0])", "bool(x)", "bool(x[:0])", "float(x)", "int(x.int())"),
        *("[1, 2, 3][F.tensor(1)]", "[1, 2, 3][x[0, 0]]", "[1, 2][F.tensor(True)]", "range(F.tensor(3))", "len(x)"),
        *("len(x[0, 0])", "f'{x[0, 0]:.3f}'", "f'{x:.3f}'", "f'{F.tensor(3):>5}'", "complex(x[0, 0])"),
        *("round(x[0, 0].item(), 2)", "x.numpy()", "x.detach().numpy().tolist()", "x.numpy(force=True).tolist()"),
        *("np.asarray(x)", "np.asarray(x.detach()).tolist()", "np.array(x.detach(), dtype='f4').tolist()"),
        *("x.clone()", "x.detach()", "x.alias() if hasattr(x, 'alias') else F.ops.aten.alias(x)", "x.to(F.float32)"),
        *("x.to('cpu')", "x.to(F.device('cpu'))", "x.to('cpu', F.float32)", "x.to(x.float())"),
        *("x.to(dtype=F.int64)", "x.to(other=x.int())", "x.to(F.float64, copy=True)", "x.to(F.float64) is x"),
        *("x.to('cpu') is x", "x.to(x.clone()) is x", "x.to(F.float32, False, True)", "x.to('moon')"),
        *("x.to(device='cpu', dtype=F.float16, non_blocking=True)", "x.to(3)"),
        *("x.to(F.float64, non_blocking=False, copy=True) is x", "x.to()", "x.type(F.int32)", "x.type_as(x.int())"),
        *("x.type_as(x.float())", "x.cpu()", "x.cpu() is x", "x.double() is x", "x.float().dtype"),
        *("copy.deepcopy(x)", "copy.deepcopy(x * 2)", "copy.deepcopy(x.detach())", "copy.copy(x)"),
        *("copy.deepcopy([x, x])[0] is copy.deepcopy(x)",),
    ],
)
def test_against_torch(code):
    agree(f"import copy; y = {code}", x=X)


@pytest.mark.parametrize("source", DTYPES)
@pytest.mark.parametrize("method", "bool byte char short int long half float double".split())
def test_conversions(source, method):
    x = np.array([0, 1, 3, 100]).astype(source)
    agree(f"x.{method}()", x=x)
    agree(f"x.{method}().to(F.{source})", x=x)


def test_values_that_do_not_fit():
    """Too large for a float: inf. (An integer dtype gives what the processor gives; there is no warning.)"""
    agree("(x * 1e300).float()", x=X)
    agree("(x * 1e6).half()", x=X)
    scratchnet.tensor([math.nan, math.inf]).int()


@given(shape=shapes(), seed=seeds())
def test_gradients(shape, seed):
    check_gradient(lambda x: x.alias(), values(shape, seed))
    check_gradient(lambda x: x.to(scratchnet.float64, copy=True), values(shape, seed))
    agree("y = x.float().double() * x", x=values(shape, seed))


def test_types():
    x = scratchnet.zeros(1)
    assert x.type() == "scratchnet.FloatTensor"
    assert x.long().type() == "scratchnet.LongTensor"
    with pytest.raises(RuntimeError, match="cuda"):
        x.cuda()
    with pytest.raises(RuntimeError, match="cuda"):
        x.to("cuda:0")


def test_alias_and_numpy_share_memory():
    x = scratchnet.zeros(3)
    assert np.shares_memory(x.alias().array, x.array)
    x.numpy()[0] = 5
    assert x[0] == 5
    assert not np.shares_memory(np.array(x), x.array)
    y = scratchnet.ones(3, requires_grad=True) * 2
    y.alias().mul_(3)
    assert y.tolist() == [6, 6, 6]


def test_deepcopy_keeps_what_belongs_to_a_leaf():
    x = scratchnet.tensor(X, requires_grad=True)
    (x * x).sum().backward()
    x.note = ["a"]
    y = copy.deepcopy(x)
    np.testing.assert_array_equal(y.grad.array, x.grad.array)
    assert y.requires_grad and y.is_leaf and y.note == ["a"]
    assert y.note is not x.note and y.grad is not x.grad
    assert not np.shares_memory(y.array, x.array)
    twice = copy.deepcopy({"a": x, "b": x})
    assert twice["a"] is twice["b"]
    assert copy.deepcopy(x.t().detach()).stride() == x.t().stride()


@pytest.mark.parametrize("kind", [scratchnet.Tensor, nn.Parameter])
def test_pickling(kind):
    x = kind(scratchnet.tensor(X).array) if kind is scratchnet.Tensor else kind(scratchnet.tensor(X))
    x.requires_grad_()
    file = io.BytesIO()
    pickle.dump(x, file)
    y = pickle.loads(file.getvalue())
    assert type(y) is kind and y.requires_grad and y.is_leaf
    np.testing.assert_array_equal(y.array, X)
    y.detach().zero_()  # its memory may be written to
    assert type(copy.deepcopy(x)) is kind


@pytest.mark.parametrize("library", [scratchnet, torch])
def test_pickling_leaves_the_history_behind(library):
    x = library.tensor([1.0, 2.0], requires_grad=True)
    y = pickle.loads(pickle.dumps(x * 2))
    assert y.requires_grad and y.is_leaf and y.tolist() == [2, 4]


def test_by_hand():
    x = scratchnet.tensor([[1.5, -2.5]], requires_grad=True)
    assert x.int().tolist() == [[1, -2]]
    assert x.bool().tolist() == [[True, True]]
    assert not x.int().requires_grad
    x.half().sum().backward()
    assert (x.grad.tolist(), x.grad.dtype) == ([[1, 1]], scratchnet.float32)


def test_float_of_what_requires_grad_warns():
    """As in torch, of float() alone. (torch does it once in a process.)"""
    x = scratchnet.tensor(2.5, requires_grad=True)
    with pytest.warns(UserWarning, match="requires_grad=True to a scalar may lead to unexpected behavior") as caught:
        assert float(x * 2) == 5
    assert caught[0].filename == __file__
    assert (int(x), bool(x), x.item(), float(x.detach())) == (2, True, 2.5, 2.5)
