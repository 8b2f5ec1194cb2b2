"""Layers as functions, one family a file: the formula, its gradient and the function that users call."""

from scratchnet.nn.functional.activation import (
    celu,
    celu_,
    elu,
    elu_,
    gelu,
    glu,
    logsigmoid,
    maxout,
    mish,
    selu,
    selu_,
    sigmoid,
    silu,
    softplus,
    softsign,
    swish,
    tanh,
    tanhshrink,
)
from scratchnet.nn.functional.activation_pieces import (
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    hardtanh_,
    leaky_relu,
    leaky_relu_,
    prelu,
    relu,
    relu6,
    relu_,
    rrelu,
    rrelu_,
    softshrink,
    threshold,
    threshold_,
)
from scratchnet.nn.functional.attention import scaled_dot_product_attention
from scratchnet.nn.functional.batch_norm import batch_norm, instance_norm
from scratchnet.nn.functional.conv import conv1d, conv2d, conv3d, conv_tbc
from scratchnet.nn.functional.conv_transpose import conv_transpose1d, conv_transpose2d, conv_transpose3d
from scratchnet.nn.functional.cross_entropy import cross_entropy, nll_loss
from scratchnet.nn.functional.distance import cosine_similarity, normalize, pairwise_distance, pdist
from scratchnet.nn.functional.dropout import (
    alpha_dropout,
    dropout,
    dropout1d,
    dropout2d,
    dropout3d,
    feature_alpha_dropout,
    traditional_dropout,
)
from scratchnet.nn.functional.dropout_structured import (
    drop_block2d,
    drop_block3d,
    drop_path,
    scheduled_drop_probability,
    stochastic_depth,
)
from scratchnet.nn.functional.embedding import embedding, embedding_bag
from scratchnet.nn.functional.fold import fold, unfold
from scratchnet.nn.functional.grouped_mm import grouped_mm, scaled_grouped_mm, scaled_mm
from scratchnet.nn.functional.interpolate import interpolate, upsample, upsample_bilinear, upsample_nearest
from scratchnet.nn.functional.linear import bilinear, linear
from scratchnet.nn.functional.linear_cross_entropy import linear_cross_entropy
from scratchnet.nn.functional.local_response_norm import local_response_norm
from scratchnet.nn.functional.loss import huber_loss, l1_loss, mse_loss, smooth_l1_loss
from scratchnet.nn.functional.loss_ctc import ctc_loss
from scratchnet.nn.functional.loss_margin import (
    cosine_embedding_loss,
    hinge_embedding_loss,
    margin_ranking_loss,
    multilabel_soft_margin_loss,
    soft_margin_loss,
    triplet_margin_loss,
    triplet_margin_with_distance_loss,
)
from scratchnet.nn.functional.loss_margin_classes import multi_margin_loss, multilabel_margin_loss
from scratchnet.nn.functional.loss_probability import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    gaussian_nll_loss,
    kl_div,
    poisson_nll_loss,
)
from scratchnet.nn.functional.multi_head_attention import multi_head_attention_forward
from scratchnet.nn.functional.norm import group_norm, layer_norm, rms_norm
from scratchnet.nn.functional.padding import pad
from scratchnet.nn.functional.pixel import channel_shuffle, native_channel_shuffle, pixel_shuffle, pixel_unshuffle
from scratchnet.nn.functional.pooling import (
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    cross_channel_max_pool,
    max_pool1d,
    max_pool1d_with_indices,
    max_pool2d,
    max_pool2d_with_indices,
    max_pool3d,
    max_pool3d_with_indices,
)
from scratchnet.nn.functional.pooling_adaptive import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool1d_with_indices,
    adaptive_max_pool2d,
    adaptive_max_pool2d_with_indices,
    adaptive_max_pool3d,
    adaptive_max_pool3d_with_indices,
)
from scratchnet.nn.functional.pooling_fractional import (
    fractional_max_pool2d,
    fractional_max_pool2d_with_indices,
    fractional_max_pool3d,
    fractional_max_pool3d_with_indices,
)
from scratchnet.nn.functional.pooling_lp import lp_pool1d, lp_pool2d, lp_pool3d
from scratchnet.nn.functional.pooling_unpool import max_unpool1d, max_unpool2d, max_unpool3d
from scratchnet.nn.functional.softmax import gumbel_softmax, log_softmax, softmax, softmin
from scratchnet.nn.functional.vision import affine_grid, grid_sample
from scratchnet.ops.gathering import one_hot
