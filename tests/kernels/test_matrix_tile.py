"""The tile of a matrix product: any shape, strided and transposed operands, nothing beside the block, accumulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.kernels import jit, tile
from scratchnet.kernels.matrix_tile import multiply_add, shape, with_tile
from scratchnet.kernels.tile_instructions import plain_tile

BAND = 37


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("plain", [False, True])
@given(rows=st.integers(0, 9), vectors=st.integers(0, 9), depth=st.integers(0, 7), transposed=st.booleans(),
       fresh=st.booleans(), seed=st.integers(0, 2**16))  # fmt: skip
def test_products_of_blocks(dtype, plain, rows, vectors, depth, transposed, fresh, seed):
    rng, width = np.random.default_rng(seed), tile.lanes(dtype)
    columns = vectors * width
    a = rng.standard_normal((depth + 1, rows + 2) if transposed else (rows + 1, depth + 2)).astype(dtype)
    b = rng.standard_normal((depth + 1, columns + 3)).astype(dtype)
    c = rng.standard_normal(2 * BAND + rows * (columns + 5)).astype(dtype)
    block = c[BAND:BAND + rows * (columns + 5)].reshape(rows, columns + 5)
    left = (a[:depth, :rows].T if transposed else a[:rows, :depth]).astype(np.float64)
    expected = block.copy()
    expected[:, :columns] = left @ b[:depth, :columns] + (0 if fresh else expected[:, :columns])
    before = c.copy()
    steps = (1, a.shape[1]) if transposed else (a.shape[1], 1)
    args = (a.reshape(-1), *steps, b.reshape(-1), b.shape[1], c[BAND:], columns + 5, rows, columns, depth, fresh)
    with pytest.MonkeyPatch.context() as patch:
        product = with_tile(multiply_add, dtype)
        if plain:
            product = product.specialised(**shape(dtype)._asdict(), WIDTH=shape(dtype).width, tile=plain_tile)
            patch.setattr(jit.Loop, "__call__", jit.Loop.interpreted)
        product(*args)
    np.testing.assert_allclose(block, expected, atol=64 * np.finfo(dtype).eps)
    assert np.array_equal(c[:BAND], before[:BAND]) and np.array_equal(c[len(c) - BAND:], before[len(c) - BAND:])
    assert np.array_equal(block[:, columns:], expected[:, columns:])


def test_an_example_by_hand():
    """[1 2] · [[10 …], [100 …]] = [210 …], added to 1."""
    width = tile.lanes(np.float64)
    b = np.repeat([10.0, 100.0], width)
    c = np.ones(width)
    with_tile(multiply_add, np.float64)(np.array([1.0, 2.0]), 2, 1, b, width, c, width, 1, width, 2, False)
    assert (c == 211).all()
