"""torch's addresses lead to what lives elsewhere here."""

import scratchnet
import scratchnet.data
import scratchnet.utils.data
from scratchnet.utils.checkpoint import checkpoint
from scratchnet.utils.data import DataLoader, TensorDataset


def test_they_are_the_same_objects():
    assert scratchnet.utils.data.DataLoader is DataLoader is scratchnet.data.DataLoader
    assert scratchnet.utils.data.__all__ == scratchnet.data.__all__
    assert scratchnet.utils.checkpoint.checkpoint is checkpoint is scratchnet.autograd.checkpoint
    assert len(DataLoader(TensorDataset(scratchnet.zeros(5, 2)), 2)) == 3
