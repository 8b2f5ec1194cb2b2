"""Data sets: `MNIST5k` comes with the package; `MNIST` and `FashionMNIST` are read from a folder."""

from scratchnet.data.datasets.idx import read_idx, write_idx
from scratchnet.data.datasets.mnist import MNIST, FashionMNIST, ImageDataset, MNIST5k

__all__ = ["MNIST", "FashionMNIST", "ImageDataset", "MNIST5k", "read_idx", "write_idx"]
