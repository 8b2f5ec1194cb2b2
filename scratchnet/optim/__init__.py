"""Optimizers, one algorithm a file, and schedules of the learning rate."""

from scratchnet.optim import lr_scheduler, swa_utils
from scratchnet.optim.adabound import AdaBound
from scratchnet.optim.adadelta import Adadelta
from scratchnet.optim.adafactor import Adafactor
from scratchnet.optim.adagrad import Adagrad
from scratchnet.optim.adam import Adam
from scratchnet.optim.adamax import Adamax
from scratchnet.optim.adamw import AdamW
from scratchnet.optim.asgd import ASGD
from scratchnet.optim.lamb import LAMB
from scratchnet.optim.lars import LARS
from scratchnet.optim.lbfgs import LBFGS
from scratchnet.optim.lookahead import Lookahead
from scratchnet.optim.muon import Muon
from scratchnet.optim.nadam import NAdam
from scratchnet.optim.optimizer import Optimizer
from scratchnet.optim.radam import RAdam
from scratchnet.optim.rmsprop import RMSprop
from scratchnet.optim.rprop import Rprop
from scratchnet.optim.sam import SAM
from scratchnet.optim.sgd import SGD
from scratchnet.optim.sparse_adam import SparseAdam
from scratchnet.optim.stateless import swap_in_optimizer_params_and_state

__all__ = [
    "ASGD", "LAMB", "LARS", "LBFGS", "SAM", "SGD", "AdaBound", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW",
    "Adamax", "Lookahead", "Muon", "NAdam", "Optimizer", "RAdam", "RMSprop", "Rprop", "SparseAdam", "lr_scheduler",
    "swa_utils", "swap_in_optimizer_params_and_state",
]  # fmt: skip
