"""Networks for images, operations on boxes and changes to images, named as in torchvision."""

from scratchnet.vision import models, ops, transforms

__all__ = ["models", "ops", "transforms"]
