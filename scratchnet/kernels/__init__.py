"""Kernels: functions of arrays, each declared by its NumPy reference, with twins compiled by Numba.

They know nothing of gradients or Tensors, and import nothing else of this library.  See `registry`.
"""

from scratchnet.kernels.attention import attention, attention_backward
from scratchnet.kernels.avg_pooling import avg_pool2d, avg_pool2d_backward
from scratchnet.kernels.blas import matmul
from scratchnet.kernels.conv import conv_forward, conv_grad_bias, conv_grad_input, conv_grad_weight
from scratchnet.kernels.cross_entropy import cross_entropy, cross_entropy_backward
from scratchnet.kernels.detection_decay import matrix_nms, soft_nms
from scratchnet.kernels.detection_iou import box_iou
from scratchnet.kernels.elementwise import relu, relu_backward, sigmoid_backward, tanh, tanh_backward
from scratchnet.kernels.im2col import col2im, im2col
from scratchnet.kernels.nms import nms
from scratchnet.kernels.norm import batch_norm_apply, batch_norm_backward, batch_norm_statistics
from scratchnet.kernels.optimizer import adam_step, sgd_step
from scratchnet.kernels.parallel import get_num_threads, set_num_threads
from scratchnet.kernels.pooling import max_pool2d, max_pool2d_backward
from scratchnet.kernels.registry import Kernel, kernel, use_reference
from scratchnet.kernels.roi_average import roi_average, roi_average_backward
from scratchnet.kernels.roi_pool import roi_pool, roi_pool_backward
from scratchnet.kernels.softmax import log_softmax, log_softmax_backward, softmax, softmax_backward

__all__ = [
    "Kernel", "kernel", "use_reference", "get_num_threads", "set_num_threads",
    "attention", "attention_backward",
    "matmul", "im2col", "col2im", "conv_forward", "conv_grad_input", "conv_grad_weight", "conv_grad_bias",
    "max_pool2d", "max_pool2d_backward", "avg_pool2d", "avg_pool2d_backward",
    "batch_norm_statistics", "batch_norm_apply", "batch_norm_backward",
    "softmax", "softmax_backward", "log_softmax", "log_softmax_backward",
    "cross_entropy", "cross_entropy_backward",
    "relu", "relu_backward", "tanh", "tanh_backward", "sigmoid_backward", "sgd_step", "adam_step",
    "box_iou", "nms", "soft_nms", "matrix_nms", "roi_average", "roi_average_backward", "roi_pool", "roi_pool_backward",
]
