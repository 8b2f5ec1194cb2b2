"""MABN: the paper's formulas step by step, exact where it must be, statistics of past batches, evaluation, refusals."""

import numpy as np
import pytest

from scratchnet import Tensor, nn
from scratchnet.testing import check_gradient, values

SHAPE = (2, 3, 2, 2)


def layer_of(m, **options):
    layer = nn.MABN2d(3, 2, 2 * m, **{"eps": 0.1, "warmup_iters": 0, **options}).double()
    layer.weight.array[...], layer.bias.array[...] = values((3,), 7), values((3,), 8)
    return layer


def test_one_batch_by_itself_is_exact():
    """Division by the root mean square of the batch: the gradient is that of differences."""
    layer = nn.MABN2d(3, 2, 2, eps=0.1).double()
    check_gradient(layer, values(SHAPE, 0), order=1)


@pytest.mark.parametrize("m, warmup, renorm", [(1, 0, False), (3, 0, False), (2, 5, False), (3, 0, True)])
def test_the_papers_formulas(m, warmup, renorm):
    layer = layer_of(m, warmup_iters=warmup, momentum=0.9)
    layer.RENORM_AFTER = 2 if renorm else 1000
    w, b = layer.weight.array.reshape(3, 1, 1), layer.bias.array.reshape(3, 1, 1)
    squares, psis, running = [], [], np.ones(3)

    def recent(history, step):
        """The average over the last m, once there are m and the warm-up is over."""
        return np.mean(history[-m:], 0) if step > m and step >= warmup else history[-1]

    def along(v):
        return np.reshape(v, (3, 1, 1))

    for step in range(1, 8):
        x, g = values(SHAPE, step) * step, values(SHAPE, 50 + step)
        squares.append((x**2).mean((0, 2, 3)))
        chi = np.sqrt(recent(squares, step) + 0.1)
        r = along(np.clip(chi / np.sqrt(running + 0.1), 0.2, 5) if renorm and step > 2 else np.ones(3))
        running = 0.9 * running + 0.1 * recent(squares, step)
        z = x / along(chi)
        leaf = Tensor(x, True)
        y = layer(leaf)
        np.testing.assert_allclose(y.array, w * r * z + b, rtol=1e-12, atol=1e-14)
        layer.zero_grad()
        y.backward(Tensor(g))
        h = g * w * r
        psis.append((h * z).mean((0, 2, 3)))
        expected = (h - z * along(recent(psis, step))) / along(chi)
        np.testing.assert_allclose(leaf.grad.array, expected, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(layer.weight.grad.array, (g * r * z).sum((0, 2, 3)), rtol=1e-12)
        np.testing.assert_allclose(layer.bias.grad.array, g.sum((0, 2, 3)), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(layer.running_var.array.reshape(3), running, rtol=1e-12)
    x = values(SHAPE, 0)
    np.testing.assert_allclose(layer.eval()(Tensor(x)).array, w * x / along(np.sqrt(running + 0.1)) + b, rtol=1e-12)


def test_the_correction_is_limited():
    """From 1/5 to 5, whatever the running average is."""
    layer = layer_of(1)
    layer.RENORM_AFTER = 0
    layer.running_var.array[0, :, 0, 0] = running = np.array([1e4, 25, 1e-4])
    x = 10 * values(SHAPE, 0)
    chi = np.sqrt((x**2).mean((0, 2, 3)) + 0.1)
    r = np.array([1 / 5, chi[1] / np.sqrt(running[1] + 0.1), 5])
    expected = x * (layer.weight.array * r / chi).reshape(3, 1, 1) + layer.bias.array.reshape(3, 1, 1)
    np.testing.assert_allclose(layer(Tensor(x)).array, expected, rtol=1e-12)


def test_evaluation_is_differentiated_exactly():
    check_gradient(layer_of(2).eval(), values(SHAPE, 0))


def test_keys_repr_and_reset():
    layer = nn.MABN2d(3, 2, 8)
    assert {key: value.shape for key, value in layer.state_dict().items()} == {
        "weight": (3,), "bias": (3,), "running_var": (1, 3, 1, 1), "iters": (1,), "buffer_x2": (4, 3), "buffer_gz": (4, 3),
    }  # fmt: skip
    assert repr(layer) == "MABN2d(3, buffer_size=4, eps=1e-05, momentum=0.98, warmup_iters=100)"
    layer(Tensor(values(SHAPE, 0, dtype=np.float32)))
    assert layer.iters.item() == 1 and layer.buffer_x2.array.any()
    layer.reset_parameters()
    assert layer.iters.item() == 0 and not layer.buffer_x2.array.any() and (layer.running_var.array == 1).all()


def test_an_empty_batch_leaves_no_trace():
    layer = layer_of(2)
    x = Tensor(np.zeros((0, 3, 2, 2)), True)
    layer(x).sum().backward()
    assert x.grad.shape == x.shape and layer.iters.item() == 0 and (layer.running_var.array == 1).all()


def test_refusals():
    for B, real_B in ((2, 5), (4, 2), (0, 4)):
        with pytest.raises(ValueError, match=f"real_B must be a multiple of B, got B={B} and real_B={real_B}"):
            nn.MABN2d(3, B, real_B)
    for shape in ((2, 3, 4), (2, 4, 2, 2)):
        with pytest.raises(ValueError, match=r"expected input \[N, 3, H, W\], got shape"):
            nn.MABN2d(3, 1, 1)(Tensor(np.zeros(shape, np.float32)))
