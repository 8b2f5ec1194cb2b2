"""Networks, data sets and changes of images, operations on boxes, named as in torchvision."""

from scratchnet.vision import datasets, models, ops, transforms, utils

__all__ = ["datasets", "models", "ops", "transforms", "utils"]
