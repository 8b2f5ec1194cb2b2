"""Each known mistake, planted in a layer of one's own beside torch's, is named; and nothing else is."""

from itertools import pairwise

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet import interop, nn
from scratchnet.autograd import Function
from scratchnet.nn import functional as F

RNG = np.random.default_rng(0)
ROWS, MAPS = RNG.standard_normal((4, 6)), RNG.standard_normal((3, 4, 5, 5))
SEQUENCE = RNG.standard_normal((5, 2, 3))


def planted(kind, forward, *args, **options):
    """A class of ours like the layer `kind` but for its forward, and torch's layer, both made with these options.

    Weights and biases that would start as 1 and 0 are drawn, since nobody misses those.
    """
    ours = type(f"My{kind}", (getattr(nn, kind),), {"forward": forward})(*args, **options)
    theirs = getattr(torch.nn, kind)(*args, **options).double()
    torch.manual_seed(0)
    for p in theirs.parameters():
        torch.nn.init.normal_(p)
    return ours, theirs


def causes(models, inputs, **options):
    return [cause.text for cause in interop.compare(*models, inputs, dtype="float64", **options).causes]


# ---- options ---------------------------------------------------------------------------------------------
OPTIONS = {
    "LayerNorm": [(dict(eps=1e-3), (6,), {}, ROWS, "eps is 0.001, torch's is 1e-05")],
    "GroupNorm": [
        (dict(eps=0.01), (2, 4), {}, MAPS, "eps is 0.01, torch's is 1e-05"),
        (dict(num_groups=4), (), dict(num_groups=2, num_channels=4), MAPS, "num_groups is 4, torch's is 2"),
    ],
    "RMSNorm": [(dict(eps=1e-3), (6,), {}, ROWS, "eps is 0.001, torch's is None")],
    "Conv2d": [
        (dict(padding=0), (4, 2, 3), dict(padding=1), MAPS, "padding is (0, 0), torch's is (1, 1)"),
        (dict(padding=2), (4, 2, 3), dict(padding=1), MAPS, "padding is (2, 2), torch's is (1, 1)"),
        (
            dict(padding_mode="reflect"), (4, 2, 3), dict(padding=1), MAPS,
            "padding_mode is 'reflect', torch's is 'zeros'",
        ),
        (dict(stride=1), (4, 2, 3), dict(stride=2), MAPS, "stride is (1, 1), torch's is (2, 2)"),
        (dict(dilation=1), (4, 2, 2), dict(dilation=2), MAPS, "dilation is (1, 1), torch's is (2, 2)"),
    ],
    "MaxPool2d": [(dict(ceil_mode=True), (2,), {}, MAPS, "ceil_mode is True, torch's is False")],
    "AvgPool2d": [
        (
            dict(count_include_pad=False), (3,), dict(padding=1), MAPS,
            "count_include_pad is False, torch's is True",
        ),
    ],
    "Upsample": [
        (
            dict(align_corners=True), (), dict(scale_factor=2, mode="bilinear"), MAPS,
            "align_corners is True, torch's is None",
        ),
        (dict(mode="nearest-exact"), (), dict(size=(3, 7)), MAPS, "mode is 'nearest-exact', torch's is 'nearest'"),
    ],
    "GELU": [(dict(approximate="tanh"), (), {}, ROWS, "GELU is computed by the tanh approximation, torch's by the erf")],
    "LeakyReLU": [(dict(negative_slope=0.2), (), {}, ROWS, "negative_slope is 0.2, torch's is 0.01")],
    "ELU": [(dict(alpha=0.5), (), {}, ROWS, "alpha is 0.5, torch's is 1")],
    "Softplus": [(dict(beta=2.0), (), {}, ROWS, "beta is 2, torch's is 1")],
    "Softmax": [(dict(dim=0), (), dict(dim=1), ROWS, "the axis is 0, torch's is 1")],
    "MSELoss": [(dict(reduction="sum"), (), {}, (ROWS, ROWS + 1), "reduction is 'sum', torch's is 'mean'")],
    "SmoothL1Loss": [(dict(beta=0.5), (), {}, (ROWS, ROWS * 2), "beta is 0.5, torch's is 1")],
    "CrossEntropyLoss": [
        (
            dict(label_smoothing=0.0), (), dict(label_smoothing=0.1), (ROWS, np.array([0, 3, 5, 1])),
            "label_smoothing is 0, torch's is 0.1",
        ),
    ],
    "BatchNorm2d": [
        (dict(momentum=0.9), (4,), {}, MAPS, "momentum 0.1 weighs the old running value, torch's weighs the new one"),
        (dict(momentum=0.01), (4,), {}, MAPS, "momentum is 0.01, torch's is 0.1"),
    ],
    "RNN": [(dict(nonlinearity="relu"), (3, 4), {}, SEQUENCE, "nonlinearity is 'relu', torch's is 'tanh'")],
    "LSTM": [(dict(batch_first=True), (3, 4), {}, SEQUENCE, "batch_first is True, torch's is False")],
    "MultiheadAttention": [(dict(num_heads=3), (), dict(embed_dim=6, num_heads=2), (ROWS,) * 3, "num_heads is 3, torch's is 2")],
}  # fmt: skip
CASES = [(kind, *case) for kind, cases in OPTIONS.items() for case in cases]


