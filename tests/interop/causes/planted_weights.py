"""The same layer with other weights: transposed, flipped, permuted, forgotten."""

import numpy as np

import scratchnet
from scratchnet import nn
from scratchnet.func import functional_call
from scratchnet.nn import functional as F
from tests.interop.causes.planting import MAPS, ROWS, SEQUENCE, Planted


def affine(self, x, weight=None, bias=None):
    return x @ (self.weight.T if weight is None else weight) + (self.bias if bias is None else bias)


def convolved(change):
    return lambda self, x: F.conv2d(x, change(self.weight), self.bias)


def changed(kind, change):
    """The layer with other parameters: `change` gets the name and the parameter."""

    def forward(self, *inputs):
        parameters = {name: change(name, p) for name, p in self.named_parameters()}
        right = getattr(nn, kind)(*SIZES[kind])
        return functional_call(right.double(), parameters, inputs)

    return forward


SIZES = {"LSTM": (3, 4), "GRU": (3, 4), "RNN": (3, 4), "MultiheadAttention": (6, 2)}


def in_order(kind, order):
    """A layer that takes the stacked parts of its weights to be in another order."""
    return changed(kind, lambda name, p: scratchnet.cat([p.chunk(len(order), 0)[k] for k in order]))


def without(kind, biases):
    return changed(kind, lambda name, p: p * (name not in biases))


def transposed_blocks(kind, wanted):
    def change(name, p):
        n = p.shape[-1]
        return p if name != wanted else scratchnet.cat([block.T for block in p.split(n)])

    return changed(kind, change)


def keys_first(self, q, k, v):
    e = self.embed_dim
    rows = np.r_[e : 2 * e, :e, 2 * e : 3 * e]
    return F.multi_head_attention_forward(
        q, k, v, e, self.num_heads, self.in_proj_weight[rows], self.in_proj_bias[rows], None, None, False, 0.0,
        self.out_proj.weight, self.out_proj.bias,
    )  # fmt: skip


FLIPPED = "the kernel is flipped: a convolution in the mathematical sense, torch's is a cross-correlation"
ROWS_OF_THREE = (ROWS, ROWS[:3], ROWS[:3])

PLANTED = [
    Planted(
        "weights.transposed", "the weight is transposed", "Linear", (6, 6), ROWS,
        forward=lambda s, x: affine(s, x, s.weight),
    ),
    *(
        Planted(
            "weights.transposed_blocks", f"{name} is transposed", kind, SIZES[kind], inputs,
            forward=transposed_blocks(kind, name), what="output[0]",
        )
        for kind, name, inputs in [
            ("RNN", "weight_hh_l0", SEQUENCE),
            ("LSTM", "weight_hh_l0", SEQUENCE),
            ("MultiheadAttention", "in_proj_weight", ROWS_OF_THREE),
            ("MultiheadAttention", "out_proj.weight", ROWS_OF_THREE),
        ]
    ),
    Planted("weights.bias", "the bias is missing", "Linear", (6, 3), ROWS, forward=lambda s, x: affine(s, x, bias=0)),
    Planted(
        "weights.bias", "the bias is added twice", "Linear", (6, 3), ROWS, forward=lambda s, x: affine(s, x) + s.bias
    ),
    Planted(
        "weights.bias", "the bias is subtracted", "Linear", (6, 3), ROWS,
        forward=lambda s, x: affine(s, x) - 2 * s.bias,
    ),
    # which of an LSTM's two is missing cannot be told from a layer that adds but one of them: both are drawn here
    Planted(
        "weights.bias", "bias_ih_l0 and bias_hh_l0 is missing", "LSTM", (3, 4), SEQUENCE, what="output[0]",
        forward=without("LSTM", ["bias_ih_l0", "bias_hh_l0"]),
    ),
    Planted(
        "weights.bias", "bias_ih_l0 is missing", "GRU", (3, 4), SEQUENCE, what="output[0]",
        forward=without("GRU", ["bias_ih_l0"]),
    ),
    Planted("weights.kernel", FLIPPED, "Conv2d", (4, 2, 3), MAPS, forward=convolved(lambda w: w.flip((2, 3)))),
    Planted(
        "weights.kernel", "the weight is transposed, axes 3 and 2", "Conv2d", (4, 2, 3), MAPS,
        forward=convolved(lambda w: w.mT),
    ),
    Planted(
        "weights.kernel", "the weight is transposed, axes 0 and 1", "Conv2d", (4, 4, 3), MAPS,
        forward=convolved(lambda w: w.transpose(0, 1)),
    ),
    Planted(
        "weights.scale", "the weight is missing: nothing is scaled after the normalisation", "LayerNorm", (6,), ROWS,
        forward=lambda s, x: F.layer_norm(x, (6,)) + s.bias,
    ),
    Planted(
        "weights.scale", "weight and bias are missing", "LayerNorm", (6,), ROWS,
        forward=lambda s, x: F.layer_norm(x, (6,)),
    ),
    Planted(
        "weights.gates", "the gates are taken in the order i, g, f, o; torch stacks them i, f, g, o", "LSTM", (3, 4),
        SEQUENCE, forward=in_order("LSTM", (0, 2, 1, 3)), what="output[0]",
    ),
    Planted(
        "weights.gates", "the gates are taken in the order o, i, g, f; torch stacks them i, f, g, o", "LSTM", (3, 4),
        SEQUENCE, forward=in_order("LSTM", (1, 3, 2, 0)), what="output[0]",
    ),
    Planted(
        "weights.gates", "the gates are taken in the order z, r, n; torch stacks them r, z, n", "GRU", (3, 4),
        SEQUENCE, forward=in_order("GRU", (1, 0, 2)), what="output[0]",
    ),
    Planted(
        "weights.projections", "the projections are taken in the order k, q, v; torch stacks them q, k, v",
        "MultiheadAttention", (6, 2), ROWS_OF_THREE, forward=keys_first, what="output[0]",
    ),
]  # fmt: skip
