"""Layer, RMS and group norm: gradients to second order, kernel against definition, torch, refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
import scratchnet.nn.functional as F
from scratchnet import Tensor, nn
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds

AFFINE = st.sampled_from([(), ("weight",), ("weight", "bias"), ("bias",)])
CLOSE = dict(rtol=1e-7, atol=1e-8)


def parameters(size, names, seed):
    size = (size,) if isinstance(size, int) else size
    return {name: values(size, seed + i, away_from=(0.0,)) for i, name in enumerate(names)}


def by_position(function, names, **kwargs):
    """`function(x, weight=…, bias=…)` of positional arguments, those named."""
    return lambda x, *rest: function(x, **dict(zip(names, rest)), **kwargs)


@given(st.integers(0, 2), st.integers(1, 2), seeds(), AFFINE)
def test_layer_norm(fused_equals_composed, leading, dims, seed, names):
    size = (3, 2)[:dims]
    shape = ((2, 3)[:leading]) + size
    x, rest = values(shape, seed), parameters(size, names, seed + 1)
    norm = by_position(F.layer_norm, names, normalized_shape=size, eps=0.1)
    check_gradient(norm, x, *rest.values())
    fused_equals_composed(norm, x, *rest.values(), **CLOSE)
    if names != ("bias",):
        check_against_torch("nn.functional.layer_norm", x, size, **rest, **CLOSE)


@given(st.integers(0, 2), st.integers(1, 2), seeds(), st.booleans(), st.sampled_from([None, 0.1]))
def test_rms_norm(fused_equals_composed, leading, dims, seed, weighted, eps):
    size = (3, 2)[:dims]
    shape = ((2, 3)[:leading]) + size
    names = ("weight",) if weighted else ()
    x, rest = values(shape, seed), parameters(size, names, seed + 1)
    norm = by_position(F.rms_norm, names, normalized_shape=size, eps=eps)
    check_gradient(norm, x, *rest.values())
    fused_equals_composed(norm, x, *rest.values(), **CLOSE)
    check_against_torch("nn.functional.rms_norm", x, size, eps=eps, **rest, **CLOSE)


@st.composite
def groups(draw):
    """[N, C, ...] with two or more values in a group, and the number of groups."""
    per_group = draw(st.integers(1, 3))
    sides = draw(st.lists(st.integers(1, 3), max_size=2)) if per_group > 1 else [draw(st.integers(2, 3))]
    n = draw(st.integers(1, 3))
    return (draw(st.integers(1, 3)), n * per_group, *sides), n


@given(groups(), seeds(), AFFINE)
def test_group_norm(fused_equals_composed, problem, seed, names):
    shape, n = problem
    x, rest = values(shape, seed), parameters(shape[1], names, seed + 1)
    norm = by_position(F.group_norm, names, num_groups=n, eps=0.1)
    check_gradient(norm, x, *rest.values())
    fused_equals_composed(norm, x, *rest.values(), **CLOSE)
    if names != ("bias",):  # torch 2.13 has no gradient for a bias without a weight
        check_against_torch("nn.functional.group_norm", x, n, **rest, **CLOSE)


def test_examples_by_hand():
    """Values 1 and 3: mean 2, variance 1, root mean square √5."""
    x = Tensor(np.array([[1.0, 3.0]]), True)
    assert F.layer_norm(x, (2,), eps=0.0).tolist() == [[-1, 1]]
    assert F.group_norm(x, 1, eps=0.0).tolist() == [[-1, 1]]
    np.testing.assert_allclose(F.rms_norm(x, (2,), eps=0.0).array, [[5**-0.5, 3 * 5**-0.5]])
    F.layer_norm(x, (2,), eps=3.0).backward(Tensor(np.array([[1.0, 0.0]])))  # √(1 + 3) = 2, x̂ = −1/2, 1/2
    np.testing.assert_allclose(x.grad.array, [[(1 - 1 / 2 - 1 / 8) / 2, (-1 / 2 + 1 / 8) / 2]])


@pytest.mark.parametrize("which", range(3))
def test_only_one_gradient_is_wanted(which):
    """Whichever it is: what the gradient reads has been kept."""
    arrays = values((2, 4, 3), 0), values((4,), 1), values((4,), 2)
    for norm in (
        lambda x, w, b: F.group_norm(x, 2, w, b),
        lambda x, w, b: F.layer_norm(x.swapaxes(1, 2), (4,), w, b),
        lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
        lambda x, w, b: F.batch_norm(x, b.detach(), w.detach() ** 2, w, b),
    ):
        whole = [Tensor(a, True) for a in arrays]
        expected = scratchnet.autograd.grad((norm(*whole) ** 2).sum(), whole)[which]
        single = [Tensor(a, i == which) for i, a in enumerate(arrays)]
        (actual,) = scratchnet.autograd.grad((norm(*single) ** 2).sum(), [single[which]])
        np.testing.assert_allclose(actual.array, expected.array)


X = values((3, 4), 0, dtype=np.float32)
C3, C4 = np.zeros(3, np.float32), np.ones(4, np.float32)
LAST = [
    (X, 4),
    (X, (3,)),
    (X, ()),
    (X, (4,), C3),
    (X, (3, 4)),
    (X, (4,), C4.astype(np.float64)),
    (X.astype(np.int64), (4,)),
]


@pytest.mark.parametrize("args", [*LAST, (X, (4,), C4, C3)])
def test_layer_norm_refuses_what_torch_refuses(args):
    check_against_torch("nn.functional.layer_norm", *args)


@pytest.mark.parametrize("args", [a for a in LAST if a[0].dtype == np.float32 and a[-1] is not LAST[5][-1]])
def test_rms_norm_refuses_what_torch_refuses(args):
    check_against_torch("nn.functional.rms_norm", *args)


@pytest.mark.parametrize(
    "args",
    [
        (X, 3),
        (X, 0),
        (X, -2),
        (X[0], 1),
        (X, 2, C3),
        (X, 2, C4, C3),
        (X[:1], 4),
        (X[:1, :1], 1),
        (X[:0], 2),
        (X, 2, C4.astype(np.float64)),
        (X.astype(np.int64), 2),
    ],
)
def test_group_norm_refuses_what_torch_refuses(args):
    check_against_torch("nn.functional.group_norm", *args)


LAYERS = [
    ("LayerNorm(4)", (2, 3, 4)),
    ("LayerNorm((3, 4), eps=0.1, bias=False)", (2, 3, 4)),
    ("LayerNorm([4], elementwise_affine=False)", (2, 3, 4)),
    ("RMSNorm(4)", (2, 3, 4)),
    ("RMSNorm((3, 4), eps=0.1)", (2, 3, 4)),
    ("RMSNorm([4], elementwise_affine=False)", (2, 3, 4)),
    ("GroupNorm(2, 4)", (2, 4, 3)),
    ("GroupNorm(4, 4, eps=0.1, bias=False)", (2, 4, 3, 2)),
    ("GroupNorm(1, 4, affine=False)", (2, 4)),
]


@pytest.mark.parametrize("text, shape", LAYERS)
def test_layer(check_module, text, shape):
    check_module(text, values(shape, 0), **CLOSE)


@pytest.mark.parametrize("args", [(3, 4), (0, 4)])
def test_group_norm_layers_that_cannot_be(args):
    import torch

    for library in (nn, torch.nn):
        with pytest.raises((ValueError, ZeroDivisionError)) as caught:
            library.GroupNorm(*args)
        assert caught.type is (ZeroDivisionError if args[0] == 0 else ValueError)