@pytest.mark.parametrize(
    ("kind", "wrong", "args", "options", "inputs", "expected"), CASES, ids=[f"{c[0]}-{next(iter(c[1]))}" for c in CASES]
)
def test_another_option(kind, wrong, args, options, inputs, expected):
    ours = getattr(nn, kind)(*args, **{**options, **wrong})
    theirs = getattr(torch.nn, kind)(*args, **options)
    assert causes((ours, theirs), inputs)[0] == expected


# ---- weights ---------------------------------------------------------------------------------------------
def affine(self, x, weight=None, bias=None):
    return x @ (self.weight.T if weight is None else weight) + (self.bias if bias is None else bias)


def convolved(change):
    def forward(self, x):
        return F.conv2d(x, change(self.weight), self.bias)

    return forward


def in_order(order):
    """A recurrent layer that takes its stacked gates to be in another order."""

    def forward(self, x):
        layer = type(self).__mro__[1](self.input_size, self.hidden_size).double()
        with scratchnet.no_grad():
            for name, p in layer.named_parameters():
                blocks = getattr(self, name).chunk(len(order), 0)
                p.copy_(scratchnet.cat([blocks[k] for k in order]))
        return layer(x)

    return forward


def keys_first(self, q, k, v):
    e = self.embed_dim
    rows = np.r_[e : 2 * e, :e, 2 * e : 3 * e]
    return F.multi_head_attention_forward(
        q, k, v, e, self.num_heads, self.in_proj_weight[rows], self.in_proj_bias[rows], None, None, False, 0.0,
        self.out_proj.weight, self.out_proj.bias,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "args", "forward", "inputs", "expected"),
    [
        ("Linear", (6, 6), lambda s, x: affine(s, x, s.weight), ROWS, "the weight is transposed"),
        ("Linear", (6, 3), lambda s, x: affine(s, x, bias=0), ROWS, "the bias is missing"),
        ("Linear", (6, 3), lambda s, x: affine(s, x) + s.bias, ROWS, "the bias is added twice"),
        ("Linear", (6, 3), lambda s, x: affine(s, x) - 2 * s.bias, ROWS, "the bias is subtracted"),
        (
            "Conv2d", (4, 2, 3), convolved(lambda w: w.flip((2, 3))), MAPS,
            "the kernel is flipped: a convolution in the mathematical sense, torch's is a cross-correlation",
        ),
        ("Conv2d", (4, 2, 3), convolved(lambda w: w.mT), MAPS, "the weight is transposed, axes 3 and 2"),
        ("Conv2d", (4, 4, 3), convolved(lambda w: w.transpose(0, 1)), MAPS, "the weight is transposed, axes 0 and 1"),
        ("LayerNorm", (6,), lambda s, x: F.layer_norm(x, (6,)) + s.bias, ROWS,
         "the weight is missing: nothing is scaled after the normalisation"),
        ("LayerNorm", (6,), lambda s, x: F.layer_norm(x, (6,)), ROWS, "weight and bias are missing"),
        ("LSTM", (3, 4), in_order((0, 2, 1, 3)), SEQUENCE,
         "the gates are taken in the order i, g, f, o; torch stacks them i, f, g, o"),
        ("LSTM", (3, 4), in_order((1, 3, 2, 0)), SEQUENCE,
         "the gates are taken in the order o, i, g, f; torch stacks them i, f, g, o"),
        ("GRU", (3, 4), in_order((1, 0, 2)), SEQUENCE,
         "the gates are taken in the order z, r, n; torch stacks them r, z, n"),
        ("MultiheadAttention", (6, 2), keys_first, (ROWS, ROWS[:3], ROWS[:3]),
         "the projections are taken in the order k, q, v; torch stacks them q, k, v"),
    ],
)  # fmt: skip
def test_other_weights(kind, args, forward, inputs, expected):
    assert causes(planted(kind, forward, *args), inputs)[0] == expected


