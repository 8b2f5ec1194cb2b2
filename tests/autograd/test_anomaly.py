"""detect_anomaly: which operation made the first NaN or Inf, and on which line of the user's it was called."""

import re

import numpy as np
import pytest

import scratchnet
from scratchnet import Tensor
from scratchnet.autograd import Function, detect_anomaly, set_detect_anomaly
from scratchnet.autograd.mode import modes
from tests.autograd.side_by_side import leaf


@pytest.fixture(autouse=True)
def switches_are_put_back():
    before = vars(modes).copy()
    yield
    assert vars(modes) == before


class MyRoot(Function):
    """√x, whose derivative is infinite at 0."""

    def forward(self, x):
        return np.sqrt(x)

    def backward(self, g):
        return g * 0.5 / self.output


class TorchRoot(Function):
    @staticmethod
    def forward(ctx, x):
        y = x.sqrt()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        return g * 0.5 / ctx.saved_tensors[0]


PROGRAMS = {
    "Log": lambda x: x.log(),  # the line that is named
    "Sqrt": lambda x: x.sqrt(),
    "Div": lambda x: 1 / x,
    "Pow": lambda x: x**-0.5,
    "MyRoot": lambda x: MyRoot()(x),
    "TorchRoot": lambda x: TorchRoot.apply(x),
}


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_names_the_operation_and_the_line(name, create_graph):
    program = PROGRAMS[name]
    x = leaf(scratchnet, [1.0, 0.0])
    with detect_anomaly():
        y = (program(x + 0) * 2 + 1).sum()
        with pytest.raises(RuntimeError) as caught:
            y.backward(create_graph=create_graph)
    message = str(caught.value)
    assert re.search(rf"'{name}\w*' returned (inf|nan) values in its gradient for input \d", message)
    last = message.rstrip().splitlines()[-2:]
    assert re.search(rf'File "{re.escape(__file__)}", line {program.__code__.co_firstlineno}, in <lambda>', last[0])
    assert "lambda x:" in last[1]
    assert "scratchnet/autograd" not in message
    assert x.grad is None


def test_nan_and_inf_are_told_apart():
    for values, what in (([0.0], "inf"), ([np.nan], "nan")):
        with detect_anomaly(), np.errstate(all="ignore"), pytest.raises(RuntimeError, match=f"returned {what} values"):
            leaf(scratchnet, values).log().sum().backward()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_off_by_default():
    x = leaf(scratchnet, [0.0])
    y = x.log()
    assert y.grad_fn.called_at is None
    y.backward()
    assert np.isinf(x.grad.item())


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_only_backward_inside():
    y = leaf(scratchnet, [0.0]).log()
    with pytest.raises(RuntimeError, match="'Log'.*\nIt was called outside detect_anomaly"), detect_anomaly():
        y.backward()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_only_lines_without_check():
    x = leaf(scratchnet, [0.0])
    with detect_anomaly(check_nan=False):
        y = x.log()
        y.backward()
    assert y.grad_fn.called_at[-1].filename == __file__
    assert np.isinf(x.grad.item())


def test_a_sound_graph_passes():
    x = leaf(scratchnet)
    with detect_anomaly():
        (x.log() * x[:2].sum()).sum().backward()
    assert np.isfinite(x.grad.array).all()


def test_errors_about_changed_values_name_the_line():
    x = leaf(scratchnet) * 1
    with detect_anomaly():
        y = x * x
        line = y.grad_fn.called_at[-1].lineno
        x.add_(1)
        with pytest.raises(RuntimeError, match=f"Mul called at {re.escape(__file__)}:{line}: .*modified"):
            y.sum().backward()


def test_as_decorator_and_nested():
    def state():
        return modes.anomaly, len(modes.watchers)

    @detect_anomaly()
    def inside():
        with detect_anomaly(check_nan=False):
            inner = state()
        return state(), inner

    assert inside() == ((True, 1), (False, 1))
    assert state() == (False, 0)
    with pytest.raises(KeyError), detect_anomaly():
        raise KeyError
    assert state() == (False, 0)


def test_set_detect_anomaly():
    try:
        set_detect_anomaly(True)
        assert modes.anomaly
        with set_detect_anomaly(False):
            assert not modes.anomaly and not modes.watchers
        assert modes.anomaly and len(modes.watchers) == 1
    finally:
        set_detect_anomaly(False)
    assert not modes.anomaly and not modes.watchers


def test_second_order():
    """The gradient of |x|^1.5 is finite at 0, its derivative is not: the operation is found in the second walk."""
    x = Tensor(np.array([0.0]), requires_grad=True)
    with detect_anomaly(), np.errstate(all="ignore"):
        y = x**1.5
        (g,) = scratchnet.autograd.grad(y.sum(), x, create_graph=True)
        with pytest.raises(RuntimeError, match=r"'Pow\w*' returned inf"):
            g.sum().backward()
