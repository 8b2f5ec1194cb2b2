"""checkpoint: the same values and gradients, to any order, and less memory."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest
import torch
from torch.utils.checkpoint import checkpoint_sequential as torch_sequential

import scratchnet
from scratchnet import Tensor, nn
from scratchnet.autograd import checkpoint, grad
from scratchnet.utils.checkpoint import checkpoint_sequential
from tests.autograd.side_by_side import leaf


def block(x):
    y = (x * x).sin()
    return (y.exp() + x) * y.tanh()


def branching(x):
    a, b = block(x), x.unbind()
    return a * b[0] + b[1] * b[2], a[:2]


def changing(x):
    y = x * 2
    y[:1] = y[1:2].clone() * x[2]
    y.mul_(x)
    return y.sigmoid()


@pytest.mark.parametrize("function", [block, branching, changing], ids=lambda f: f.__name__)
def test_equals_a_plain_call(function):
    outcomes = []
    for call in (function, lambda x: checkpoint(function, x)):
        x = leaf(scratchnet)
        results = call(x * 1)
        results = results if isinstance(results, tuple) else (results,)
        y = sum((r * r).sum() for r in results)
        (g,) = grad(y, x, create_graph=True)
        (h,) = grad((g * g).sum(), x, create_graph=True)
        h.sum().backward()
        outcomes.append([r.array for r in (*results, g, h, x.grad)])
    for plain, checkpointed in zip(*outcomes):
        np.testing.assert_allclose(plain, checkpointed, rtol=1e-9)  # gradients of gradients add up in another order


def test_runs_the_function_twice_and_no_more():
    calls = []

    def function(x):
        calls.append(scratchnet.is_grad_enabled())
        return block(x)

    x = leaf(scratchnet)
    y = checkpoint(function, x)
    assert calls == [True]
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    assert calls == [True, True]
    with scratchnet.no_grad():
        assert not checkpoint(function, x).requires_grad
    assert calls == [True, True, False]


def test_released_after_backward():
    x = leaf(scratchnet)
    y = checkpoint(block, x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


def test_keyword_arguments_closures_and_parameters():
    layer = nn.Linear(3, 4)

    def function(x, *, scale):
        return layer(x).tanh() * scale

    x, scale = leaf(scratchnet, np.ones((2, 3)), dtype="float32"), leaf(scratchnet, 2.0, dtype="float32")
    checkpoint(function, x, scale=scale, use_reentrant=False).sum().backward()
    found = [p.grad.array for p in (x, scale, *layer.parameters())]
    for p in (x, scale, *layer.parameters()):
        p.grad = None
    function(x, scale=scale).sum().backward()
    for one, other in zip(found, (x, scale, *layer.parameters())):
        np.testing.assert_array_equal(one, other.grad.array)


def noisy(x):
    mask = scratchnet.rand(*x.shape, dtype=x.dtype) > 0.5
    return (x * mask).exp() * mask


def test_random_draws_are_repeated():
    x = leaf(scratchnet, np.ones((20, 20)))
    scratchnet.manual_seed(3)
    y = checkpoint(noisy, x)
    after_forward = scratchnet.rand(3)
    y.sum().backward()
    after_backward = scratchnet.rand(3)
    np.testing.assert_array_equal(x.grad.array, y.array)

    scratchnet.manual_seed(3)  # the stream is where it would be without a checkpoint
    np.testing.assert_array_equal(noisy(x).array, y.array)
    np.testing.assert_array_equal(scratchnet.rand(3).array, after_forward.array)
    np.testing.assert_array_equal(scratchnet.rand(3).array, after_backward.array)


def test_random_draws_are_not_repeated_without_the_state():
    x = leaf(scratchnet, np.ones((20, 20)))
    y = checkpoint(noisy, x, preserve_rng_state=False)
    y.sum().backward()
    assert (x.grad.array != y.array).any()


def test_nested():
    calls = []

    def inner(x):
        calls.append("inner")
        return block(x)

    def outer(x):
        calls.append("outer")
        return checkpoint(inner, checkpoint(inner, x) * 0.1).sin()

    x = leaf(scratchnet)
    y = checkpoint(outer, x)
    assert calls == ["outer", "inner", "inner"]
    grad(y.sum(), x, retain_graph=True)
    assert calls[3:6] == ["outer", "inner", "inner"]
    assert calls[6:] == ["inner", "inner"]  # within the second run the inner checkpoints save memory
    (g,) = grad(y.sum(), x, create_graph=True)
    (h,) = grad(g.sum(), x)
    plain = block(block(x) * 0.1).sin()
    (expected,) = grad(plain.sum(), x, create_graph=True)
    np.testing.assert_array_equal(g.array, expected.array)
    np.testing.assert_allclose(h.array, grad(expected.sum(), x)[0].array, rtol=1e-12)


def test_gradients_inside_the_function():
    """A function that differentiates: its own walk asks for saved values before the checkpoint is complete."""

    def slope(x):
        y = x**3 + x.exp()
        (g,) = grad(y.sum(), x, create_graph=True)
        return g * x

    def program(call):
        x = leaf(scratchnet)
        y = call(x * 1)
        y.sum().backward()
        return y.array, x.grad.array

    for one, other in zip(program(slope), program(lambda x: checkpoint(slope, x))):
        np.testing.assert_array_equal(one, other)


# ---- memory -----------------------------------------------------------------------------------------------------------
def deep(x):
    for _ in range(20):
        x = (x * 0.9).sin()
    return x


def test_intermediate_values_are_not_kept():
    made = []

    def watched(x):
        for _ in range(5):
            x = x.sin()
            made.append(weakref.ref(x.array))
        return x

    gc.disable()
    try:
        y = checkpoint(watched, leaf(scratchnet))
        assert [ref() is not None for ref in made] == [False] * 4 + [True]
        y.sum().backward()
        del y
        assert len(made) == 10
        assert not any(ref() is not None for ref in made)
    finally:
        gc.enable()


def peak_of(program):
    gc.collect()
    tracemalloc.start()
    try:
        program()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("segments", [1, 4])
def test_peak_memory(segments):
    """One segment: only forward's peak is small. Four: the whole step's is, for at most one segment is there at a time."""
    n = 50_000
    x = Tensor(np.ones(n), requires_grad=True)

    def step(call):
        y = x
        for _ in range(4):
            y = call(y)
        (y.sum() * 0 if segments == 1 else y.sum()).backward()

    def forward_only(call):
        y = x
        for _ in range(4):
            y = call(y)

    run = forward_only if segments == 1 else step
    plain, less = peak_of(lambda: run(deep)), peak_of(lambda: run(lambda y: checkpoint(deep, y)))
    assert plain > 160 * n * 8 / 2
    assert less < plain / 2.5


# ---- misuse -----------------------------------------------------------------------------------------------------------
def test_a_function_that_is_not_repeatable():
    turn = iter(["exp", "sin"])
    y = checkpoint(lambda x: getattr(x * x, next(turn))(), leaf(scratchnet))
    with pytest.raises(RuntimeError, match=r"'<lambda>' recorded 2 operations.*2 when called again; number 1 was \('Exp'.*'Sin'"):
        y.sum().backward()
    lengths = iter([2, 3])
    y = checkpoint(lambda x: x.sin()[: next(lengths)].exp(), leaf(scratchnet))
    with pytest.raises(RuntimeError, match=r"was \('Slice', \(2,\)\) and is \('Slice', \(3,\)\)"):
        y.sum().backward()
    depths = iter([1, 2])
    y = checkpoint(lambda x: [x := x.sin() for _ in range(next(depths))][-1], leaf(scratchnet))
    with pytest.raises(RuntimeError, match="recorded 1 operations.*2 when called again; number 1 was nothing"):
        y.sum().backward()


@pytest.mark.parametrize("which", ["argument", "closure"])
def test_values_changed_since(which):
    w, x = leaf(scratchnet), leaf(scratchnet) * 1
    y = checkpoint(lambda x: (x * w).exp() * x, x)
    with scratchnet.no_grad():
        (x if which == "argument" else w).add_(1)
    with pytest.raises(RuntimeError, match="Mul: .*modified by an inplace operation since checkpoint was called"):
        y.sum().backward()


def test_an_error_in_the_function_passes_through():
    def fails(x):
        raise KeyError("in the function")

    with pytest.raises(KeyError, match="in the function"):
        checkpoint(fails, leaf(scratchnet))
    y = leaf(scratchnet) * 2
    y.sum().backward()  # nothing is deferred any more


@pytest.mark.parametrize("segments", [1, 2, 3, 5])
def test_sequential(segments):
    """Values and gradients of a plain call; all but the last part run twice, in parts of as many layers as torch's."""
    counts = {torch: [], scratchnet: []}
    for F, run in ((torch, torch_sequential), (scratchnet, checkpoint_sequential)):

        def layer(x, F=F):
            counts[F].append(None)
            return (x * 2).sin()

        x = F.full((3,), 0.3, requires_grad=True)
        y = run([layer] * 5, segments, x, use_reentrant=False)
        y.sum().backward()
        counts[F] = [len(counts[F]), *y.detach().tolist(), *x.grad.tolist()]
    np.testing.assert_allclose(counts[scratchnet], counts[torch], rtol=1e-6)


def test_sequential_takes_a_module_and_refuses_too_many_segments():
    model, x = nn.Sequential(nn.Linear(2, 2), nn.Dropout(), nn.Linear(2, 1)), scratchnet.ones(4, 2)
    scratchnet.manual_seed(0)
    expected = model(x)
    scratchnet.manual_seed(0)
    y = checkpoint_sequential(model, 2, x)
    y.sum().backward()
    np.testing.assert_array_equal(y.array, expected.array)
    for segments in (0, 4, 2.0, True):
        with pytest.raises(ValueError, match=f"between 1 and the number of functions, 3, got {segments}"):
            checkpoint_sequential(model, segments, x)