# ---- normalisation -----------------------------------------------------------------------------------------
def normalise(axes, ddof=0, form="usual"):
    def forward(self, x):
        mean, var = x.mean(axes, keepdim=True), x.var(axes, correction=ddof, keepdim=True)
        if form == "outside":
            z = (x - mean) / (var.sqrt() + self.eps)
        elif form == "variance":
            z = (x - mean) / (var + self.eps)
        else:
            z = (x if form == "raw" else x - mean) / (var + self.eps).sqrt()
        maps = x.ndim == 4
        w, b = (p.reshape(-1, 1, 1) if maps else p for p in (self.weight, self.bias))
        if form == "usual" and maps:
            F.batch_norm(x, self.running_mean, self.running_var, training=self.training)
        return z * w + b

    return forward


def biased_running(self, x):
    y = F.batch_norm(x, None, None, self.weight, self.bias, True)
    self.num_batches_tracked += 1
    with scratchnet.no_grad():
        self.running_mean.mul_(0.9).add_(0.1 * x.mean((0, 2, 3)))
        self.running_var.mul_(0.9).add_(0.1 * x.var((0, 2, 3), correction=0))
    return y


def never_running(self, x):
    return F.batch_norm(x, None, None, self.weight, self.bias, True)


@pytest.mark.parametrize(
    ("kind", "args", "forward", "inputs", "expected"),
    [
        ("LayerNorm", (6,), normalise(-1, ddof=1), ROWS,
         "the variance is the unbiased one, divided by n − 1; torch normalises with the biased one"),
        ("BatchNorm2d", (4,), normalise((0, 2, 3), ddof=1), MAPS,
         "the variance is the unbiased one, divided by n − 1; torch normalises with the biased one"),
        ("LayerNorm", (6,), normalise(-1, form="outside"), 0.01 * ROWS,
         "eps is added to the standard deviation, torch adds it to the variance"),
        ("LayerNorm", (6,), normalise(-1, 1, "outside"), 0.01 * ROWS,
         "the variance is unbiased, and eps is added to the standard deviation"),
        ("LayerNorm", (6,), normalise(-1, form="variance"), ROWS, "it divides by the variance, not by its root"),
        ("LayerNorm", (6,), normalise(-1, form="raw"), ROWS, "the mean is not subtracted"),
        ("LayerNorm", (6,), normalise(0), ROWS,
         "mean and variance are taken over axes 0, torch takes them over 1"),
        ("BatchNorm2d", (4,), normalise((0, 2)), MAPS,
         "mean and variance are taken over axes 0, 2, torch takes them over 0, 2, 3"),
        ("BatchNorm2d", (4,), biased_running, MAPS, "running_var takes the biased variance, torch's the unbiased one"),
        ("BatchNorm2d", (4,), never_running, MAPS, "running_mean is not updated"),
        ("BatchNorm2d", (4,),
         lambda s, x: F.batch_norm(x, s.running_mean, s.running_var, s.weight, s.bias, False), MAPS,
         "the running statistics are used in training, torch uses those of the batch"),
    ],
)  # fmt: skip
def test_normalisation(kind, args, forward, inputs, expected):
    assert causes(planted(kind, forward, *args), inputs)[0] == expected


