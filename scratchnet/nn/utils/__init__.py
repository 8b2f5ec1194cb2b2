"""Helpers for the parameters and gradients of a network, and for parameters that are computed from others."""

from scratchnet.nn.functional.sync_batch_norm import thread_group
from scratchnet.nn.utils import parametrizations, parametrize, prune, rnn, stateless
from scratchnet.nn.utils.clip_grad import (
    clip_grad_norm,
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
)
from scratchnet.nn.utils.fusion import (
    fuse_conv_bn_eval,
    fuse_conv_bn_weights,
    fuse_linear_bn_eval,
    fuse_linear_bn_weights,
)
from scratchnet.nn.utils.penalties import l1_penalty, l2_penalty
from scratchnet.nn.utils.skip_init import skip_init
from scratchnet.nn.utils.spectral_norm import remove_spectral_norm, spectral_norm
from scratchnet.nn.utils.vector import parameters_to_vector, vector_to_parameters
from scratchnet.nn.utils.weight_norm import remove_weight_norm, weight_norm
