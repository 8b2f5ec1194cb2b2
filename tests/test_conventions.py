"""The kinks, ties and conventions that docs/conventions.md lists: the numbers it states, here and in torch."""

import ast
import re
from math import inf, nan
from pathlib import Path

import numpy as np
import pytest
import torch

import scratchnet

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "conventions.md"
LIBRARIES = (scratchnet, torch)

# name: an expression of x, the numbers x, the result, and the gradient of its sum (None: it has none)
CASES = {
    # kinks
    "relu": ("F.relu(x)", [0.0], [0.0], [0.0]),
    "leaky_relu": ("F.leaky_relu(x, 0.1)", [0.0], [0.0], [0.1]),
    "elu": ("F.elu(x, 2.0)", [0.0], [0.0], [2.0]),
    "relu6": ("F.relu6(x)", [0.0, 6.0], [0.0, 6.0], [0.0, 0.0]),
    "hardtanh": ("F.hardtanh(x)", [-1.0, 1.0], [-1.0, 1.0], [0.0, 0.0]),
    "hardsigmoid": ("F.hardsigmoid(x)", [-3.0, 3.0], [0.0, 1.0], [0.0, 0.0]),
    "hardswish": ("F.hardswish(x)", [-3.0, 3.0], [0.0, 3.0], [0.0, 1.0]),
    "hardshrink": ("F.hardshrink(x, 0.5)", [-0.5, 0.5], [0.0, 0.0], [0.0, 0.0]),
    "softshrink": ("F.softshrink(x, 0.5)", [-0.5, 0.5], [0.0, 0.0], [0.0, 0.0]),
    "threshold": ("F.threshold(x, 1.0, 7.0)", [1.0], [7.0], [0.0]),
    "abs": ("x.abs()", [0.0], [0.0], [0.0]),
    "sqrt": ("x.sqrt()", [0.0], [0.0], [inf]),
    "clamp": ("x.clamp(-1, 1)", [-1.0, 1.0], [-1.0, 1.0], [1.0, 1.0]),
    "norm": ("lib.linalg.vector_norm(x)", [0.0, 0.0], 0.0, [0.0, 0.0]),
    "prod": ("x.prod()", [0.0, 3.0], 0.0, [3.0, 0.0]),
    "std": ("x.std()", [2.0, 2.0], 0.0, [0.0, 0.0]),
    "l1_loss": ("F.l1_loss(x, lib.zeros_like(x))", [0.0], 0.0, [0.0]),
    "smooth_l1": ("F.smooth_l1_loss(x, 0 * x, beta=0.5, reduction='sum')", [0.5, -0.5], 0.5, [1.0, -1.0]),
    "huber": ("F.huber_loss(x, 0 * x, delta=0.5, reduction='sum')", [0.5, -0.5], 0.25, [0.5, -0.5]),
    "hinge": ("F.hinge_embedding_loss(x, -lib.ones_like(x))", [1.0], 0.0, [-1.0]),
    # ties
    "maximum": ("lib.maximum(x, lib.zeros_like(x))", [0.0], [0.0], [0.5]),
    "minimum": ("lib.minimum(x, lib.zeros_like(x))", [0.0], [0.0], [0.5]),
    "max": ("x.max()", [2.0, 1.0, 2.0], 2.0, [0.5, 0.0, 0.5]),
    "amax": ("x.amax(0)", [2.0, 1.0, 2.0], 2.0, [0.5, 0.0, 0.5]),
    "max of a dimension": ("x.max(0).values", [2.0, 1.0, 2.0], 2.0, [1.0, 0.0, 0.0]),
    "argmax": ("x.argmax()", [1.0, 2.0, 2.0], 1, None),
    "median": ("x.median()", [1.0, 4.0, 2.0, 3.0], 2.0, [0.0, 0.0, 1.0, 0.0]),
    "largest norm": ("lib.linalg.vector_norm(x, inf)", [2.0, -2.0], 2.0, [0.5, -0.5]),
    "stable sort": ("x.sort(stable=True).indices", [1.0, 0.0, 1.0, 0.0], [1, 3, 0, 2], None),
    "max pooling": ("F.max_pool1d(x[None], 2)[0]", [3.0, 3.0], [3.0], [1.0, 0.0]),
    "adaptive max pooling": ("F.adaptive_max_pool1d(x[None], 1)[0]", [3.0, 3.0], [3.0], [1.0, 0.0]),
    # NaN
    "max of nan": ("x.max()", [2.0, nan, 5.0], nan, [0.0, 1.0, 0.0]),
    "argmax of nan": ("x.argmax()", [2.0, nan, nan], 1, None),
    "sort of nan": ("x.sort().values", [nan, 2.0, inf], [2.0, inf, nan], [1.0, 1.0, 1.0]),
    "topk of nan": ("x.topk(2).values", [1.0, nan, 3.0], [nan, 3.0], [0.0, 1.0, 1.0]),
    "max pooling of nan": ("F.max_pool1d(x[None], 3)[0]", [nan, nan, 3.0], [nan], [0.0, 1.0, 0.0]),
    "relu of nan": ("F.relu(x)", [nan], [nan], [1.0]),
    "clamp of nan": ("x.clamp(-1, 1)", [nan], [nan], [0.0]),
    # rounding and division
    "round": ("x.round()", [0.5, 1.5, -2.5], [0.0, 2.0, -2.0], [0.0, 0.0, 0.0]),
    "remainder": ("x % 3", [-1.0], [2.0], [1.0]),
    "fmod": ("lib.fmod(x, 3)", [-1.0], [-1.0], [1.0]),
    # variance, and where eps stands
    "var": ("x.var()", [1.0, 3.0], 2.0, [-2.0, 2.0]),
    "var of one": ("x.var()", [1.0], nan, [nan]),
    "batch norm": ("F.batch_norm(x[:, None], None, None, training=True, eps=3.0)[:, 0]",
        [1.0, 3.0], [-0.5, 0.5], [0.0, 0.0]),
    "layer norm": ("F.layer_norm(x, (2,), eps=3.0)", [1.0, 3.0], [-0.5, 0.5], [0.0, 0.0]),
    "group norm": ("F.group_norm(x[None], 1, eps=3.0)[0]", [1.0, 3.0], [-0.5, 0.5], [0.0, 0.0]),
    "rms norm": ("F.rms_norm(x, (2,), eps=3.0)", [1.0, 1.0], [0.5, 0.5], [0.375, 0.375]),
    "local response norm": ("F.local_response_norm(x[None, :, None], 3, 3.0, 1.0).flatten()",
        [1.0, 0.0], [0.5, 0.0], [0.0, 0.5]),
    "normalize": ("F.normalize(x, dim=0, eps=2.0)", [0.6, 0.8], [0.3, 0.4], [0.5, 0.5]),
    "cosine": ("F.cosine_similarity(x[None], lib.ones_like(x)[None], eps=2.0)", [0.6, 0.8], [0.35], [0.145, 0.11]),
    "distance": ("F.pairwise_distance(x[None], x[None].detach(), eps=0.5)", [0.6, 0.8], [0.5**0.5], [0.5**0.5] * 2),
    # pooling and interpolation
    "average of padding": ("F.avg_pool1d(x[None], 2, padding=1)[0]", [1.0, 3.0], [0.5, 1.5], [0.5, 0.5]),
    "average without padding": ("F.avg_pool1d(x[None], 2, None, 1, False, False)[0]",
        [1.0, 3.0], [1.0, 3.0], [1.0, 1.0]),
    "average over the edge": ("F.avg_pool1d(x[None], 2, ceil_mode=True)[0]",
        [1.0, 3.0, 5.0], [2.0, 5.0], [0.5, 0.5, 1.0]),
    "adaptive windows": ("F.adaptive_avg_pool1d(x[None], 2)[0]", [1.0, 2.0, 6.0], [1.5, 4.0], [0.5, 1.0, 0.5]),
    "nearest": ("F.interpolate(x[None, None], 2)[0, 0]", [1.0, 2.0, 3.0], [1.0, 2.0], [1.0, 1.0, 0.0]),
    "nearest-exact": ("F.interpolate(x[None, None], 2, mode='nearest-exact')[0, 0]",
        [1.0, 2.0, 3.0, 4.0], [2.0, 4.0], [0.0, 1.0, 0.0, 1.0]),
    "linear": ("F.interpolate(x[None, None], 4, mode='linear')[0, 0]", [0.0, 4.0], [0.0, 1.0, 3.0, 4.0], [2.0, 2.0]),
    "aligned corners": ("F.interpolate(x[None, None], 4, mode='linear', align_corners=True)[0, 0]",
        [0.0, 3.0], [0.0, 1.0, 2.0, 3.0], [2.0, 2.0]),
    # padding
    "correlation": ("F.conv1d(x[None], kernel)[0]", [1.0, 2.0, 3.0], [21.0, 32.0], [1.0, 11.0, 10.0]),
    "same": ("F.conv1d(x[None], kernel, padding='same')[0]", [1.0, 2.0, 3.0], [21.0, 32.0, 3.0], [1.0, 11.0, 11.0]),
    "reflect": ("F.pad(x[None], (2, 1), mode='reflect')[0]",
        [1.0, 2.0, 3.0], [3.0, 2.0, 1.0, 2.0, 3.0, 2.0], [1.0, 3.0, 2.0]),
    "replicate": ("F.pad(x[None], (2, 1), mode='replicate')[0]",
        [1.0, 2.0, 3.0], [1.0, 1.0, 1.0, 2.0, 3.0, 3.0], [3.0, 1.0, 2.0]),
    "circular": ("F.pad(x[None], (2, 1), mode='circular')[0]",
        [1.0, 2.0, 3.0], [2.0, 3.0, 1.0, 2.0, 3.0, 1.0], [2.0, 2.0, 2.0]),
    "last dimension first": ("F.pad(x.reshape(2, 1), (1, 0)).flatten()", [1.0, 2.0], [0.0, 1.0, 0.0, 2.0], [1.0, 1.0]),
    # nothing, and what counts for nothing
    "empty sum": ("x.sum()", [], 0.0, []),
    "empty product": ("x.prod()", [], 1.0, []),
    "empty mean": ("x.mean()", [], nan, []),
    "empty loss": ("F.mse_loss(x, x.detach())", [], nan, []),
    "all ignored": ("F.cross_entropy(x[None], lib.tensor([-100]))", [1.0, 2.0], nan, [0.0, 0.0]),
    "all ignored, summed": ("F.cross_entropy(x[None], lib.tensor([-100]), reduction='sum')",
        [1.0, 2.0], 0.0, [0.0, 0.0]),
    "softmax of nothing": ("F.softmax(x, 0)", [-inf, -inf], [nan, nan], [nan, nan]),
    # losses
    "weighted mean": ("F.nll_loss(x.reshape(2, 2), lib.tensor([0, 1]), weight)",
        [-1.0, 0.0, 0.0, -5.0], 4.0, [-0.25, 0.0, 0.0, -0.75]),
    "smoothing": ("F.cross_entropy(x[None], lib.tensor([0]), label_smoothing=0.5)",
        [0.0, 0.0], np.log(2), [-0.25, 0.25]),
    "log of 0": ("F.binary_cross_entropy(x.detach(), lib.ones_like(x))", [0.0], 100.0, None),
    "divergence at 0": ("F.kl_div(x, lib.zeros_like(x), reduction='sum')", [-5.0], 0.0, [0.0]),
    "rrelu in evaluation": ("F.rrelu(x, 0.1, 0.3)", [-1.0, 1.0], [-0.2, 1.0], [0.2, 1.0]),
    # dtypes
    "integers divided": ("lib.tensor(1) / lib.tensor(2)", [], 0.5, None),
}  # fmt: skip


