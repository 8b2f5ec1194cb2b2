"""Mistakes of normalisation layers that no option of theirs gives."""

import scratchnet
from scratchnet.nn import functional as F
from tests.interop.causes.planted_backward import wrong_gradients
from tests.interop.causes.planting import MAPS, ROWS, Planted


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


def running(weight=0.1, ddof=1, mean=True, var=True):
    """The right output, and running statistics of one's own."""

    def forward(self, x):
        y = F.batch_norm(x, None, None, self.weight, self.bias, True)
        self.num_batches_tracked += 1
        with scratchnet.no_grad():
            if mean:
                self.running_mean.mul_(0.9).add_(0.1 * x.mean((0, 2, 3)))
            if var:
                self.running_var.mul_(1 - weight).add_(weight * x.var((0, 2, 3), correction=ddof))
        return y

    return forward


def running_in_training(self, x):
    return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, False)


def centred(x):
    return (x - x.mean(-1, keepdims=True)) / (x.var(-1, keepdims=True) + 1e-5) ** 0.5


def constants(mean_of_g):
    def gradients(g, x, w, b):
        gx = (g * w - mean_of_g(g * w)) / (x.var(-1, keepdims=True) + 1e-5) ** 0.5
        return gx, (g * centred(x)).sum(0), g.sum(0)

    return wrong_gradients(lambda x, w, b: centred(x) * w + b, gradients)


UNBIASED = "the variance is the unbiased one, divided by n − 1; torch normalises with the biased one"
BIASED = "running_var takes the biased variance, torch's the unbiased one"
BATCH = ("BatchNorm2d", (4,), MAPS)
LAYER = ("LayerNorm", (6,), ROWS)
NEAR = ("LayerNorm", (6,), 0.01 * ROWS)  # eps is seen beside a small variance

PLANTED = [
    Planted("normalisation.variance", UNBIASED, *LAYER, forward=normalise(-1, ddof=1)),
    Planted("normalisation.variance", UNBIASED, *BATCH, forward=normalise((0, 2, 3), ddof=1)),
    Planted(
        "normalisation.variance", "eps is added to the standard deviation, torch adds it to the variance", *NEAR,
        forward=normalise(-1, form="outside"),
    ),
    Planted(
        "normalisation.variance", "the variance is unbiased, and eps is added to the standard deviation", *NEAR,
        forward=normalise(-1, 1, "outside"),
    ),
    Planted(
        "normalisation.variance", "it divides by the variance, not by its root", *LAYER,
        forward=normalise(-1, form="variance"),
    ),
    Planted(
        "normalisation.variance", "the mean is not subtracted", *LAYER, forward=normalise(-1, form="raw"),
    ),
    Planted(
        "normalisation.axes", "mean and variance are taken over axes 0, torch takes them over 1", *LAYER,
        forward=normalise(0),
    ),
    Planted(
        "normalisation.axes", "mean and variance are taken over axes 0, 2, torch takes them over 0, 2, 3", *BATCH,
        forward=normalise((0, 2)),
    ),
    Planted(
        "normalisation.statistics", "the running statistics are used in training, torch uses those of the batch",
        *BATCH, forward=running_in_training,
    ),
    Planted(
        "normalisation.statistics", "the statistics of the batch are used in evaluation, torch uses the running ones",
        *BATCH, forward=normalise((0, 2, 3)), train=False,
    ),
    Planted("normalisation.running", BIASED, *BATCH, forward=running(ddof=0), what="running_var"),
    Planted(
        "normalisation.running", f"{BIASED}, and momentum 0.1 weighs the old value", *BATCH,
        forward=running(0.9, ddof=0), what="running_var",
    ),
    Planted(
        "normalisation.running", "running_mean is not updated", *BATCH, forward=running(mean=False),
        what="running_mean",
    ),
    Planted(
        "normalisation.running", "running_var is not updated", *BATCH, forward=running(var=False), what="running_var"
    ),
    Planted(
        "normalisation.constants", "mean and variance are treated as constants in the backward pass", *LAYER,
        forward=constants(lambda g: 0), what="gradient of input",
    ),
    Planted(
        "normalisation.constants", "the variance is treated as a constant in the backward pass", *LAYER,
        forward=constants(lambda g: g.mean(-1, keepdims=True)), what="gradient of input",
    ),
]  # fmt: skip
