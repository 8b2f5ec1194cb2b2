"""One readable file for each architecture."""

from scratchnet.vision.models.lenet import LeNet5
from scratchnet.vision.models.mobilenetv2 import MobileNetV2, mobilenet_v2
from scratchnet.vision.models.mtcnn import MTCNN, ONet, PNet, RNet
from scratchnet.vision.models.perceptron import Perceptron
from scratchnet.vision.models.resnet import (
    ResNet,
    resnet18,
    resnet34,
    resnet50,
    resnet101,
    resnet152,
    resnext50_32x4d,
    resnext101_32x8d,
    resnext101_64x4d,
    wide_resnet50_2,
    wide_resnet101_2,
)

__all__ = [
    "LeNet5",
    "MTCNN",
    "MobileNetV2",
    "ONet",
    "PNet",
    "Perceptron",
    "RNet",
    "ResNet",
    "mobilenet_v2",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "resnext50_32x4d",
    "resnext101_32x8d",
    "resnext101_64x4d",
    "wide_resnet50_2",
    "wide_resnet101_2",
]
