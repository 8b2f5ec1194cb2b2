"""Pooling over regions against its definition in plain Python, torchvision's figures, gradients, and by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet as sn
from scratchnet import Tensor
from scratchnet.testing import check_gradient, values
from scratchnet.testing.strategies import seeds
from scratchnet.vision import ops


@st.composite
def regions(draw, channels=2):
    """Images, boxes that partly lie outside of them, and the numbers of bins."""
    n, h, w, k = (draw(st.integers(low, high)) for low, high in ((1, 2), (1, 5), (1, 6), (0, 3)))
    size, seed = (draw(st.integers(1, 3)), draw(st.integers(1, 3))), draw(seeds())
    rng = np.random.default_rng(seed)
    corner = rng.uniform(-3, 6, (k, 2))
    boxes = np.concatenate([rng.integers(0, n, (k, 1)), corner, corner + rng.uniform(-0.5, 7, (k, 2))], 1)
    return values((n, channels * size[0] * size[1], h, w), seed, distinct=True), boxes, size


def between_pixels(plane, y, x):
    """The plane at (y, x), linear between its pixels; 0 if it lies more than a pixel outside."""
    h, w = plane.shape
    if not (-1 <= y <= h and -1 <= x <= w):
        return 0.0
    y, x = min(max(y, 0), h - 1), min(max(x, 0), w - 1)
    i, j = min(int(y), h - 1), min(int(x), w - 1)
    top, left = y - i, x - j
    rows, columns = ((i, 1 - top), (min(i + 1, h - 1), top)), ((j, 1 - left), (min(j + 1, w - 1), left))
    return sum(a * b * plane[r, c] for r, a in rows for c, b in columns)


def align_by_definition(x, boxes, size, scale, ratio, offset, smallest, sensitive):
    (p_count, q_count), k_count = size, len(boxes)
    channels = x.shape[1] // (p_count * q_count) if sensitive else x.shape[1]
    y = np.zeros((k_count, channels, p_count, q_count))
    for k, c, p, q in np.ndindex(y.shape):
        x1, y1, x2, y2 = boxes[k, 1:] * scale - offset
        h, w = (v if smallest is None else max(v, smallest) for v in (y2 - y1, x2 - x1))
        rows, columns = (ratio if ratio > 0 else max(math.ceil(v / n), 0) for v, n in ((h, p_count), (w, q_count)))
        plane = x[int(boxes[k, 0]), (c * p_count + p) * q_count + q if sensitive else c]
        samples = [
            between_pixels(plane, y1 + (p + (a + 0.5) / rows) * h / p_count, x1 + (q + (b + 0.5) / columns) * w / q_count)
            for a in range(rows)
            for b in range(columns)
        ]
        y[k, c, p, q] = sum(samples) / max(len(samples), 1)
    return y


def bins_by_definition(start, end, count, extra, last):
    start, end = (math.floor(abs(v) + 0.5) * (1 if v >= 0 else -1) for v in (start, end))
    step = max(end - start + extra, 1) / count
    return [
        (min(max(math.floor(p * step) + start, 0), last), min(max(math.ceil((p + 1) * step) + start, 0), last))
        for p in range(count)
    ]


def pool_by_definition(x, boxes, size, scale, sensitive):
    (p_count, q_count), k_count = size, len(boxes)
    channels = x.shape[1] // (p_count * q_count) if sensitive else x.shape[1]
    y, last = np.zeros((k_count, channels, p_count, q_count)), [n - sensitive for n in x.shape[2:]]
    for k, c, p, q in np.ndindex(y.shape):
        x1, y1, x2, y2 = boxes[k, 1:] * scale
        (top, bottom), (left, right) = (
            bins_by_definition(*ends, count, 1 - sensitive, n)[i]
            for ends, count, n, i in (((y1, y2), p_count, last[0], p), ((x1, x2), q_count, last[1], q))
        )
        plane = x[int(boxes[k, 0]), (c * p_count + p) * q_count + q if sensitive else c]
        seen = plane[top:bottom, left:right]
        if seen.size:
            y[k, c, p, q] = seen.mean() if sensitive else seen.max()
    return y


@given(regions(), st.sampled_from([1.0, 0.5]), st.integers(-1, 3), st.booleans())
def test_roi_align(drawn, scale, ratio, aligned):
    x, boxes, size = drawn
    actual = ops.roi_align(Tensor(x), Tensor(boxes), size, scale, ratio, aligned)
    smallest = None if aligned else 1
    expected = align_by_definition(x, boxes, size, scale, ratio, 0.5 * aligned, smallest, False)
    np.testing.assert_allclose(actual.array, expected, rtol=1e-9, atol=1e-12)
    check_gradient(lambda x: ops.roi_align(x, Tensor(boxes), size, scale, ratio, aligned), x)


@given(regions(), st.sampled_from([1.0, 0.5]), st.integers(-1, 3))
def test_ps_roi_align(drawn, scale, ratio):
    x, boxes, size = drawn
    actual = ops.ps_roi_align(Tensor(x), Tensor(boxes), size, scale, ratio)
    expected = align_by_definition(x, boxes, size, scale, ratio, 0.5, None, True)
    np.testing.assert_allclose(actual.array, expected, rtol=1e-9, atol=1e-12)
    check_gradient(lambda x: ops.ps_roi_align(x, Tensor(boxes), size, scale, ratio), x)


@given(regions(), st.sampled_from([1.0, 0.5]))
def test_ps_roi_pool(drawn, scale):
    x, boxes, size = drawn
    actual = ops.ps_roi_pool(Tensor(x), Tensor(boxes), size, scale)
    np.testing.assert_allclose(actual.array, pool_by_definition(x, boxes, size, scale, True), rtol=1e-9, atol=1e-12)
    check_gradient(lambda x: ops.ps_roi_pool(x, Tensor(boxes), size, scale), x)


@given(regions(), st.sampled_from([1.0, 0.5]))
def test_roi_pool(drawn, scale):
    x, boxes, size = drawn
    actual = ops.roi_pool(Tensor(x), Tensor(boxes), size, scale)
    np.testing.assert_allclose(actual.array, pool_by_definition(x, boxes, size, scale, False), rtol=0)
    check_gradient(lambda x: ops.roi_pool(x, Tensor(boxes), size, scale), x)


@given(regions(), st.integers(-1, 2), st.booleans())
def test_both_implementations_of_the_gradient(drawn, ratio, sensitive):
    x, boxes, size = drawn
    align = ops.ps_roi_align if sensitive else ops.roi_align
    gradients = []
    for reference in (False, True):
        for dtype in (np.float32, np.float64):
            leaf = Tensor(x.astype(dtype), True)
            with sn.kernels.use_reference(reference):
                y = align(leaf, Tensor(boxes.astype(dtype)), size, 0.7, ratio)
                (y * y).sum().backward()
            gradients.append(leaf.grad.array)
    np.testing.assert_allclose(gradients[0], gradients[2], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(gradients[1], gradients[3], rtol=1e-10, atol=1e-12)


X = (np.arange(48.0) ** 2 % 7).reshape(1, 1, 6, 8)
ROIS = np.array([[0, 1.2, 0.7, 6.1, 4.4], [0, 0, 0, 7, 5], [0, 2.5, 1.5, 3, 2]])


def test_torchvisions_figures():
    """Of torchvision 0.28."""
    expected = [[[2.5677430556, 1.1423611111], [1.6461805556, 1.8757638889]],
                [[2.5052083333, 1.51171875], [1.8467881944, 2.1202256944]],
                [[3.125, 3.0625], [3.0625, 2.625]]]  # fmt: skip
    np.testing.assert_allclose(ops.roi_align(Tensor(X), Tensor(ROIS), 2).array[:, 0], expected, rtol=1e-9)
    expected = [[[2.6001953125, 1.983671875], [2.351171875, 1.05625]],
                [[2.19140625, 1.86328125], [2.36328125, 1.54296875]],
                [[2.03125, 2.09375], [2.09375, 2.28125]]]  # fmt: skip
    actual = ops.roi_align(Tensor(X), Tensor(ROIS), 2, 1.0, 2, True)
    np.testing.assert_allclose(actual.array[:, 0], expected, rtol=1e-9)


def test_by_hand():
    x = Tensor(np.array([[[[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]]]), True)
    box = Tensor(np.array([[0.0, 0, 0, 2, 2]]))
    y = ops.roi_align(x, box, 1, sampling_ratio=1)  # one sample, at (1, 1)
    assert y.tolist() == [[[[5]]]]
    y = ops.roi_align(x, box, 1, sampling_ratio=1, aligned=True)  # at (½, ½): the mean of four pixels
    assert y.tolist() == [[[[3]]]]
    y.sum().backward()
    assert x.grad.tolist() == [[[[0.25, 0.25, 0], [0.25, 0.25, 0], [0, 0, 0]]]]
    assert ops.roi_pool(x, box, (1, 2)).tolist() == [[[[8, 9]]]]  # 3 columns in 2 bins: the middle one is in both


def test_what_roi_pool_does_not_take():
    x = np.full((1, 1, 2, 2), np.nan)
    x[0, 0, 1, 0] = -np.inf
    lowest = np.finfo(np.float32).min
    for reference in (False, True):
        with sn.kernels.use_reference(reference):
            leaf = Tensor(x, True)
            y = ops.roi_pool(leaf, Tensor(np.array([[0.0, 0, 0, 1, 1], [0, 5, 5, 6, 6]])), 1)
            assert y.tolist() == [[[[lowest]]], [[[0]]]]
            y.sum().backward()
            assert (leaf.grad.array == 0).all()


def test_a_list_of_boxes_for_each_image():
    x = values((2, 3, 6, 6), 0)
    boxes = [np.array([[0.0, 0, 4, 4], [1, 1, 5, 3]]), np.array([[2.0, 0, 5, 5]])]
    numbered = np.concatenate([np.insert(b, 0, i, 1) for i, b in enumerate(boxes)])
    for function in (ops.roi_align, ops.roi_pool):
        assert np.array_equal(
            function(Tensor(x), [Tensor(b) for b in boxes], 2).array, function(Tensor(x), Tensor(numbered), 2).array
        )


@pytest.mark.parametrize("name, text", [
    ("roi_align", "RoIAlign(output_size=(3, 2), spatial_scale=0.5, sampling_ratio=2, aligned=True)"),
    ("roi_pool", "RoIPool(output_size=3, spatial_scale=0.25)"),
    ("ps_roi_align", "PSRoIAlign(output_size=3, spatial_scale=1.0, sampling_ratio=-1)"),
    ("ps_roi_pool", "PSRoIPool(output_size=3, spatial_scale=1.0)"),
])  # fmt: skip
def test_modules_print_and_do_as_torchvisions(name, text):
    module = eval(text, vars(ops))
    assert repr(module) == text and not module.state_dict()
    x = Tensor(values((1, 9, 6, 8), 0))
    settings = {key: getattr(module, key) for key in module.settings}
    assert np.array_equal(module(x, Tensor(ROIS)).array, getattr(ops, name)(x, Tensor(ROIS), **settings).array)


@pytest.mark.parametrize("function", [ops.roi_align, ops.roi_pool, ops.ps_roi_align, ops.ps_roi_pool])
def test_refusals(function):
    x = Tensor(values((1, 4, 6, 8), 0))
    for boxes in (ROIS[:, 1:], ROIS[0], ROIS.astype(np.float32), ROIS + [[1, 0, 0, 0, 0]], ROIS * np.nan):
        with pytest.raises(RuntimeError):
            function(x, Tensor(boxes), 2)
    for boxes in ([Tensor(ROIS)], []):
        with pytest.raises(RuntimeError):
            function(x, boxes, 2)
    for size in (0, (2, 0), (1, 2, 3)):
        with pytest.raises(RuntimeError):
            function(x, Tensor(ROIS), size)
    with pytest.raises(RuntimeError):
        function(Tensor(values((4, 6, 8), 0)), Tensor(ROIS), 2)
    with pytest.raises(NotImplementedError):
        function(Tensor(np.ones((1, 4, 6, 8), int)), Tensor(ROIS), 2)
    with pytest.raises(TypeError):
        function(x, ROIS, 2)
    if function in (ops.ps_roi_align, ops.ps_roi_pool):
        with pytest.raises(RuntimeError, match="multiple"):
            function(x, Tensor(ROIS), 3)