def test_statistics_of_the_batch_in_evaluation():
    models = planted("BatchNorm2d", normalise((0, 2, 3)), 4)
    found = causes(models, MAPS, train=False)
    assert found == ["the statistics of the batch are used in evaluation, torch uses the running ones"]


# ---- activations, dropout, sampling ------------------------------------------------------------------------
def adaptive(round_end):
    def forward(self, x):
        for axis in (2, 3):
            edges = np.arange(4) * 5 / 3
            parts = [
                x.narrow(axis, int(np.floor(a)), int(round_end(b) - np.floor(a))).mean(axis, keepdim=True)
                for a, b in pairwise(edges)
            ]
            x = scratchnet.cat(parts, axis)
        return x

    return forward


def from_corners(self, x):
    """Bilinear at i·s: twice the size is every other one of the neighbour's mean."""
    for axis in (2, 3):
        n = x.shape[axis]
        high = scratchnet.cat([x.narrow(axis, 1, n - 1), x.narrow(axis, n - 1, 1)], axis)
        x = scratchnet.stack([x, (x + high) / 2], axis + 1).flatten(axis, axis + 1)
    return x


@pytest.mark.parametrize(
    ("kind", "options", "forward", "inputs", "expected"),
    [
        ("ReLU", {}, lambda s, x: F.leaky_relu(x), ROWS, "it computes LeakyReLU, torch's ReLU"),
        ("Tanh", {}, lambda s, x: x.sigmoid(), ROWS, "it computes Sigmoid, torch's Tanh"),
        ("Softmax", {"dim": 1}, lambda s, x: x.log_softmax(1), ROWS, "it computes LogSoftmax, torch's Softmax"),
        ("ReLU", {}, lambda s, x: x * 1, ROWS, "there is no ReLU"),
        ("GELU", {}, lambda s, x: x * (1.702 * x).sigmoid(), ROWS,
         "GELU is computed by the sigmoid approximation, torch has it not"),
        ("Dropout", {}, lambda s, x: x * 1, ROWS, "nothing is dropped in training"),
        ("Dropout", {"p": 0.3}, lambda s, x: F.dropout(x, 0.3) * 0.7, ROWS, "what dropout keeps is not divided by 1 − p"),
        ("Dropout", {"p": 0.3}, lambda s, x: F.dropout(x, 0.3) * 0.49, ROWS,
         "what dropout keeps is multiplied by 1 − p, torch divides by it"),
        ("Dropout", {"p": 0.3}, lambda s, x: F.dropout(x.flip(0), 0.3).flip(0), ROWS,
         "dropout keeps other elements than torch's: it draws other random numbers"),
        ("MaxPool2d", {"kernel_size": 2}, lambda s, x: F.avg_pool2d(x, 2), MAPS, "it computes AvgPool2d, torch's MaxPool2d"),
        ("AdaptiveAvgPool2d", {"output_size": 3}, adaptive(np.floor), MAPS,
         "windows end at ⌊(i + 1)·L/n⌋, torch's at ⌈(i + 1)·L/n⌉"),
        ("Upsample", {"scale_factor": 2, "mode": "bilinear"}, from_corners, MAPS,
         "pixels are taken to lie at their corner: i·s, torch's at (i + ½)·s − ½"),
        ("CrossEntropyLoss", {}, lambda s, x, t: F.cross_entropy(x.softmax(1), t), (ROWS, np.array([0, 3, 5, 1])),
         "the softmax is applied twice: cross entropy takes logits"),
        ("CrossEntropyLoss", {}, lambda s, x, t: F.nll_loss(x, t), (ROWS, np.array([0, 3, 5, 1])),
         "the softmax is missing: the inputs are taken for logarithms of probabilities"),
    ],
)  # fmt: skip
def test_elementwise_and_sampling(kind, options, forward, inputs, expected):
    assert causes(planted(kind, forward, **options), inputs)[0] == expected


