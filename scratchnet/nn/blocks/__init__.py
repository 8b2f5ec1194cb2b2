"""Blocks that papers describe and torch has not, one family a file."""

from scratchnet.nn.blocks.axial_attention import AxialAttention
from scratchnet.nn.blocks.cbam import CBAM, ChannelGate, SpatialGate
from scratchnet.nn.blocks.channel_attention import ECA, SelectiveKernel, SqueezeExcitation
from scratchnet.nn.blocks.dual_attention import ChannelAttention, DANetHead, PositionAttention
from scratchnet.nn.blocks.non_local import NonLocal1d, NonLocal2d, NonLocal3d
from scratchnet.nn.blocks.spatial_transformer import SpatialTransformer

__all__ = [
    "AxialAttention",
    "CBAM",
    "ChannelAttention",
    "ChannelGate",
    "DANetHead",
    "ECA",
    "NonLocal1d",
    "NonLocal2d",
    "NonLocal3d",
    "PositionAttention",
    "SelectiveKernel",
    "SpatialGate",
    "SpatialTransformer",
    "SqueezeExcitation",
]
