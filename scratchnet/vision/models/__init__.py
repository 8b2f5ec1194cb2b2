"""One readable file for each architecture."""

from scratchnet.vision.models.lenet import LeNet5
from scratchnet.vision.models.perceptron import Perceptron

__all__ = ["LeNet5", "Perceptron"]