@pytest.mark.parametrize(("factor", "end"), [(1.0, "; torch's passes everything on"), (0.5, ", and what it keeps is not scaled")])
def test_dropout_in_evaluation(factor, end):
    models = planted("Dropout", lambda s, x: F.dropout(x, 0.5) * factor)
    assert causes(models, ROWS, train=False) == [f"dropout is active in evaluation{end}"]


# ---- recurrent nets ------------------------------------------------------------------------------------------
def gru(new_state, update=lambda z, n, h: (1 - z) * n + z * h):
    def forward(self, x, hx=None):
        h, steps = scratchnet.zeros(2, 4, dtype=x.dtype), []
        for t in range(len(x)):
            a, b = x[t] @ self.weight_ih_l0.T, h @ self.weight_hh_l0.T
            (ar, az, an), (br, bz, bn) = a.chunk(3, -1), b.chunk(3, -1)
            (cr, cz, cn), (dr, dz, dn) = self.bias_ih_l0.chunk(3), self.bias_hh_l0.chunk(3)
            r, z = (ar + br + cr + dr).sigmoid(), (az + bz + cz + dz).sigmoid()
            n = new_state(r, an, bn, cn, dn, r * h, self).tanh()
            h = update(z, n, h)
            steps.append(h)
        return scratchnet.stack(steps), h[None]

    return forward


def usual(r, a, b, c, d, rh, s):
    return a + c + r * (b + d)


@pytest.mark.parametrize(
    ("forward", "expected"),
    [
        (gru(lambda r, a, b, c, d, rh, s: a + c + d + r * b),
         "the bias of the new state stands outside of the reset gate, torch's b_hn inside"),
        (gru(lambda r, a, b, c, d, rh, s: a + d + r * (b + c)),
         "the two biases of the new state are exchanged: b_in is inside the reset gate, torch's b_hn"),
        (gru(lambda r, a, b, c, d, rh, s: a + r * (b + c + d)),
         "both biases of the new state are inside the reset gate, in torch only b_hn"),
        (gru(lambda r, a, b, c, d, rh, s: a + c + rh @ s.weight_hh_l0[8:].T + d),
         "the reset gate multiplies the state before the matrix, torch's the product"),
        (gru(usual, lambda z, n, h: z * n + (1 - z) * h),
         "the update gate is inverted: z weighs the new state, torch's the old one"),
    ],
)  # fmt: skip
def test_gru(forward, expected):
    assert expected in causes(planted("GRU", forward, 3, 4), SEQUENCE)


def test_initial_state():
    models = planted("GRU", gru(usual), 3, 4)
    assert causes(models, (SEQUENCE, RNG.standard_normal((1, 2, 4)))) == ["the initial state is not used"]


def lstm(forget=0.0, candidate=scratchnet.tanh, out=scratchnet.tanh, coupled=False):
    def forward(self, x):
        h = c = scratchnet.zeros(2, 4, dtype=x.dtype)
        steps = []
        for t in range(len(x)):
            gates = x[t] @ self.weight_ih_l0.T + h @ self.weight_hh_l0.T + self.bias_ih_l0 + self.bias_hh_l0
            i, f, g, o = gates.chunk(4, -1)
            f = (f + forget).sigmoid()
            c = f * c + (1 - f if coupled else i.sigmoid()) * candidate(g)
            h = o.sigmoid() * out(c)
            steps.append(h)
        return scratchnet.stack(steps), (h[None], c[None])

    return forward


