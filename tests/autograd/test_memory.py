"""Nothing stays longer than it must: no reference cycles, saved values freed as the walk passes, no growth in training."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest

import scratchnet
from scratchnet import Tensor, nn, optim
from scratchnet.autograd import checkpoint, detect_anomaly, grad
from tests.autograd.side_by_side import constant, leaf
from tests.autograd.test_function import SineAndCosine
from tests.autograd.test_torch_style import exp_of, op_of


def in_place_on_a_view(x):
    y = x * 1
    y[0].mul_(x.sum())
    y[:2] = x[1:]
    return y * 2


def view_saved_then_base_changed_elsewhere(x):
    y = constant(scratchnet, np.zeros(4))
    for i in range(3):
        y[i + 1] = y[i].clone() * x[i] + x[0]
    return y


def several_outputs(x):
    s, c = SineAndCosine()(x)
    return s * c


def torch_style_that_saves_its_outputs(x):
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(x, y)
        return y, x * 2

    return op_of(scratchnet, forward, lambda ctx, g, h: g * ctx.saved_tensors[1] + 2 * h).apply(x)[0]


def dirty(x):
    def forward(ctx, x):
        ctx.mark_dirty(x.mul_(3))
        ctx.save_for_backward(x)
        return x

    return op_of(scratchnet, forward, lambda ctx, g: g * 3).apply(x * 1)


def with_hooks(x):
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 2)
    return y.exp()


def traced(x):
    with detect_anomaly():
        return (x * x).exp()


GRAPHS = {
    "arithmetic": lambda x: (x * x + x / 2 - x.exp()) ** 2,
    "output saved": lambda x: x.exp().tanh().sigmoid(),
    "reductions": lambda x: x.max() * x.mean() + x.logsumexp(0),
    "views": lambda x: x[1:].reshape(1, 2).t().expand(2, 2),
    "indices": lambda x: x[[0, 0, 1]],
    "several outputs": several_outputs,
    "views of one operation": lambda x: x.unbind()[0] * x.split(1)[1],
    "in place": lambda x: (x * 1).mul_(x).sin_().add_(x),
    "in place on a view": in_place_on_a_view,
    "recurrence into a buffer": view_saved_then_base_changed_elsewhere,
    "torch style": lambda x: exp_of(scratchnet).apply(x),
    "torch style, outputs": torch_style_that_saves_its_outputs,
    "torch style, dirty": dirty,
    "checkpoint": lambda x: checkpoint(lambda t: (t * t).exp().sin(), x),
    "hooks": with_hooks,
    "anomaly detection": traced,
}


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("when", ["unused", "after backward", "after create_graph"])
@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS.keys())
def test_no_reference_cycles(graph, when, no_collector):
    """With the garbage collector off, a graph dies with its last reference."""
    x = leaf(scratchnet)
    y = graph(x)
    watched = [weakref.ref(y), weakref.ref(y.array), weakref.ref(y.grad_fn)]
    watched += [weakref.ref(node) for node, _ in y.grad_fn.next_functions if node is not None and node is not x]
    if when == "after backward":
        y.sum().backward()
    if when == "after create_graph":
        (g,) = grad(y.sum(), x, create_graph=True)
        watched.append(weakref.ref(g))
        del g
    del y
    assert [ref() for ref in watched] == [None] * len(watched)
    x_gone = weakref.ref(x)
    del x
    assert x_gone() is None


def test_backward_with_create_graph_makes_no_cycle_by_itself(no_collector):
    x = leaf(scratchnet)
    (x * 2).sum().backward(create_graph=True)  # the gradient does not depend on x
    gone = weakref.ref(x)
    del x
    assert gone() is None


def test_an_error_in_backward_keeps_nothing(no_collector):
    x = leaf(scratchnet)
    y = x * x
    y.sum().backward()
    gone = weakref.ref(y)
    with pytest.raises(RuntimeError, match="second time"):
        y.sum().backward()
    del y
    assert gone() is None


def test_saved_values_are_freed_as_the_walk_passes(no_collector):
    x, saved, alive = leaf(scratchnet), [], []
    y = x
    for _ in range(5):
        y = y.sin()  # saves its input
        saved.append(weakref.ref(y.array))
        y.register_hook(lambda g: alive.append([ref() is not None for ref in saved]))
    y = y.sum()  # saves nothing
    y.backward()
    assert alive == [[True] * n + [False] * (5 - n) for n in (4, 3, 2, 1, 0)]


def peak(program):
    gc.collect()
    tracemalloc.start()
    try:
        program()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_peak_of_a_walk_is_a_few_gradients():
    """Gradients of inner values are freed when they have been used: 40 operations take no more memory than 10."""

    def step(depth):
        y = x = Tensor(np.ones(50_000), requires_grad=True)
        for _ in range(depth):
            y = y + 1.0  # saves nothing
        del x
        y.sum().backward()

    step(1)
    assert peak(lambda: step(40)) < peak(lambda: step(10)) * 1.2


def test_gradients_of_parameters_are_there_once():
    weights = [Tensor(np.ones(50_000), requires_grad=True) for _ in range(20)]
    y = sum((w * 2.0).sum() for w in weights)
    n = sum(w.nbytes for w in weights)
    assert peak(y.backward) < 2.2 * n


def test_a_training_loop_does_not_grow():
    scratchnet.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    x, t = scratchnet.rand(16, 4), scratchnet.rand(16, 1)
    history = []

    def train(steps):
        for _ in range(steps):
            optimizer.zero_grad()
            loss = ((model(x) - t) ** 2).mean()
            loss.backward()
            optimizer.step()
            if len(history) < 2000:
                history.append(loss.detach().item())

    train(50)
    history.extend([0.0] * 2000)
    gc.collect()
    tracemalloc.start()
    try:
        objects, memory = len(gc.get_objects()), tracemalloc.get_traced_memory()[0]
        train(1000)
        gc.collect()
        assert abs(len(gc.get_objects()) - objects) < 50
        assert tracemalloc.get_traced_memory()[0] - memory < 20_000
    finally:
        tracemalloc.stop()


def test_a_running_sum_of_detached_losses_does_not_hold_the_graphs(no_collector):
    x = leaf(scratchnet)
    total, nodes = Tensor(np.zeros(())), []
    for _ in range(5):
        loss = (x * x).sum()
        nodes.append(weakref.ref(loss.grad_fn))
        total = total + loss.detach()
        del loss
    assert not any(node() for node in nodes)


def test_a_buffer_that_is_written_without_recording_holds_no_graph(no_collector):
    x, buffer = leaf(scratchnet), Tensor(np.zeros(3))
    for _ in range(3):
        y = x.exp()
        node = weakref.ref(y.grad_fn)
        with scratchnet.no_grad():
            buffer.mul_(0.9).add_(y, alpha=0.1)
        del y
        assert node() is None
    assert buffer.grad_fn is None
