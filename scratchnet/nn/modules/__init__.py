"""Layers as modules, one family a file; they compute with the functions of the same file in `nn.functional`."""

from scratchnet.nn.containers import ModuleDict, ModuleList, Sequential
from scratchnet.nn.module import Module
from scratchnet.nn.modules.activation import (
    CELU,
    ELU,
    GELU,
    GLU,
    SELU,
    Hardshrink,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    LogSigmoid,
    Maxout,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    RReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Softshrink,
    Softsign,
    Swish,
    Tanh,
    Tanhshrink,
    Threshold,
)
from scratchnet.nn.modules.adaptive import AdaptiveLogSoftmaxWithLoss
from scratchnet.nn.modules.attention import MultiheadAttention
from scratchnet.nn.modules.batchnorm import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
    SyncBatchNorm,
)
from scratchnet.nn.modules.batchnorm_lazy import (
    LazyBatchNorm1d,
    LazyBatchNorm2d,
    LazyBatchNorm3d,
    LazyInstanceNorm1d,
    LazyInstanceNorm2d,
    LazyInstanceNorm3d,
)
from scratchnet.nn.modules.conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from scratchnet.nn.modules.conv_lazy import (
    LazyConv1d,
    LazyConv2d,
    LazyConv3d,
    LazyConvTranspose1d,
    LazyConvTranspose2d,
    LazyConvTranspose3d,
)
from scratchnet.nn.modules.data_parallel import DataParallel
from scratchnet.nn.modules.distance import CosineSimilarity, PairwiseDistance
from scratchnet.nn.modules.dropout import (
    AlphaDropout,
    DropBlock2d,
    DropBlock3d,
    Dropout,
    Dropout1d,
    Dropout2d,
    Dropout3d,
    DropPath,
    FeatureAlphaDropout,
    StochasticDepth,
    TraditionalDropout,
)
from scratchnet.nn.modules.embedding import Embedding, EmbeddingBag
from scratchnet.nn.modules.flatten import Flatten, Unflatten
from scratchnet.nn.modules.fold import Fold, Unfold
from scratchnet.nn.modules.linear import Bilinear, Identity, LazyLinear, Linear
from scratchnet.nn.modules.linear_cross_entropy import LinearCrossEntropyLoss, LinearCrossEntropyOptions
from scratchnet.nn.modules.loss import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    CTCLoss,
    GaussianNLLLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    MSELoss,
    NLLLoss,
    PoissonNLLLoss,
    SmoothL1Loss,
)
from scratchnet.nn.modules.loss_margin import (
    CosineEmbeddingLoss,
    HingeEmbeddingLoss,
    MarginRankingLoss,
    MultiLabelMarginLoss,
    MultiLabelSoftMarginLoss,
    MultiMarginLoss,
    SoftMarginLoss,
    TripletMarginLoss,
    TripletMarginWithDistanceLoss,
)
from scratchnet.nn.modules.norm import CrossMapLRN2d, GroupNorm, LayerNorm, LocalResponseNorm, RMSNorm
from scratchnet.nn.modules.old_names import Container, NLLLoss2d
from scratchnet.nn.modules.padding import (
    CircularPad1d,
    CircularPad2d,
    CircularPad3d,
    ConstantPad1d,
    ConstantPad2d,
    ConstantPad3d,
    ReflectionPad1d,
    ReflectionPad2d,
    ReflectionPad3d,
    ReplicationPad1d,
    ReplicationPad2d,
    ReplicationPad3d,
    ZeroPad1d,
    ZeroPad2d,
    ZeroPad3d,
)
from scratchnet.nn.modules.pixel import ChannelShuffle, PixelShuffle, PixelUnshuffle
from scratchnet.nn.modules.pooling import (
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    CrossChannelMaxPool,
    LPPool1d,
    LPPool2d,
    LPPool3d,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
)
from scratchnet.nn.modules.pooling_adaptive import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
)
from scratchnet.nn.modules.pooling_special import (
    FractionalMaxPool2d,
    FractionalMaxPool3d,
    MaxUnpool1d,
    MaxUnpool2d,
    MaxUnpool3d,
)
from scratchnet.nn.modules.recurrent import GRU, LSTM, RNN, RNNBase
from scratchnet.nn.modules.recurrent_cells import GRUCell, LSTMCell, RNNCell, RNNCellBase
from scratchnet.nn.modules.recurrent_variants import PeepholeLSTM
from scratchnet.nn.modules.softmax import LogSoftmax, Softmax, Softmax2d, Softmin
from scratchnet.nn.modules.transformer import Transformer, TransformerDecoder, TransformerEncoder
from scratchnet.nn.modules.transformer_layers import TransformerDecoderLayer, TransformerEncoderLayer
from scratchnet.nn.modules.upsampling import Upsample, UpsamplingBilinear2d, UpsamplingNearest2d
from scratchnet.nn.parameter_containers import ParameterDict, ParameterList
