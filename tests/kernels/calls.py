"""A call of every kernel, for what must hold of all of them, and how closely two results must agree."""

import functools
import sys
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import strategies as st

from scratchnet import kernels
from scratchnet.kernels import jit, parallel
from scratchnet.kernels.registry import Kernel
from tests.kernels.detection_calls import detection_calls
from tests.kernels.interpolation_calls import interpolation_calls
from tests.kernels.pooling_calls import pooling_calls
from tests.kernels.recurrent_calls import recurrent_calls

KERNELS = {name: value for name, value in vars(kernels).items() if isinstance(value, Kernel)}
# arguments that are changed in place
IN_PLACE = {"sgd_step": (0, 2), "adam_step": (0, 2, 3, 12), "adagrad_step": (0, 2), "adadelta_step": (0, 2, 3),
            "rmsprop_step": (0, 2, 3, 4), "adamax_step": (0, 2, 3), "moments_step": (0, 2, 3),
            "rprop_step": (0, 2, 3), "asgd_step": (0, 2)}


def arguments(name, dtype, seed=0):
    """Arguments of a call, by its name: that of the kernel, and perhaps a word more."""
    return copies(calls(dtype, seed)[name])


def kernel_of(name):
    return KERNELS[name.split()[0]]


@functools.cache
def calls(dtype, seed=0):
    rng = np.random.default_rng(seed)

    def a(*shape):
        return rng.standard_normal(shape).astype(dtype)

    def positive(*shape):
        return np.abs(a(*shape)) + np.dtype(dtype).type(0.1)

    logits, classes = a(70, 9), rng.integers(0, 9, 70)
    classes[::7] = -100
    images, mean, inverse_std = a(5, 6, 7, 8), a(6), positive(6)
    ctc = (np.log(positive(6, 4, 5)), rng.integers(0, 5, (4, 2)), np.array([6, 5, 6, 3]), np.array([2, 1, 0, 2]))
    convolution = ((2, 1), (1, 2), (1, 2), 2)                       # stride, padding, dilation, groups
    q, k, v = a(2, 4, 70, 5), a(2, 2, 67, 5), a(2, 2, 67, 3)
    mask = np.where(rng.random((4, 70, 67)) < 0.3, -np.inf, a(4, 70, 67)).astype(dtype)
    attended = kernels.attention.reference(q, k, v, mask, True, 0.5)
    return {
        **detection_calls(rng, a, positive),
        **interpolation_calls(a),
        **pooling_calls(rng, a),
        **recurrent_calls(a),
        "attention": (q, k, v, None, True, 0.5),
        "attention with a mask": (q, k, v, mask, True, 0.5),
        "attention_backward": (a(2, 4, 70, 3), q, k, v, *attended, mask, True, 0.5),
        "sum_rows": (a(9, 7), rng.integers(-1, 9, 40), rng.integers(-1, 6, 40), 6, a(40)),
        "sum_rows lookup": (a(9, 7), rng.integers(-1, 9, 40), None, 40),
        "sum_rows of all": (a(40, 7), None, rng.integers(-1, 9, 40), 9),
        "max_rows": (a(9, 7), rng.integers(-1, 9, 40), np.array([0, 10, 10, 25, 40])),
        "matmul": (a(9, 7), a(7, 8)),
        "matmul in pieces": (a(420, 260), a(260, 240)),
        "matmul of batches": (a(2, 1, 160, 150), a(3, 150, 140)),
        "im2col": (a(3, 4, 9, 8), (3, 2), (2, 1), (1, 0), (1, 2)),
        "im2col 1-D": (a(3, 4, 9), 3, 2, 1),
        "im2col 3-D": (a(3, 2, 5, 6, 7), (2, 3, 1), (1, 2, 3), (1, 0, 0), 2),
        "col2im": (a(3, 4 * 6, 5 * 6), (9, 8), (3, 2), (2, 1), (1, 0), (1, 2)),
        "col2im 3-D": (a(3, 2 * 6, 5 * 1 * 3), (5, 6, 7), (2, 3, 1), (1, 2, 3), (1, 0, 0), 2),
        "pad": (a(2, 3, 6, 7), ((2, 1), (-1, 3)), "reflect"),
        "pad 3-D": (a(2, 3, 4, 6, 7), ((1, 2), (2, 1), (-1, 3)), "replicate"),
        "pad_backward": (a(2, 3, 9, 9), (6, 7), ((2, 1), (-1, 3)), "reflect"),
        "conv_forward": (a(3, 6, 13, 9), a(10, 3, 3, 2), *convolution, a(10)),
        "conv_grad_input": (a(3, 10, 7, 11), a(10, 3, 3, 2), (3, 6, 13, 9), *convolution),
        "conv_grad_weight": (a(3, 10, 7, 11), a(3, 6, 13, 9), (10, 3, 3, 2), *convolution),
        "conv_grad_bias": (a(3, 10, 7, 11),),
        "conv_forward 1-D": (a(3, 6, 40), a(10, 3, 3), 2, 1, 2, 2, a(10)),
        "conv_forward small": (a(5, 4, 6, 5), a(5, 4, 2, 2)),
        "conv_grad_input small": (a(5, 5, 5, 4), a(5, 4, 2, 2), (5, 4, 6, 5)),
        "conv_grad_weight small": (a(5, 5, 5, 4), a(5, 4, 6, 5), (5, 4, 2, 2)),
        "batch_norm": (images, a(6), a(6)),
        "batch_norm columns": (a(70, 6), a(6), a(6)),
        "batch_norm_apply": (images, mean, inverse_std, a(6), a(6)),
        "batch_norm_backward": (a(*images.shape), images, mean, inverse_std, a(6)),
        "layer_norm": (a(70, 9), a(9), a(9)),
        "layer_norm_backward": (a(70, 9), a(70, 9), a(70), positive(70), a(9)),
        "group_norm": (images, 3, a(6), a(6)),
        "group_norm_backward": (a(*images.shape), images, 3, a(15), positive(15), a(6)),
        "local_response_norm": (a(3, 5, 150), 3),
        "local_response_norm_backward": (a(3, 5, 150), a(3, 5, 150), 3),
        "softmax": (logits,),
        "softmax_backward": (a(70, 9), kernels.softmax.reference(logits)),
        "log_softmax": (logits,),
        "log_softmax_backward": (a(70, 9), kernels.log_softmax.reference(logits)),
        "softmax columns": (a(2, 3, 150), 1),
        "softmax_backward columns": (a(2, 3, 150), kernels.softmax.reference(a(2, 3, 150), 1), 1),
        "log_softmax columns": (a(2, 3, 150), 1),
        "log_softmax_backward columns": (a(2, 3, 150), kernels.log_softmax.reference(a(2, 3, 150), 1), 1),
        "cross_entropy": (logits, classes, positive(9), -100, "mean", 0.1),
        "cross_entropy_backward": (np.asarray(a()), logits, classes,
                                   *kernels.cross_entropy.reference(logits, classes)[1:], positive(9), -100, "mean", 0.1),
        "cross_entropy columns": (logits.reshape(2, 9, 35), classes.reshape(2, 35), positive(9), -100, "none", 0.1),
        "cross_entropy_backward columns": (
            a(2, 35), logits.reshape(2, 9, 35), classes.reshape(2, 35),
            *kernels.cross_entropy.reference(logits.reshape(2, 9, 35), classes.reshape(2, 35))[1:], positive(9), -100,
            "none", 0.1),
        "ctc_forward": ctc,
        "ctc_backward": (a(4), ctc[0], *kernels.ctc_forward.reference(*ctc)[::-1], *ctc[1:]),
        "masked_scale": (a(70, 61), rng.random((70, 61)) < 0.5, 2.0, 0.5, -1.0),
        "sgd_step": (a(13, 29), a(13, 29), a(13, 29), 0.1, 0.9, 0.1, 0.01, True),
        "adagrad_step": (a(13, 29), a(13, 29), positive(13, 29), 0.1, 1e-8, 0.01, True),
        "adadelta_step": (a(13, 29), a(13, 29), positive(13, 29), positive(13, 29), 0.1, 0.9, 1e-6, 0.01),
        "rmsprop_step": (a(13, 29), a(13, 29), positive(13, 29) + 3, a(13, 29), a(13, 29) / 9, 0.1, 0.9, 1e-8, 0.01, 0.9),
        "adamax_step": (a(13, 29), a(13, 29), a(13, 29), positive(13, 29), 3, 0.01),
        "moments_step": (a(13, 29), a(13, 29), a(13, 29), positive(13, 29), 0.01, 0.02, 1.5, 1e-8, 0.9, 0.99, 0.1, 0.9),
        "rprop_step": (a(13, 29), a(13, 29), a(13, 29), positive(13, 29)),
        "asgd_step": (a(13, 29), a(13, 29), a(13, 29), 0.1, 0.3, 1e-4, 0.01),
        "adam_step": (a(13, 29), a(13, 29), a(13, 29), positive(13, 29), 3, 0.01, 0.9, 0.99, 1e-8, 0.01, False, False,
                      positive(13, 29)),
    }


