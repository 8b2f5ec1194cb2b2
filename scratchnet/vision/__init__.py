"""Networks for images, named as in torchvision."""

from scratchnet.vision import models

__all__ = ["models"]
