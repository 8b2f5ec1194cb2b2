"""Helpers for the parameters and gradients of a network."""

from scratchnet.nn.utils import rnn
from scratchnet.nn.utils.clip_grad import clip_grad_norm_, clip_grad_value_, get_total_norm
from scratchnet.nn.utils.vector import parameters_to_vector, vector_to_parameters
