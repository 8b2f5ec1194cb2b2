"""One readable file for each architecture."""

from scratchnet.text.models.bert import BertModel, mean_pooling
from scratchnet.text.models.g2p import G2P

__all__ = ["G2P", "BertModel", "mean_pooling"]
