"""MobileNetV2 and the residual networks: torchvision's keys, shapes and initial values; torch's numbers."""

import hashlib

import numpy as np
import pytest
import torch

import scratchnet
from benchmarks.twin import twin
from scratchnet.testing.to_torch import to_torch
from scratchnet.vision import models

# Of torchvision 0.28.0 with torch 2.13.0, seed 0: parameters, sha256 of all "key shape" lines, sum of |parameters|.
FACTS = [
    ("mobilenet_v2", {"width_mult": 0.35, "num_classes": 7}, 405095, "e4964d7cc1cebf0f", 38449.30070271459),
    ("mobilenet_v2", {"width_mult": 0.5, "inverted_residual_setting": [[1, 16, 1, 1], [6, 24, 2, 2]]}, 1310984,
     "fea1551a909270ec", 13559.403179513156),
    ("mobilenet_v2", {}, 3504872, "37bbbce8932fd0c4", 162968.4177306494),
    ("resnet18", {"num_classes": 3}, 11178051, "2057eeb3076b05c3", 224518.71329354687),
    ("resnet18", {"zero_init_residual": True}, 11689512, "84fb10d9c6905a1c", 233942.11503662038),
]  # fmt: skip
SLOW_FACTS = [
    ("resnet34", {}, 21797672, "28f9096d51307499", 452056.7983639899),
    ("resnet50", {"replace_stride_with_dilation": [False, True, True], "num_classes": 3}, 23514179,
     "8e383690f3663e23", 741936.6885136589),
    ("resnet50", {}, 25557032, "d7e4f8bb0a536344", 764318.5418523116),
    ("resnext50_32x4d", {}, 25028904, "e3bad165c034e60f", 824490.6130313037),
    ("resnet101", {}, 44549160, "02c0f34f4842751f", 1497696.5372534622),
    ("resnet152", {}, 60192808, "685c66205bc823aa", 2120333.488189649),
    ("resnext101_32x8d", {}, 88791336, "da7dd7525807e2ee", 2697612.759282118),
    ("resnext101_64x4d", {}, 83455272, "90caac80ae24c51d", 2639991.3078063726),
    ("wide_resnet50_2", {}, 68883240, "41203d1d536c02ed", 1443070.3107936366),
    ("wide_resnet101_2", {}, 126886696, "4f088c0a152b8f5c", 2903475.6083277594),
]  # fmt: skip


@pytest.mark.parametrize(
    "name, options, parameters, keys, total", FACTS + [pytest.param(*row, marks=pytest.mark.slow) for row in SLOW_FACTS]
)
def test_keys_shapes_and_initial_values_are_torchvisions(name, options, parameters, keys, total):
    scratchnet.manual_seed(0)
    net = getattr(models, name)(**options)
    lines = "\n".join(f"{key} {tuple(value.shape)}" for key, value in net.state_dict().items())
    assert hashlib.sha256(lines.encode()).hexdigest()[:16] == keys
    assert sum(p.numel() for p in net.parameters()) == parameters
    assert sum(np.abs(p.array, dtype=float).sum() for p in net.parameters()) == pytest.approx(total, rel=1e-9)


SMALL = {
    "mobilenetv2": lambda m: m.mobilenet_v2(
        num_classes=3, width_mult=0.2, round_nearest=2, inverted_residual_setting=[[1, 8, 1, 1], [2, 12, 2, 2]]
    ),
    "resnet": lambda m: m.ResNet(
        m.Bottleneck, (1, 2, 1, 1), 3, groups=2, width_per_group=32, width=4,
        replace_stride_with_dilation=(False, True, True),
    ),
}  # fmt: skip


@pytest.mark.parametrize("module", SMALL)
def test_outputs_and_gradients_are_those_of_torchs_layers(module):
    """The same file, run with torch's layers in place of ours."""
    name = f"scratchnet.vision.models.{module}"
    ours = SMALL[module](__import__(name, fromlist=["_"])).double().eval()
    theirs = SMALL[module](twin(torch, name)).double().eval()
    theirs.load_state_dict(to_torch(dict(ours.state_dict())))
    x = scratchnet.randn(2, 3, 16, 16).double()
    logits, expected = ours(x), theirs(to_torch(x))
    np.testing.assert_allclose(logits.detach().array, expected.detach().numpy(), rtol=1e-9, atol=1e-12)
    logits.square().sum().backward()
    expected.square().sum().backward()
    for (key, p), (other, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert key == other
        np.testing.assert_allclose(p.grad.array, q.grad.numpy(), rtol=1e-8, atol=1e-12, err_msg=key)


def test_refusals():
    from scratchnet.vision.models import mobilenetv2, resnet

    for build in (models.resnet18, models.mobilenet_v2):
        with pytest.raises(ValueError, match="expected weights=None, got 'DEFAULT'"):
            build(weights="DEFAULT")
    with pytest.raises(ValueError, match="stride should be 1 or 2 instead of 3"):
        mobilenetv2.InvertedResidual(8, 8, 3, 6)
    for setting in ([], [[1, 16, 1]]):
        with pytest.raises(ValueError, match="non-empty or a 4-element list"):
            models.mobilenet_v2(inverted_residual_setting=setting)
    with pytest.raises(ValueError, match="groups=1 and base_width=64, got groups=2"):
        resnet.BasicBlock(8, 8, groups=2)
    with pytest.raises(NotImplementedError, match="Dilation > 1"):
        resnet.BasicBlock(8, 8, dilation=2)
    with pytest.raises(ValueError, match="3-element tuple, got"):
        models.resnet18(replace_stride_with_dilation=[True])
