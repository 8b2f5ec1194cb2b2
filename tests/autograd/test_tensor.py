"""What a Tensor is made of."""

import numpy as np
import pytest

from scratchnet import Tensor


@pytest.mark.parametrize("given", [[1, 2], np.array([1.0, 2.0], np.float32)])
def test_of_numbers(given):
    x = Tensor(given)
    assert x.array.dtype == np.float32 and x.tolist() == [1, 2]


def test_of_numpys_scalars():
    assert Tensor(np.float64(3)).array.shape == ()


@pytest.mark.parametrize("sizes", [(2, 3), (2,), (0.5,), (True,)])
def test_sizes_and_single_numbers_are_refused(sizes):
    with pytest.raises(TypeError, match=r"sizes to scratchnet\.empty, and numbers to scratchnet\.tensor"):
        Tensor(*sizes)


def test_of_a_tensor_is_refused():
    with pytest.raises(TypeError, match="ambiguous"):
        Tensor(Tensor([1.0]))
