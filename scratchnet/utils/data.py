"""`scratchnet.data` at torch's address."""

from scratchnet.data import *  # noqa: F403
from scratchnet.data import __all__ as __all__