CALLS = list(calls(np.float64))


def results(name, function, args):
    """What a call returns and changes, as a list of arrays."""
    returned = function(*args)
    if name in IN_PLACE:
        assert returned is None
        return [args[i] for i in IN_PLACE[name]]
    return list(returned) if isinstance(returned, tuple) else [returned]


both_forms = pytest.mark.parametrize("form", ["twin", "reference"])


def implementation(kernel, form):
    """The compiled twin, with the reference for what it does not serve, or the reference; loops in plain Python are
    too slow for large cases."""
    if form == "reference" or not jit.ENABLED:
        return kernel.reference

    def twin(*args, **kwargs):
        result = kernel.twin(*args, **kwargs)
        return kernel.reference(*args, **kwargs) if result is NotImplemented else result

    return twin


def copies(args):
    return tuple(x.copy() if isinstance(x, np.ndarray) else x for x in args)


def assert_close(actual, expected, ulps=64, scale=0.0):
    """Equal shape, dtype, NaNs and infinities; differences of at most ``ulps`` units in the last place of the largest
    number, or of ``scale``, the size of what was summed if it cancels: sums may be taken in any order."""
    assert type(actual) is np.ndarray
    assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
    if expected.dtype.kind != "f" or expected.size == 0:
        assert np.array_equal(actual, expected)
        return
    finite = np.isfinite(expected)
    assert np.array_equal(actual[~finite], expected[~finite], equal_nan=True)
    difference = np.abs(actual[finite] - expected[finite])
    largest = np.abs(expected[finite]).max(initial=max(scale, np.finfo(expected.dtype).tiny))
    assert difference.max(initial=0) <= ulps * np.spacing(expected.dtype.type(largest))