@pytest.mark.parametrize(
    ("forward", "expected"),
    [
        (lstm(out=lambda c: c), "the cell's tanh is missing at the output"),
        (lstm(forget=1.0), "1 is added to the bias of the forget gate"),
        (lstm(candidate=scratchnet.sigmoid), "the candidate g goes through a sigmoid, torch's through tanh"),
        (lstm(coupled=True), "the input gate is 1 − f, torch's is a gate of its own"),
    ],
)
def test_lstm(forward, expected):
    assert causes(planted("LSTM", forward, 3, 4), SEQUENCE) == [expected]


@pytest.mark.parametrize(("kind", "biases"), [("LSTM", ["bias_ih_l0", "bias_hh_l0"]), ("GRU", ["bias_ih_l0"])])
def test_a_missing_bias_of_a_recurrent_layer(kind, biases):
    """Which of an LSTM's two is missing cannot be told from a layer that adds but one of them: both are drawn here."""

    def forward(self, x):
        parameters = {name: p * (name not in biases) for name, p in self.named_parameters()}
        return scratchnet.func.functional_call(getattr(nn, kind)(3, 4).double(), parameters, (x,))

    what = " and ".join(biases)
    assert causes(planted(kind, forward, 3, 4), SEQUENCE) == [f"{what} is missing"]


# ---- attention -----------------------------------------------------------------------------------------------
def attention(scale=3**-0.5, axis=-1, mask="usual", project=True):
    def forward(self, query, key, value, attn_mask=None):
        rows = zip((query, key, value), self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3))
        q, k, v = ((x @ w.T + b).reshape(4, 2, 3).transpose(0, 1) for x, w, b in rows)
        scores = q @ k.mT * scale
        if attn_mask is not None and mask in ("usual", "inverted"):
            scores = scores.masked_fill(~attn_mask if mask == "inverted" else attn_mask, -np.inf)
        weights = scores.softmax(axis)
        if mask == "after":
            weights = weights.masked_fill(attn_mask, 0)
        y = (weights @ v).transpose(0, 1).reshape(4, 6)
        return self.out_proj(y) if project else y, weights.mean(0)

    return forward


MASK = np.array([[0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 1], [0, 1, 1, 0]], bool)


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (dict(scale=1), "the scores are not divided by √d"),
        (dict(scale=1 / 3), "the scores are divided by d, torch's by √d"),
        (dict(scale=3**0.5), "the scores are multiplied by √d, torch's are divided"),
        (dict(scale=6**-0.5), "the scores are divided by the root of all features, torch's by that of one head's"),
        (dict(axis=-2), "the softmax runs over the queries, torch's over the keys"),
        (dict(mask="inverted"), "the mask is inverted: True lets through, in torch it hides"),
        (dict(mask="none"), "the mask is not used"),
        (dict(mask="after"), "keys are masked by 0 after the softmax, torch's by −∞ before"),
        (dict(project=False), "the last projection, out_proj, is missing"),
    ],
)
def test_attention(wrong, expected):
    inputs = {"query": ROWS, "key": ROWS[::-1].copy(), "value": ROWS}
    if "mask" in wrong:
        inputs["attn_mask"] = MASK
    assert causes(planted("MultiheadAttention", attention(**wrong), 6, 2), inputs) == [expected]


# ---- backward ------------------------------------------------------------------------------------------------
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


def linear_backward(change_x=lambda g: g, change_w=lambda g: g, bias=lambda g: g.sum(0)):
    return wrong_gradients(
        lambda x, w, b: x @ w.T + b, lambda g, x, w, b: (change_x(g @ w), change_w(g.T @ x), bias(g))
    )


def embedding_backward(g, x, w):
    gradient = np.zeros_like(w)
    gradient[x] = g
    return np.zeros(x.shape), gradient


def centred(x):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)


