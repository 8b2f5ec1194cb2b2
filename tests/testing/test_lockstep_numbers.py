"""Numbers under the simulator: Numba's types of integers, casts that wrap, float32 that rounds."""

import math
import operator
from typing import Any

import numpy as np
import pytest
from numba.core import types
from numba.core.registry import cpu_target

from scratchnet.testing.lockstep import launch
from scratchnet.testing.lockstep.scalars import Int32, Unsigned, Unsigned32, brev, clz, ffs, fma, popc

cuda: Any = None  # the simulator puts itself in its place

OURS = {types.int64: 3, types.uint64: Unsigned(3), types.int32: Int32(3), types.uint32: Unsigned32(3)}
OPERATORS = "add sub mul floordiv mod and_ or_ xor lshift rshift".split()


@pytest.mark.parametrize("name", OPERATORS)
def test_types_of_integers_are_numba_s(name):
    context = cpu_target.typing_context
    context.refresh()
    operation = getattr(operator, name)
    for left, a in OURS.items():
        for right, b in OURS.items():
            theirs = context.resolve_function_type(operation, (left, right), {}).return_type
            assert isinstance(operation(a, b), Unsigned) == (theirs == types.uint64), (left, right, theirs)


def test_integers_wrap():
    zero, one = Unsigned32(0), Unsigned32(1)
    assert zero - one == 2**64 - 1 and zero - 1 == -1 and 0 - one == -1
    assert Unsigned(2**63) | 0 == -(2**63)  # int64
    assert Unsigned(2**63) << 1 == 0 and ~zero == -one == 2**64 - 1
    assert one.__add__(0.5) is NotImplemented and one + 0.5 == 1.5
    assert Unsigned32(7) // 2 == 3 and 7 % Unsigned32(4) == 3 and Unsigned32(2) * Unsigned(2**63) == 0


def converts(floats, integers, unsigned, out):
    i = cuda.threadIdx.x
    integers[i] = floats[i]
    unsigned[i] = integers[i]
    if i > 0:
        return
    out[0] = np.uint32(-1)
    out[1] = np.int32(np.uint32(0x80000000))
    out[2] = np.uint8(300) + np.uint8(255)
    out[3] = np.int32(2.7) + np.int64(-2.7)
    out[4] = np.int32(np.float32(3e9))
    out[5] = np.int32(math.nan)


def test_conversions_wrap_integers_and_saturate_floats():
    floats = np.array([1.9, -1.9, 3e9, -3e9, np.nan], np.float32)
    integers, unsigned, out = np.zeros(5, np.int32), np.zeros(5, np.uint8), np.zeros(6, np.int64)
    launch(converts, 1, 5, floats, integers, unsigned, out)
    np.testing.assert_array_equal(integers, [1, -1, 2**31 - 1, -(2**31), 0])
    np.testing.assert_array_equal(unsigned, [1, 255, 255, 0, 0])
    np.testing.assert_array_equal(out, [2**32 - 1, -(2**31), 299, 0, 2**31 - 1, 0])


def hashes(x):
    i = cuda.grid(1)
    h = np.uint32(x[i] * np.uint32(0x9E3779B1))
    h ^= h >> np.uint32(16)
    x[i] = np.uint32(h * np.uint32(0x85EBCA6B))


def test_a_hash_in_32_bits():
    x = np.arange(40, dtype=np.uint32)
    h = x * np.uint32(0x9E3779B1)
    h ^= h >> np.uint32(16)
    launch(hashes, 2, 20, x)
    np.testing.assert_array_equal(x, h * np.uint32(0x85EBCA6B))


def rounds(x, out):
    i = cuda.threadIdx.x
    total = np.float32(0)
    for _ in range(10):
        total += x[i]
    out[i, 0] = total
    out[i, 1] = math.exp(x[i]) / math.sqrt(x[i])
    out[i, 2] = math.log(x[i] - x[i])
    out[i, 3] = math.sqrt(-x[i])
    out[i, 4] = math.exp(x[i] * 1000)
    out[i, 5] = x[i] / (x[i] - x[i])


def test_float32_rounds_and_never_raises():
    x = np.array([0.1, 0.7], np.float32)
    out = np.zeros((2, 6), np.float32)
    launch(rounds, 1, 2, x, out)
    total = np.zeros(2, np.float32)
    for _ in range(10):
        total += x
    np.testing.assert_array_equal(out[:, 0], total)
    np.testing.assert_allclose(out[:, 1], np.exp(x) / np.sqrt(x), rtol=2e-7)
    np.testing.assert_array_equal(out[:, 2:], [[-np.inf, np.nan, np.inf, np.inf]] * 2)


def test_bits_and_fused_products():
    assert [clz(Unsigned32(1)), clz(1), clz(Int32(0)), clz(-1)] == [31, 63, 32, 0]
    assert [popc(Int32(-1)), popc(Unsigned(2**64 - 1)), ffs(0), ffs(8)] == [32, 64, 0, 4]
    assert brev(Unsigned32(1)) == 2**31
    a = np.float32(1 + 2**-12)
    assert fma(a, a, np.float32(-1)) == np.float32(2**-11 + 2**-24) and a * a - np.float32(1) == np.float32(2**-11)
    assert fma(0.1, 10.0, -1.0) == 2**-54 and math.isinf(fma(np.float32(np.inf), a, a))
    assert type(fma(a, a, a)) is np.float32
