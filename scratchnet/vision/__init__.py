"""Networks for images and operations on boxes, named as in torchvision."""

from scratchnet.vision import models, ops

__all__ = ["models", "ops"]
