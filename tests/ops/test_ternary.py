"""lerp, addcmul, addcdiv."""

import numpy as np
import pytest
from hypothesis import given

import scratchnet
from scratchnet.testing import check_against_torch, check_gradient
from scratchnet.testing.strategies import broadcastable, seeds, values

NAMES = ["lerp", "addcmul", "addcdiv"]


@pytest.mark.parametrize("name", NAMES)
@given(three=broadcastable(3, max_dims=3), seed=seeds())
def test_gradient(name, three, seed):
    args = [values(shape, seed + i, away_from=(0, 0.5)) for i, shape in enumerate(three)]
    check_gradient(getattr(scratchnet, name), *args)


@pytest.mark.parametrize("weight", [0.25, 0.5, 1, -2.0])
@given(two=broadcastable(2, max_dims=3), seed=seeds())
def test_lerp_gradient_with_a_number(weight, two, seed):
    check_gradient(lambda a, b: scratchnet.lerp(a, b, weight), values(two[0], seed), values(two[1], seed + 1))


@pytest.mark.parametrize("name", NAMES)
def test_torch(name):
    x, y, z = values((2, 3), 0), values((3,), 1), values((2, 1), 2)
    check_against_torch(name, x, y, z)
    check_against_torch(f"Tensor.{name}", x, y, z)
    check_against_torch(f"Tensor.{name}_", x, y, z, grad=False)
    check_against_torch(name, *[v.astype(np.float32) for v in (x, y, z)])
    check_against_torch(name, *[v.astype(np.float16) for v in (x, y, z)])
    check_against_torch(name, x, y.astype(np.float32), z)
    check_against_torch(name, x, y, np.ones(2))
    check_against_torch(name, x, 1.0, z)
    check_against_torch(name, np.array([1]), np.array([2]), np.array([3]))


def test_lerp():
    x, y = values((2, 3), 0), values((3,), 1)
    for weight in (0, 0.3, 0.5, 0.7, 1, 2, np.array([0.1, 0.5, 0.9])):
        check_against_torch("lerp", x, y, weight)
    check_against_torch("lerp", x, y, np.float32([1.0]))
    # exactly b at weight 1, though a + 1 · (b − a) is not
    a, b = scratchnet.tensor([1e8]), scratchnet.tensor([1.2345])
    assert a.lerp(b, 1.0).item() == b.item()


@pytest.mark.parametrize("name", ["addcmul", "addcdiv"])
def test_value(name):
    x, y, z = values((2, 3), 0), values((3,), 1), values((2, 1), 2)
    check_against_torch(name, x, y, z, value=2)
    check_against_torch(name, x, y, z, value=-0.5)
    check_against_torch(name, x.astype(np.float32), np.array([1, 2, 3]), z.astype(np.float32), value=0.5)
    check_against_torch("addcmul", np.array([1, 2]), np.array([1, 2]), np.array([3, 4]), value=2)


def test_by_hand():
    # 1 + ½ · 6 / 3 = 2;  d/d tensor2 = −½ · 6 / 9
    x, y, z = (scratchnet.tensor(v, requires_grad=True) for v in (1.0, 6.0, 3.0))
    r = scratchnet.addcdiv(x, y, z, value=0.5)
    r.backward()
    assert r.item() == 2
    assert [x.grad.item(), y.grad.item(), z.grad.item()] == pytest.approx([1, 1 / 6, -1 / 3])
