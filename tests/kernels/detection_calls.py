"""Calls of the kernels for object detection, for `calls`."""

import numpy as np

from scratchnet import kernels
from scratchnet.kernels import roi_taps


def detection_calls(rng, a, positive):
    def boxes(n):
        corner = 3 * a(n, 2)
        return np.concatenate([corner, corner + 4 * positive(n, 2)], 1)

    image, regions = rng.integers(0, 2, 9), boxes(9)
    rows = roi_taps.sampled_taps(regions[:, 1], regions[:, 3], 3, 0, 11, None)
    columns = roi_taps.sampled_taps(regions[:, 0], regions[:, 2], 2, 2, 8, 1)
    bins = [roi_taps.pixel_bins(regions[:, i], regions[:, i + 2], 2, 1, n) for i, n in ((1, 11), (0, 8))]
    largest = kernels.roi_pool.reference(a(2, 6, 11, 8), image, *bins)
    return {
        "box_iou": (boxes(13), boxes(7), "iou"),
        "box_iou generalized": (boxes(13).reshape(1, 13, 4), boxes(7).reshape(1, 7, 4), "generalized"),
        "box_iou distance": (boxes(13), boxes(7), "distance"),
        "box_iou complete": (boxes(13), boxes(7), "complete"),
        "nms": (boxes(600), a(600).round(1), 0.3),
        "nms grouped": (boxes(200), a(200).round(1), 0.2, rng.integers(0, 3, 200)),
        "soft_nms": (boxes(60), positive(60), 0.2, 0.5, 0.1, "linear"),
        "soft_nms gaussian": (boxes(60), positive(60), 0.2, 0.5, 0.1, "gaussian"),
        "matrix_nms": (boxes(60), positive(60)),
        "matrix_nms linear": (boxes(60), positive(60), rng.integers(0, 3, 60), "linear"),
        "roi_average": (a(2, 6, 11, 8), image, rows, columns, (3, 2)),
        "roi_average sensitive": (a(2, 12, 11, 8), image, rows, columns, (3, 2), True),
        "roi_average_backward": (a(9, 6, 3, 2), image, rows, columns, (3, 2), (2, 6, 11, 8)),
        "roi_average_backward sensitive": (a(9, 2, 3, 2), image, rows, columns, (3, 2), (2, 12, 11, 8), True),
        "roi_pool": (a(2, 6, 11, 8), image, *bins),
        "roi_pool_backward": (a(9, 6, 2, 2), largest[1], image, (2, 6, 11, 8)),
    }