def outcome(lib, expression, numbers):
    x = lib.tensor(numbers, dtype=lib.float64).requires_grad_()
    kernel, weight = (lib.tensor(v, dtype=lib.float64) for v in ([[[1.0, 10.0]]], [1.0, 3.0]))
    y = eval(expression, {"lib": lib, "F": lib.nn.functional, "x": x, "kernel": kernel, "weight": weight, "inf": inf})
    if y.requires_grad:
        y.sum().backward()
    return y.tolist(), x.grad.tolist() if y.requires_grad else None


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore")
def test_case(name):
    expression, numbers, result, gradient = CASES[name]
    for lib in LIBRARIES:
        y, g = outcome(lib, expression, numbers)
        np.testing.assert_allclose(y, result, 1e-6, 1e-12)
        assert (g is None) == (gradient is None)
        if g is not None:
            np.testing.assert_allclose(g, gradient, 1e-6, 1e-12)


# name: the optimizer and its options, where the weight starts, the gradients of the steps, the weight after each
STEPS = {
    "momentum": ("SGD", dict(lr=1.0, momentum=0.5), 0.0, [1.0, 1.0], [-1.0, -2.5]),
    "dampening": ("SGD", dict(lr=1.0, momentum=0.5, dampening=1.0), 0.0, [1.0, 1.0], [-1.0, -1.5]),
    "nesterov": ("SGD", dict(lr=1.0, momentum=0.5, nesterov=True), 0.0, [1.0, 1.0], [-1.5, -3.25]),
    "rate within momentum": ("SGD", dict(lr=0.5, momentum=0.5), 0.0, [1.0, 1.0], [-0.5, -1.25]),
    "decay of SGD": ("SGD", dict(lr=0.5, weight_decay=0.5), 1.0, [0.0], [0.75]),
    "decay of Adam": ("Adam", dict(lr=0.5, weight_decay=0.5), 1.0, [0.0], [0.5]),
    "decay of AdamW": ("AdamW", dict(lr=0.5, weight_decay=0.5), 1.0, [0.0], [0.75]),
    "eps of Adam": ("Adam", dict(lr=1.0, eps=1.0), 0.0, [1.0], [-0.5]),
    "eps of RMSprop": ("RMSprop", dict(lr=1.0, alpha=0.75, eps=0.5), 0.0, [1.0], [-1.0]),
    "eps of Adagrad": ("Adagrad", dict(lr=1.0, eps=1.0), 0.0, [1.0], [-0.5]),
    "eps of Adadelta": ("Adadelta", dict(lr=1.0, rho=0.0, eps=1.0), 0.0, [1.0], [-(0.5**0.5)]),
    "eps of Adamax": ("Adamax", dict(lr=1.0, eps=1.0), 0.0, [1.0], [-0.5]),
}


