"""Mistakes of the backward pass, where all outputs agree."""

import numpy as np

import scratchnet
from scratchnet.autograd import Function
from scratchnet.nn import functional as F
from tests.interop.causes.planting import MAPS, ROWS, Planted


class Layer(Function):
    """y = f(x, …) with whatever gradients it is given."""

    def __init__(self, f, gradients):
        self.f, self.gradients = f, gradients

    def forward(self, *arrays):
        self.saved = arrays
        return self.f(*arrays)

    def backward(self, g):
        return tuple(scratchnet.tensor(a) for a in self.gradients(g.array, *self.saved))


def wrong_gradients(f, gradients):
    def forward(self, x):
        return Layer(f, gradients)(x, *self.parameters())

    return forward


def linear(change_x=lambda g: g, change_w=lambda g: g, bias=lambda g: g.sum(0)):
    return wrong_gradients(
        lambda x, w, b: x @ w.T + b, lambda g, x, w, b: (change_x(g @ w), change_w(g.T @ x), bias(g))
    )


def embedding(scatter):
    def forward(self, x):
        def gradients(g, w):
            gradient = np.zeros_like(w)
            scatter(gradient, x.array, g)
            return (gradient,)

        return Layer(lambda w: w[x.array], gradients)(self.weight)

    return forward


def replace(gradient, x, g):
    gradient[x] = g


def summed_over_the_batch_alone(self, x):
    def spread(b):
        return np.zeros((3, 2, 3, 3)) + b.reshape(-1, 1, 1)

    return F.conv2d(x, self.weight) + Layer(spread, lambda g, b: (g.sum(0)[:, 0, 0],))(self.bias)


def softmax(x):
    e = np.exp(x)
    return e / e.sum(-1, keepdims=True)


SQUARE, WIDE = ("Linear", (6, 6), ROWS), ("Linear", (6, 3), ROWS)
INPUT, WEIGHT, BIAS = "gradient of input", "gradient of weight", "gradient of bias"

PLANTED = [
    Planted(
        "backward.nothing", "gradient of input is zero", *WIDE, forward=linear(change_x=lambda g: 0 * g), what=INPUT
    ),
    Planted(
        "backward.factor", "gradient of weight is off by a constant factor of 1/4; 4 is the number of samples", *WIDE,
        forward=linear(change_w=lambda g: g / 4), what=WEIGHT,
    ),
    Planted(
        "backward.factor", "gradient of input is off by a constant factor of 2", *WIDE,
        forward=linear(change_x=lambda g: g * 2), what=INPUT,
    ),
    Planted(
        "backward.factor", "gradient of weight is off by a constant factor of -1; its sign is wrong", *WIDE,
        forward=linear(change_w=lambda g: -g), what=WEIGHT,
    ),
    Planted(
        "backward.transposed", "gradient of weight is transposed", *SQUARE, forward=linear(change_w=lambda g: g.T),
        what=WEIGHT,
    ),
    Planted(
        "backward.broadcast",
        "gradient of bias is not summed over axis 0 of the output, over which the parameter was broadcast", *WIDE,
        forward=linear(bias=lambda g: g[0]), what=BIAS,
    ),
    Planted(
        "backward.broadcast",
        "gradient of bias is not summed over axis 2, 3 of the output, over which the parameter was broadcast", "Conv2d",
        (4, 2, 3), MAPS, forward=summed_over_the_batch_alone, what=BIAS,
    ),
    Planted(
        "backward.passed_on", "the gradient is passed on unchanged", "ReLU", (), ROWS, what=INPUT,
        forward=wrong_gradients(lambda x: np.maximum(x, 0), lambda g, x: (g,)),
    ),
    Planted(
        "backward.diagonal",
        "of the softmax's Jacobian only the diagonal is used: every output depends on all inputs", "Softmax", (1,),
        ROWS, forward=wrong_gradients(softmax, lambda g, x: (g * softmax(x) * (1 - softmax(x)),)), what=INPUT,
    ),
    Planted(
        "backward.repeated", "gradients of tokens that occur several times are not added up", "Embedding", (5, 3),
        np.array([[1, 2, 1], [4, 4, 0]]), forward=embedding(replace), what=WEIGHT,
    ),
    Planted(
        "backward.padding", "the row of padding_idx gets a gradient, torch's stays 0", "Embedding", (5, 3),
        np.array([[1, 2, 1], [4, 4, 0]]), {"padding_idx": 4}, forward=embedding(np.add.at), what=WEIGHT,
    ),
]  # fmt: skip
