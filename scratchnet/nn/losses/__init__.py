"""Losses that papers describe and torch has not: each as a function and as a module, one family a file."""

from scratchnet.nn.losses.distillation import DistillationLoss, distillation_loss
from scratchnet.nn.losses.focal import (
    FocalLoss,
    SigmoidFocalLoss,
    class_balanced_weights,
    focal_loss,
    sigmoid_focal_loss,
)
from scratchnet.nn.losses.hard_examples import (
    MultiBoxLoss,
    OHEMCrossEntropyLoss,
    hard_negative_mining,
    multi_box_loss,
    ohem_cross_entropy,
)
from scratchnet.nn.losses.lovasz import LovaszHingeLoss, LovaszSoftmaxLoss, lovasz_hinge_loss, lovasz_softmax_loss
from scratchnet.nn.losses.segmentation import DiceLoss, TverskyLoss, dice_loss, tversky_loss

__all__ = [
    "DiceLoss", "DistillationLoss", "FocalLoss", "LovaszHingeLoss", "LovaszSoftmaxLoss", "MultiBoxLoss",
    "OHEMCrossEntropyLoss", "SigmoidFocalLoss", "TverskyLoss", "class_balanced_weights", "dice_loss",
    "distillation_loss", "focal_loss", "hard_negative_mining", "lovasz_hinge_loss", "lovasz_softmax_loss",
    "multi_box_loss", "ohem_cross_entropy", "sigmoid_focal_loss", "tversky_loss",
]  # fmt: skip
