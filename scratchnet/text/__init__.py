"""Text: from characters to numbers, and networks that read them."""

from scratchnet.text import models
from scratchnet.text.wordpiece import WordPiece

__all__ = ["WordPiece", "models"]
