"""How good predictions are: accuracy, the confusion matrix, running means."""

from scratchnet.metrics.classification import accuracy, confusion_matrix, per_class_accuracy
from scratchnet.metrics.running import Mean

__all__ = ["Mean", "accuracy", "confusion_matrix", "per_class_accuracy"]
