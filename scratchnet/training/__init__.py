"""The training loop, what can be hung into it, and checkpoints that survive a kill at any moment."""

from scratchnet.training import checkpoint
from scratchnet.training.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    GradientClipping,
    History,
    StopOnInterrupt,
)
from scratchnet.training.checkpoint import CheckpointError
from scratchnet.training.guard import TrainingError
from scratchnet.training.progress import Progress
from scratchnet.training.trainer import Trainer, predict

__all__ = [
    "Callback",
    "Checkpoint",
    "CheckpointError",
    "EarlyStopping",
    "GradientClipping",
    "History",
    "Progress",
    "StopOnInterrupt",
    "Trainer",
    "TrainingError",
    "checkpoint",
    "predict",
]
