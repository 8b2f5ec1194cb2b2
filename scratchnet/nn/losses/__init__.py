"""Losses that papers describe and torch has not: each as a function and as a module, one family a file."""

from scratchnet.nn.losses.adversarial import (
    DiscriminatorLoss,
    GeneratorLoss,
    discriminator_loss,
    generator_loss,
    gradient_penalty,
    r1_penalty,
)
from scratchnet.nn.losses.angular_margin import ArcFaceLoss, CosFaceLoss, angular_margin_loss
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
from scratchnet.nn.losses.metric import (
    BatchTripletLoss,
    CenterLoss,
    ContrastiveLoss,
    NTXentLoss,
    batch_triplet_loss,
    center_loss,
    contrastive_loss,
    nt_xent_loss,
)
from scratchnet.nn.losses.segmentation import DiceLoss, TverskyLoss, dice_loss, tversky_loss
from scratchnet.nn.losses.variational import ELBOLoss, elbo_loss, kl_to_standard_normal

__all__ = [
    "ArcFaceLoss", "BatchTripletLoss", "CenterLoss", "ContrastiveLoss", "CosFaceLoss", "DiceLoss", "DiscriminatorLoss",
    "DistillationLoss", "ELBOLoss", "FocalLoss", "GeneratorLoss", "LovaszHingeLoss", "LovaszSoftmaxLoss",
    "MultiBoxLoss", "NTXentLoss", "OHEMCrossEntropyLoss", "SigmoidFocalLoss", "TverskyLoss", "angular_margin_loss",
    "batch_triplet_loss", "center_loss", "class_balanced_weights", "contrastive_loss", "dice_loss",
    "discriminator_loss", "distillation_loss", "elbo_loss", "focal_loss", "generator_loss", "gradient_penalty",
    "hard_negative_mining", "kl_to_standard_normal", "lovasz_hinge_loss", "lovasz_softmax_loss", "multi_box_loss",
    "nt_xent_loss", "ohem_cross_entropy", "r1_penalty", "sigmoid_focal_loss", "tversky_loss",
]  # fmt: skip
