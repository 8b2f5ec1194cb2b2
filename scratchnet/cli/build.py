"""From the settings of a run to the things that train: data, model, optimizer, schedule."""

from __future__ import annotations

import importlib.util
import math
from typing import Any

from scratchnet import nn, optim
from scratchnet.data import DataLoader
from scratchnet.data.datasets import MNIST, FashionMNIST, ImageDataset, MNIST5k
from scratchnet.data.transforms import Compose, Normalize, RandomAffine, ToTensor
from scratchnet.optim import lr_scheduler
from scratchnet.vision.models import LeNet5, Perceptron

PIXEL_MEAN, PIXEL_STD = 0.1307, 0.3081  # of MNIST's training images

SCALE = [ToTensor(), Normalize(PIXEL_MEAN, PIXEL_STD)]
# Slants and sizes vary between writers; more than this and a 6 begins to look like a 0.
AUGMENT = RandomAffine(degrees=15, translate=(2 / 28, 2 / 28), scale=(0.85, 1.15), shear=10)


def require(*modules: str) -> None:
    """Say what to install if a module is missing, before any work is done."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(f"this command needs {', '.join(missing)}: pip install 'scratchnet[cli]'")


def datasets(data: str, augment: bool) -> tuple[ImageDataset, ImageDataset]:
    """Training and test set of "mnist5k", "mnist:FOLDER" or "fashion:FOLDER"."""
    kind, _, folder = data.partition(":")
    place = (folder,) if folder else ()
    cls: Any = {"mnist5k": MNIST5k, "mnist": MNIST, "fashion": FashionMNIST}[kind]
    train = cls(*place, train=True, transform=Compose([AUGMENT, *SCALE] if augment else SCALE))
    test = cls(*place, train=False, transform=Compose(SCALE))
    for name, part in (("training", train), ("test", test)):
        if not len(part):
            raise ValueError(f"the {name} set of {data} is empty")
        if part.data.shape[1:] != (28, 28):
            raise ValueError(f"the {name} set of {data} has images of shape {part.data.shape[1:]}, expected (28, 28)")
    return train, test


def train_loader(train: ImageDataset, settings: dict[str, Any]) -> DataLoader:
    return DataLoader(train, settings["batch_size"], shuffle=True, num_workers=settings["workers"])


def test_loader(test: ImageDataset) -> DataLoader:
    return DataLoader(test, 500)


def model(name: str, num_classes: int) -> nn.Module:
    if name == "lenet5":
        return LeNet5(num_classes)
    if name == "lenet5-1998":
        return LeNet5(num_classes, activation=nn.Tanh, pooling=nn.AvgPool2d)
    if name == "perceptron":
        return Perceptron(num_classes)
    raise ValueError(f"there is no model {name!r}")


def optimizer(network: nn.Module, settings: dict[str, Any]) -> optim.Optimizer:
    options = {"lr": settings["lr"], "weight_decay": settings["weight_decay"]}
    if settings["optimizer"] == "sgd":
        return optim.SGD(network.parameters(), momentum=0.9, nesterov=True, **options)
    return {"adam": optim.Adam, "adamw": optim.AdamW}[settings["optimizer"]](network.parameters(), **options)


def schedule(optimizer: optim.Optimizer, settings: dict[str, Any], batches: int) -> Any:
    """Linear warm-up, then the course asked for; one step a batch."""
    total = settings["epochs"] * batches
    warm = min(round(settings["warmup"] * batches), total - 1)
    rest = total - warm
    kind = settings["schedule"]
    if kind == "cosine":
        course: Any = lr_scheduler.CosineAnnealingLR(optimizer, rest)
    elif kind == "step":
        course = lr_scheduler.StepLR(optimizer, max(math.ceil(rest / 3), 1))
    else:
        course = lr_scheduler.ConstantLR(optimizer, factor=1.0, total_iters=0)
    if not warm:
        return course
    rise = lr_scheduler.LinearLR(optimizer, start_factor=1 / (warm + 1), total_iters=warm)
    return lr_scheduler.SequentialLR(optimizer, [rise, course], [warm])
