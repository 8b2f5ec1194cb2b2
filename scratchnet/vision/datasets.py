"""`scratchnet.data.datasets` at torchvision's address."""

from scratchnet.data.datasets import *  # noqa: F403
from scratchnet.data.datasets import __all__ as __all__
