"""`scratchnet.data.transforms` at torchvision's address."""

from scratchnet.data.transforms import *  # noqa: F403
from scratchnet.data.transforms import __all__ as __all__
