"""What a Tensor is made of."""

import numpy as np
import pytest
import torch

from scratchnet import Tensor


@pytest.mark.parametrize("given", [[1, 2], np.array([1.0, 2.0], np.float32)])
def test_of_numbers(given):
    x = Tensor(given)
    assert x.array.dtype == np.float32 and x.tolist() == [1, 2]


def test_of_numpys_scalars():
    assert Tensor(np.float64(3)).array.shape == ()


@pytest.mark.parametrize("sizes", [(), (2,), (2, 0), (2, 3, 1), (1, 2, 3, 4)])
def test_of_sizes(sizes):
    x = Tensor(*sizes)
    assert x.array.shape == (sizes or (0,)) and x.array.dtype == np.float32 and not x.requires_grad and x.is_leaf


def test_of_a_shape():
    """As torch.Tensor(x.shape): not the numbers in it."""
    x = Tensor(Tensor(2, 3).shape)
    assert x.array.shape == (2, 3) and x.array.dtype == np.float32


@pytest.mark.parametrize("given, error", [((0.5,), TypeError), ((True,), TypeError), ((2, 0.5), TypeError),
                                          ((2, -1), RuntimeError)])
def test_single_numbers_and_impossible_sizes_are_refused(given, error):
    for tensor in (Tensor, torch.Tensor):
        with pytest.raises(error):
            tensor(*given)


def test_of_a_tensor_is_refused():
    with pytest.raises(TypeError, match="ambiguous"):
        Tensor(Tensor([1.0]))
