"""Optimizers, one algorithm a file, and schedules of the learning rate."""

from scratchnet.optim import lr_scheduler
from scratchnet.optim.adam import Adam
from scratchnet.optim.adamw import AdamW
from scratchnet.optim.optimizer import Optimizer
from scratchnet.optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "lr_scheduler"]
