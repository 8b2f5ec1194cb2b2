"""MTCNN: its networks beside torch, its rules in loops and by hand.

What it finds with published weights is in tests/examples/test_real_mtcnn.py.
"""

import numpy as np
import pytest
from torch.nn import functional as F

import scratchnet
from scratchnet import Tensor
from scratchnet.testing.to_torch import to_torch
from scratchnet.vision.models import MTCNN, ONet, PNet, RNet, mtcnn


def network_of_torch(state, x, pools, heads):
    """The paper's Figure 2, from the names in the state dict: pools[i] is the window after convolution i + 1, if any."""
    for number, window in enumerate(pools, 1):
        x = F.conv2d(x, state[f"conv{number}.weight"], state[f"conv{number}.bias"])
        x = F.prelu(x, state[f"prelu{number}.weight"])
        x = F.max_pool2d(x, window, 2, ceil_mode=True) if window else x
    last = len(pools) + 1
    if f"dense{last}.weight" in state:
        x = x.transpose(1, 3).flatten(1)
        x = F.prelu(F.linear(x, state[f"dense{last}.weight"], state[f"dense{last}.bias"]), state[f"prelu{last}.weight"])
        outputs = [F.linear(x, state[f"{head}.weight"], state[f"{head}.bias"]) for head in heads]
    else:
        outputs = [F.conv2d(x, state[f"{head}.weight"], state[f"{head}.bias"]) for head in heads]
    return [*outputs[1:], outputs[0].softmax(1)]  # probabilities last


NETWORKS = [
    (PNet, (13, 16), (2, 0, 0), ["conv4_1", "conv4_2"], 6_632),
    (RNet, (24, 24), (3, 3, 0), ["dense5_1", "dense5_2"], 100_178),
    (ONet, (48, 48), (3, 3, 2, 0), ["dense6_1", "dense6_2", "dense6_3"], 389_040),
]


@pytest.mark.parametrize("make, size, pools, heads, parameters", NETWORKS)
def test_networks_are_torchs(make, size, pools, heads, parameters):
    net = make().double()
    for slopes in (value for name, value in net.named_parameters() if name.startswith("prelu")):
        scratchnet.nn.init.uniform_(slopes, -0.5, 0.5)
    x = scratchnet.randn(2, 3, *size).double()
    with scratchnet.no_grad():
        outputs = net(x)
    expected = network_of_torch(to_torch(dict(net.state_dict())), to_torch(x), pools, heads)
    assert sum(p.numel() for p in net.parameters()) == parameters
    for ours, theirs in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(ours.array, theirs.numpy(), rtol=1e-9, atol=1e-12)


def detect_in_loops(net, image):
    """Faces as (probability, box, landmarks), the largest first; and how many boxes the first two stages found."""
    height, width = image.shape[:2]
    scale, proposals = 12 / net.min_face_size, []
    while min(height, width) * scale >= 12:
        small = means(image, int(height * scale + 1), int(width * scale + 1))
        moves, p = looked_at(net.pnet, small)
        here = [
            (p[1, r, c], np.floor(np.array([2 * c + 1, 2 * r + 1, 2 * c + 12, 2 * r + 12]) / scale), moves[:, r, c])
            for r, c in np.ndindex(p.shape[1:])
            if p[1, r, c] >= net.thresholds[0]
        ]
        proposals += best_of(here, 0.5, 0)
        scale *= net.factor
    proposals = best_of(proposals, 0.7, 0)
    refined = best_of(closer(net.rnet, image, [moved(b, m, 0) for _, b, m in proposals], 24, net.thresholds[1]), 0.7, 0)
    decided = []
    for p, box, move, points in closer(net.onet, image, [moved(b, m, 1) for _, b, m in refined], 48, net.thresholds[2]):
        w, h = box[2] - box[0] + 1, box[3] - box[1] + 1
        landmarks = [(w * points[i] + box[0] - 1, h * points[5 + i] + box[1] - 1) for i in range(5)]
        decided.append((p, moved(box, move, 1), landmarks))
    faces = best_of(decided, 0.7, 1, of_smaller=True)
    faces.sort(key=lambda face: (face[1][2] - face[1][0]) * (face[1][3] - face[1][1]), reverse=True)
    return faces, (len(proposals), len(refined))