@pytest.mark.parametrize("name", STEPS)
def test_steps(name):
    kind, options, start, gradients, weights = STEPS[name]
    for lib in LIBRARIES:
        p = lib.nn.Parameter(lib.tensor([start], dtype=lib.float64))
        optimizer = getattr(lib.optim, kind)([p], **options)
        for gradient, weight in zip(gradients, weights, strict=True):
            p.grad = lib.tensor([gradient], dtype=lib.float64)
            optimizer.step()
            assert p.item() == pytest.approx(weight, rel=1e-6)


ROWS = [line.strip("| \n").split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
TESTS = re.findall(r"`(tests/[^`]+)`", "".join(row[2] for row in ROWS))


def test_every_row_names_a_test():
    for row in ROWS:
        assert len(row) == 3, row
        assert row[2] in ("test", "---") or re.fullmatch(r"(`tests/[^`]+`(, )?)+", row[2]), row


@pytest.mark.parametrize("test", sorted(set(TESTS)))
def test_every_test_that_is_named_exists(test):
    path, _, rest = test.partition("::")
    name, _, case = rest.partition("[")
    scope = ast.parse((ROOT / path).read_text()).body
    for part in name.split("::"):
        scope = next(node.body for node in scope if getattr(node, "name", None) == part)
    if case:
        assert case.removesuffix("]") in CASES | STEPS


def test_every_case_is_in_the_table():
    named = {re.sub(r".*\[(.*)\]", r"\1", test) for test in TESTS}
    assert not (CASES.keys() | STEPS.keys()) - named