def on_threads(call, counts=(1, 2, 3, 5)):
    """What `call()` gives on each of these numbers of threads."""
    before, results = kernels.get_num_threads(), []
    try:
        for count in counts:
            kernels.set_num_threads(count)
            results.append(call())
    finally:
        kernels.set_num_threads(before)
    return results


@contextmanager
def guarded_allocations(monkeypatch):
    """Arrays that kernel modules allocate lie between guard bands; after the block the bands must be untouched."""
    sentinel, band, blocks = 171, 4096, []

    class Guarded:
        def __getattr__(self, attribute):
            return getattr(np, attribute)

        def empty(self, shape, dtype=np.float64):
            size = int(np.prod(shape)) * np.dtype(dtype).itemsize
            block = np.full(size + 2 * band, sentinel, np.uint8)
            blocks.append(block)
            return block[band:band + size].view(dtype).reshape(shape)

        def zeros(self, shape, dtype=np.float64):
            array = self.empty(shape, dtype)
            array[...] = 0
            return array

    with monkeypatch.context() as patch:
        for name, module in list(sys.modules.items()):
            if name.startswith("scratchnet.kernels.") and hasattr(module, "np"):
                patch.setattr(module, "np", Guarded())
        patch.setattr(parallel, "_workspace", parallel._Workspace())    # threads keep none from before
        yield
    for block in blocks:
        assert (block[:band] == sentinel).all() and (block[-band:] == sentinel).all()


@st.composite
def windows(draw, padding=True, dilation=True, pooling=False, dims=2):
    """An image size with the kernel size, stride, padding and dilation of windows of which at least one fits."""
    def axis():
        taps = draw(st.integers(1, 4))
        spread = draw(st.integers(1, 3)) if dilation else 1
        extent = spread * (taps - 1) + 1
        border = draw(st.integers(0, taps // 2 if pooling else 3)) if padding else 0
        size = max(1, extent - 2 * border) + draw(st.integers(0, 9))
        return size, taps, draw(st.integers(1, 4)), border, spread
    return tuple(zip(*(axis() for _ in range(dims))))