def norm_backward(mean_of_g):
    def gradients(g, x, w, b):
        gx = (g * w - mean_of_g(g * w)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return gx, (g * centred(x)).sum(0), g.sum(0)

    return wrong_gradients(lambda x, w, b: centred(x) * w + b, gradients)


def softmax(x):
    e = np.exp(x)
    return e / e.sum(-1, keepdims=True)


@pytest.mark.parametrize(
    ("kind", "args", "forward", "expected"),
    [
        ("Linear", (6, 3), linear_backward(change_w=lambda g: g / 4),
         "gradient of weight is off by a constant factor of 1/4; 4 is the number of samples"),
        ("Linear", (6, 3), linear_backward(change_x=lambda g: g * 2), "gradient of input is off by a constant factor of 2"),
        ("Linear", (6, 3), linear_backward(change_w=lambda g: -g),
         "gradient of weight is off by a constant factor of -1; its sign is wrong"),
        ("Linear", (6, 3), linear_backward(change_x=lambda g: 0 * g), "gradient of input is zero"),
        ("Linear", (6, 6), linear_backward(change_w=lambda g: g.T), "gradient of weight is transposed"),
        ("Linear", (6, 3), linear_backward(bias=lambda g: g[0]),
         "gradient of bias is not summed over axis 0 of the output, over which the parameter was broadcast"),
        ("LayerNorm", (6,), norm_backward(lambda g: 0),
         "mean and variance are treated as constants in the backward pass"),
        ("LayerNorm", (6,), norm_backward(lambda g: g.mean(-1, keepdims=True)),
         "the variance is treated as a constant in the backward pass"),
        ("ReLU", (), wrong_gradients(lambda x: np.maximum(x, 0), lambda g, x: (g,)), "the gradient is passed on unchanged"),
        ("Softmax", (1,), wrong_gradients(softmax, lambda g, x: (g * softmax(x) * (1 - softmax(x)),)),
         "of the softmax's Jacobian only the diagonal is used: every output depends on all inputs"),
    ],
)  # fmt: skip
def test_backward(kind, args, forward, expected):
    assert causes(planted(kind, forward, *args), ROWS)[0] == expected


def test_gradients_of_repeated_tokens():
    def forward(self, x):
        return Layer(lambda w: w[x.array], lambda g, w: embedding_backward(g, x.array, w)[1:])(self.weight)

    found = causes(planted("Embedding", forward, 5, 3), np.array([[1, 2, 1], [4, 4, 0]]))
    assert found == ["gradients of tokens that occur several times are not added up"]


def test_a_bias_of_channels_that_is_summed_over_the_batch_alone():
    def forward(self, x):
        return F.conv2d(x, self.weight) + Layer(
            lambda b: np.zeros((3, 2, 3, 3)) + b.reshape(-1, 1, 1), lambda g, b: (g.sum(0)[:, 0, 0],)
        )(self.bias)

    found = causes(planted("Conv2d", forward, 4, 2, 3), MAPS)
    assert found[0].startswith("gradient of bias is not summed over axis 2, 3 of the output")


# ---- none where there is none --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kind", "args", "inputs"),
    [
        ("Linear", (6, 3), ROWS), ("Conv2d", (4, 2, 3), MAPS), ("BatchNorm2d", (4,), MAPS), ("LayerNorm", (6,), ROWS),
        ("GELU", (), ROWS), ("Softmax", (1,), ROWS), ("AvgPool2d", (2,), MAPS), ("LSTM", (3, 4), SEQUENCE),
        ("GRU", (3, 4), SEQUENCE), ("MultiheadAttention", (6, 2), (ROWS,) * 3), ("Dropout", (), ROWS),
    ],
)  # fmt: skip
def test_noise_is_not_explained(kind, args, inputs):
    def noisy(self, *xs):
        y = getattr(nn, kind).forward(self, *xs)
        first = y[0] if isinstance(y, tuple) else y
        first = first * (1 + 1e-4 * scratchnet.tensor(np.sin(np.arange(first.numel())).reshape(first.shape)))
        return (first, *y[1:]) if isinstance(y, tuple) else first

    models = planted(kind, noisy, *args)
    comparison = interop.compare(*models, inputs, dtype="float64")
    assert comparison.first_difference.kind == "output" and comparison.causes == []
