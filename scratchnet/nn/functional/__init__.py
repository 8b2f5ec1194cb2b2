"""Layers as functions, one family a file: the formula, its gradient and the function that users call."""

from scratchnet.nn.functional.activation import (
    elu,
    elu_,
    gelu,
    leaky_relu,
    leaky_relu_,
    logsigmoid,
    relu,
    relu_,
    sigmoid,
    silu,
    softplus,
    tanh,
)
from scratchnet.nn.functional.attention import scaled_dot_product_attention
from scratchnet.nn.functional.conv import conv1d, conv2d, conv3d, conv_tbc
from scratchnet.nn.functional.conv_transpose import conv_transpose1d, conv_transpose2d, conv_transpose3d
from scratchnet.nn.functional.cross_entropy import cross_entropy, nll_loss
from scratchnet.nn.functional.dropout import dropout, dropout1d, dropout2d
from scratchnet.nn.functional.embedding import embedding
from scratchnet.nn.functional.fold import fold, unfold
from scratchnet.nn.functional.linear import linear
from scratchnet.nn.functional.loss import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    smooth_l1_loss,
)
from scratchnet.nn.functional.norm import batch_norm, layer_norm
from scratchnet.nn.functional.padding import pad
from scratchnet.nn.functional.pooling import adaptive_avg_pool2d, avg_pool2d, max_pool2d
from scratchnet.nn.functional.softmax import log_softmax, softmax, softmin
from scratchnet.ops.gathering import one_hot