def means(image, rows, columns):
    """Another size: pixel i of n is the mean of the pixels that the i-th of n equal parts touches."""
    touched = [
        [range(i * old // new, -(-(i + 1) * old // new)) for i in range(new)]
        for old, new in zip(image.shape, (rows, columns))
    ]
    return np.array([[image[np.ix_(r, c)].mean((0, 1)) for c in touched[1]] for r in touched[0]])


def looked_at(network, image):
    with scratchnet.no_grad():
        return [output.array[0] for output in network(Tensor((image.transpose(2, 0, 1)[None] - 127.5) / 128))]


def closer(network, image, boxes, size, threshold):
    for x1, y1, x2, y2 in boxes:
        x, y, half = (x1 + x2) / 2, (y1 + y2) / 2, max(x2 - x1, y2 - y1) / 2
        box = np.array([x - half, y - half, x + half, y + half])
        left, top, right, bottom = (int(v) for v in box)
        crop = image[max(top, 1) - 1 : max(bottom, 0), max(left, 1) - 1 : max(right, 0)]
        if crop.size:
            move, *points, p = looked_at(network, means(crop, size, size))
            if p[1] > threshold:
                yield p[1], box, move, *points


def moved(box, move, extra):
    w, h = box[2] - box[0] + extra, box[3] - box[1] + extra
    return box + move * [w, h, w, h]


def best_of(found, limit, extra, of_smaller=False):
    kept = []
    for candidate in sorted(found, key=lambda f: f[0], reverse=True):
        if all(shared(candidate[1], other[1], extra, of_smaller) <= limit for other in kept):
            kept.append(candidate)
    return kept


def shared(a, b, extra, of_smaller):
    w, h = min(a[2], b[2]) - max(a[0], b[0]) + extra, min(a[3], b[3]) - max(a[1], b[1]) + extra
    both, *areas = max(w, 0) * max(h, 0), *((c[2] - c[0] + extra) * (c[3] - c[1] + extra) for c in (a, b))
    return both / (min(areas) if of_smaller else sum(areas) - both)


@pytest.mark.parametrize("seed", [0, 24, 33])  # of which all stages find some, and drop some
def test_random_networks_find_what_loops_find(seed):
    scratchnet.manual_seed(seed)
    net = MTCNN(min_face_size=14, thresholds=(0.5, 0.5, 0.5), factor=0.8).double()
    image = np.random.default_rng(seed).integers(0, 256, (23, 26, 3), np.uint8)
    with scratchnet.no_grad():
        for network, head in ((net.pnet, "conv4_"), (net.rnet, "dense5_"), (net.onet, "dense6_")):
            for name, weight in network.named_parameters():
                if name.startswith(head):
                    weight *= 8  # more certain, and farther off, than at first
    faces, (proposals, refined) = detect_in_loops(net, image)
    assert proposals > refined > len(faces) > 1
    boxes, probabilities, landmarks = net.detect(image)
    for ours, theirs in zip((probabilities, boxes, landmarks), zip(*faces, strict=True), strict=True):
        np.testing.assert_allclose(ours.array, np.array(theirs), rtol=1e-9)


def test_the_pyramid_ends_with_a_face_as_large_as_the_image():
    net = MTCNN(min_face_size=24, factor=0.5)
    assert list(net.pyramid(48, 100)) == [(0.5, 25, 51), (0.25, 13, 26)]
    assert list(net.pyramid(23, 100)) == []


def test_a_window_is_where_its_cell_was():
    """Row 1 and column 2 saw pixels 4 … 15 across and 2 … 13 down of an image half the size; pixels count from 1."""
    probabilities = np.zeros((1, 2, 3, 4), np.float32)
    probabilities[0, 1, 1, 2] = 0.75
    corrections = np.arange(48, dtype=np.float32).reshape(1, 4, 3, 4)
    windows, scores, moves = mtcnn._windows(Tensor(corrections), Tensor(probabilities), 0.5, 0.75)
    np.testing.assert_array_equal(windows.array, [[10, 6, 32, 28]])
    np.testing.assert_array_equal(scores.array, [0.75])
    np.testing.assert_array_equal(moves.array, [[6, 18, 30, 42]])


def test_crops_are_square_and_end_at_the_image():
    image = Tensor(np.arange(36, dtype=np.float32).reshape(1, 1, 6, 6).repeat(3, 1))
    boxes = Tensor(np.array([[-5, -5, 2, 2], [7, 1, 9, 3], [4, 2, 6, 4], [1, 2, 3, 6]], np.float32))
    squares, crops = mtcnn._crops(image, boxes, 1)
    np.testing.assert_array_equal(squares.array, [[-5, -5, 2, 2], [4, 2, 6, 4], [0, 2, 4, 6]])
    rows = [(range(0, 2), range(0, 2)), (range(1, 4), range(3, 6)), (range(1, 6), range(0, 4))]
    means = np.array([np.mean([6 * r + c for r in down for c in across]) for down, across in rows])
    np.testing.assert_allclose(crops.array[:, 0, 0, 0], (means - 127.5) / 128, rtol=1e-6)


def test_a_box_within_a_better_one_is_dropped():
    boxes = np.array([[0, 0, 99, 99], [10, 10, 19, 19], [80, 80, 120, 120], [12, 12, 17, 17]], np.float32)
    keep = mtcnn._suppress_contained(boxes, np.array([0.8, 0.9, 0.7, 0.95], np.float32), 0.7)
    assert keep.tolist() == [3, 2]  # the first and the second hold the last, which is better
    keep = mtcnn._suppress_contained(boxes, np.array([0.8, 0.1, 0.7, 0.05], np.float32), 0.7)
    assert keep.tolist() == [0, 2]


@pytest.mark.parametrize("size, thresholds", [((19, 40), (0, 0, 0)), ((24, 30), (1.1, 0, 0)), ((20, 21), (0, 1.1, 0))])
def test_nothing_found(size, thresholds):
    """The image is too small; the first network finds nothing; the second leaves nothing."""
    boxes, probabilities, landmarks = MTCNN(thresholds=thresholds).detect(np.zeros((*size, 3), np.uint8))
    assert (boxes.shape, probabilities.shape, landmarks.shape) == ((0, 4), (0,), (0, 5, 2))
    assert boxes.dtype == probabilities.dtype == landmarks.dtype == scratchnet.float32


def test_the_third_network_leaves_nothing():
    boxes, probabilities, landmarks = MTCNN(thresholds=(0, 0, 1.1)).detect(np.zeros((20, 21, 3), np.uint8))
    assert (boxes.shape, probabilities.shape, landmarks.shape) == ((0, 4), (0,), (0, 5, 2))


@pytest.mark.parametrize(
    "image, error, message",
    [
        (np.zeros((3, 24, 24), np.uint8), ValueError, r"an image of shape \[H, W, 3\], got \(3, 24, 24\)"),
        (np.zeros((24, 24), np.uint8), ValueError, r"an image of shape \[H, W, 3\], got \(24, 24\)"),
        (np.zeros((24, 0, 3), np.uint8), ValueError, r"an image of shape \[H, W, 3\], got \(24, 0, 3\)"),
        (np.zeros((24, 24, 4), np.uint8), ValueError, r"an image of shape \[H, W, 3\], got \(24, 24, 4\)"),
        (scratchnet.rand(24, 24, 3), TypeError, "0 … 255 in uint8, got float32"),
    ],
)
def test_images_that_are_refused(image, error, message):
    with pytest.raises(error, match=message):
        MTCNN().detect(image)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"factor": 1.5}, "factor between 0 and 1, got 1.5"),
        ({"min_face_size": 0}, "min_face_size > 0, got 0"),
        ({"thresholds": (0.5, 0.5)}, r"three thresholds, one for each network, got \(0.5, 0.5\)"),
    ],
)
def test_numbers_that_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        MTCNN(**options)
