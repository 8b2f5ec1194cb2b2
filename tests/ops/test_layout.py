"""Strides, contiguity, and questions about a tensor's shape and type."""

import numpy as np
import pytest

import scratchnet
from scratchnet.testing import check_gradient
from scratchnet.testing.strategies import values
from tests.ops.expressions import agree

X = values((2, 3, 4), 0)


@pytest.mark.parametrize(
    "code",
    [
        *("x.size()", "x.size(-1)", "x.size(dim=1)", "x.size(3)", "x.sum().size()", "x.sum().size(0)", "x.shape"),
        *("x.stride()", "x.stride(0)", "x.transpose(0, 2).stride()", "x[:, ::2].stride()", "x.stride(3)"),
        *("x.sum().stride()", "x.expand(5, 2, 3, 4).stride()", "x.sum().stride(0)", "x.clone().stride()"),
        *("x.transpose(0, 1).clone().stride()", "x[..., ::2].clone().stride()"),
        *("x.expand(2, 2, 3, 4).clone().stride()", "x.transpose(0, 1).contiguous().stride()", "x.is_contiguous()"),
        *("x.mT.is_contiguous()", "x[1].is_contiguous()", "x[:, 1].is_contiguous()", "x.mT.contiguous()"),
        *("x.numel()", "x.nelement()", "F.numel(x)", "x.dim()", "x.ndimension()", "x.ndim", "x.element_size()"),
        *("x.nbytes", "x.is_floating_point()", "F.is_floating_point(x.int())", "x.is_signed()"),
        *("x.byte().is_signed()", "x.is_complex()", "F.clone(x)", "F.detach(x)", "F.is_signed(x)"),
        *("F.is_complex(x)", "F.is_same_size(x, x)", "F.is_tensor(x)", "F.is_tensor(1)", "x.is_cuda", "x.is_cpu"),
        *("x.get_device()", "x.itemsize", "x.is_same_size(x[0])", "x[:1, :1, :1].is_nonzero()", "x.is_nonzero()"),
        *("x[:0].is_nonzero()", "x.clone()", "x.mT.clone()", "x.is_sparse", "x.contiguous() is x"),
        *("x.mT.contiguous() is x", "x[:0].stride()", "x[:, None].stride()", "x[:, :, :1].stride()"),
    ],
)
def test_against_torch(code):
    agree(code, x=X)


def test_gradients():
    check_gradient(lambda x: x.clone(), X)
    check_gradient(lambda x: x.mT.contiguous(), X)


def test_data_ptr():
    x = scratchnet.zeros(2, 3)
    assert x[1].data_ptr() == x.data_ptr() + 12
    assert x.clone().data_ptr() != x.data_ptr()


def test_by_hand():
    """A row-major (2, 3) array: one element right is 1 away, one row down 3. Every other column: 2 and 3."""
    x = scratchnet.arange(6).reshape(2, 3)
    assert x.stride() == (3, 1)
    assert x[:, ::2].stride() == (3, 2)
    assert x.t().stride() == (1, 3)
    assert np.array_equal(x.t().contiguous().array.ravel(order="K"), [0, 3, 1, 4, 2, 5])


@pytest.mark.parametrize("code", ["x", "x[1:]", "x[1:, 1:]", "x.t()[2]", "x[:, ::2][1:].detach()", "x[1:].clone()", "x[1].data"])
def test_storage_offset(code):
    agree(f"x = F.arange(12.0).view(3, 4); y = F.tensor({code}.storage_offset())", grad=False)
