"""Layers that resize, against torch's."""

import pytest

from scratchnet.testing import values


@pytest.mark.parametrize("text, dims", [
    ("Upsample(scale_factor=2)", 2),
    ("Upsample(size=(3, 7), mode='bilinear')", 2),
    ("Upsample(scale_factor=(2.0, 1.5), mode='bicubic', align_corners=True)", 2),
    ("Upsample(scale_factor=1.5, mode='linear', recompute_scale_factor=True)", 1),
    ("Upsample(5, mode='trilinear')", 3),
    ("Upsample(scale_factor=0.5, mode='area')", 3),
    ("UpsamplingNearest2d(scale_factor=3)", 2),
    ("UpsamplingNearest2d((3, 9))", 2),
    ("UpsamplingBilinear2d(scale_factor=(2, 3))", 2),
    ("UpsamplingBilinear2d(size=5)", 2),
])  # fmt: skip
def test_layer(check_module, text, dims):
    check_module(text, values((2, 3, *(4, 6, 3)[:dims]), 0))
