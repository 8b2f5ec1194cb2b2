"""Kernels: functions of arrays, each declared by its NumPy reference, with twins compiled by Numba.

They know nothing of gradients or Tensors, and import nothing else of this library.  See `registry`.
"""

from scratchnet.kernels.attention import attention, attention_backward
from scratchnet.kernels.batch_norm import batch_norm, batch_norm_apply, batch_norm_backward
from scratchnet.kernels.blas import matmul
from scratchnet.kernels.conv import conv_forward, conv_grad_bias, conv_grad_input, conv_grad_weight
from scratchnet.kernels.cross_entropy import cross_entropy, cross_entropy_backward
from scratchnet.kernels.detection_decay import matrix_nms, soft_nms
from scratchnet.kernels.detection_iou import box_iou
from scratchnet.kernels.dropout import masked_scale
from scratchnet.kernels.embedding import max_rows, sum_rows
from scratchnet.kernels.grid_sample import grid_sample, grid_sample_adjoint, grid_sample_slope
from scratchnet.kernels.group_norm import group_norm, group_norm_backward
from scratchnet.kernels.im2col import col2im, im2col
from scratchnet.kernels.interpolate import resample
from scratchnet.kernels.layer_norm import layer_norm, layer_norm_backward
from scratchnet.kernels.local_response_norm import local_response_norm, local_response_norm_backward
from scratchnet.kernels.loss_ctc import ctc_backward, ctc_forward
from scratchnet.kernels.nms import nms
from scratchnet.kernels.optimizer import adam_step, sgd_step
from scratchnet.kernels.optimizer_moments import adamax_step, moments_step
from scratchnet.kernels.optimizer_signs import asgd_step, rprop_step
from scratchnet.kernels.optimizer_squares import adadelta_step, adagrad_step, rmsprop_step
from scratchnet.kernels.padding import pad, pad_backward
from scratchnet.kernels.parallel import get_num_threads, set_num_threads
from scratchnet.kernels.pool_avg import avg_pool, avg_pool_backward
from scratchnet.kernels.pool_indices import max_pool_backward, max_unpool, pick
from scratchnet.kernels.pool_max import max_pool
from scratchnet.kernels.pool_windows import Windows, adaptive_windows, fractional_windows, sliding_windows
from scratchnet.kernels.recurrent_gru import gru_backward, gru_forward
from scratchnet.kernels.recurrent_lstm import lstm_backward, lstm_forward
from scratchnet.kernels.recurrent_rnn import rnn_backward, rnn_forward
from scratchnet.kernels.registry import Kernel, kernel, use_reference
from scratchnet.kernels.roi_average import roi_average, roi_average_backward
from scratchnet.kernels.roi_pool import roi_pool, roi_pool_backward
from scratchnet.kernels.softmax import log_softmax, log_softmax_backward, softmax, softmax_backward

__all__ = [
    "Kernel", "kernel", "use_reference", "get_num_threads", "set_num_threads",
    "attention", "attention_backward", "sum_rows", "max_rows",
    "matmul", "im2col", "col2im", "conv_forward", "conv_grad_input", "conv_grad_weight", "conv_grad_bias",
    "pad", "pad_backward",
    "Windows", "sliding_windows", "adaptive_windows", "fractional_windows",
    "max_pool", "max_pool_backward", "max_unpool", "pick", "avg_pool", "avg_pool_backward",
    "batch_norm", "batch_norm_apply", "batch_norm_backward", "layer_norm", "layer_norm_backward",
    "group_norm", "group_norm_backward", "local_response_norm", "local_response_norm_backward",
    "softmax", "softmax_backward", "log_softmax", "log_softmax_backward",
    "cross_entropy", "cross_entropy_backward",
    "masked_scale", "ctc_forward", "ctc_backward", "sgd_step", "adam_step",
    "adagrad_step", "adadelta_step", "rmsprop_step", "adamax_step", "moments_step", "rprop_step", "asgd_step",
    "rnn_forward", "rnn_backward", "lstm_forward", "lstm_backward", "gru_forward", "gru_backward",
    "box_iou", "nms", "soft_nms", "matrix_nms", "roi_average", "roi_average_backward", "roi_pool", "roi_pool_backward",
    "resample", "grid_sample", "grid_sample_adjoint", "grid_sample_slope",
]
