"""Blocks that papers describe and torch has not, one family a file."""

from scratchnet.nn.blocks.asymmetric_conv import AsymmetricConvBlock
from scratchnet.nn.blocks.axial_attention import AxialAttention
from scratchnet.nn.blocks.batch_renorm import BatchRenorm1d, BatchRenorm2d, BatchRenorm3d
from scratchnet.nn.blocks.cbam import CBAM, ChannelGate, SpatialGate
from scratchnet.nn.blocks.channel_attention import ECA, SelectiveKernel, SqueezeExcitation
from scratchnet.nn.blocks.conv_norm_activation import Conv2dNormActivation
from scratchnet.nn.blocks.dual_attention import ChannelAttention, DANetHead, PositionAttention
from scratchnet.nn.blocks.filter_response_norm import (
    FilterResponseNorm1d,
    FilterResponseNorm2d,
    FilterResponseNorm3d,
)
from scratchnet.nn.blocks.graph import GCNConv, SAGEConv
from scratchnet.nn.blocks.graph_attention import GATConv
from scratchnet.nn.blocks.moving_average_batch_norm import MABN2d
from scratchnet.nn.blocks.non_local import NonLocal1d, NonLocal2d, NonLocal3d
from scratchnet.nn.blocks.patch_embedding import PatchEmbedding
from scratchnet.nn.blocks.positions import LearnedPositions, SinusoidalPositions, sinusoidal_positions
from scratchnet.nn.blocks.relative_positions import RelativePositionBias, RelativePositions, alibi
from scratchnet.nn.blocks.rotary import RotaryEmbedding, rotary_embedding
from scratchnet.nn.blocks.scheduled_drop_path import ScheduledDropPath
from scratchnet.nn.blocks.self_calibrated import SCConv
from scratchnet.nn.blocks.separable_conv import DepthwiseSeparableConv2d
from scratchnet.nn.blocks.spatial_pyramid import ASPP, ASPPPooling, SpatialPyramidPooling
from scratchnet.nn.blocks.spatial_transformer import SpatialTransformer
from scratchnet.nn.blocks.strip_pooling import StripPooling
from scratchnet.nn.blocks.switchable_norm import SwitchableNorm1d, SwitchableNorm2d, SwitchableNorm3d
from scratchnet.nn.blocks.weight_standardization import CenConv2d, WSConv1d, WSConv2d, WSConv3d

__all__ = [
    "ASPP",
    "ASPPPooling",
    "AsymmetricConvBlock",
    "AxialAttention",
    "BatchRenorm1d",
    "BatchRenorm2d",
    "BatchRenorm3d",
    "CBAM",
    "CenConv2d",
    "ChannelAttention",
    "ChannelGate",
    "Conv2dNormActivation",
    "DANetHead",
    "DepthwiseSeparableConv2d",
    "ECA",
    "FilterResponseNorm1d",
    "FilterResponseNorm2d",
    "FilterResponseNorm3d",
    "GATConv",
    "GCNConv",
    "LearnedPositions",
    "MABN2d",
    "NonLocal1d",
    "NonLocal2d",
    "NonLocal3d",
    "PatchEmbedding",
    "PositionAttention",
    "RelativePositionBias",
    "RelativePositions",
    "RotaryEmbedding",
    "SAGEConv",
    "SCConv",
    "ScheduledDropPath",
    "SelectiveKernel",
    "SinusoidalPositions",
    "SpatialGate",
    "SpatialPyramidPooling",
    "SpatialTransformer",
    "SqueezeExcitation",
    "StripPooling",
    "SwitchableNorm1d",
    "SwitchableNorm2d",
    "SwitchableNorm3d",
    "WSConv1d",
    "WSConv2d",
    "WSConv3d",
    "alibi",
    "rotary_embedding",
    "sinusoidal_positions",
]
