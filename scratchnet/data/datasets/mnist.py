"""Digits and clothes: 28 × 28 grey images of ten classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scratchnet.autograd import Tensor
from scratchnet.data.collate import Stacked
from scratchnet.data.dataset import Dataset
from scratchnet.data.datasets.idx import read_idx
from scratchnet.data.transforms.basic import ToTensor, Transform, apply


class ImageDataset(Dataset):
    """Labelled images in memory. Sample i is `(transform(images[i]), label)`.

    Parameters
    ----------
    images : array [n, H, W] or [n, H, W, C], usually bytes
    labels : array of integers [n]
    classes : sequence of str
        Their names; labels count them from 0.
    transform : callable, optional
        Of one image; a `Transform` is given whole batches. `ToTensor()` if not given.
    target_transform : callable, optional
        Of one label.

    Raises
    ------
    ValueError
        If there are not as many labels as images, or a label is out of range, or an image has a NaN.
    """

    def __init__(
        self,
        images: Any,
        labels: Any,
        classes: Sequence[str],
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        name: str = "ImageDataset",
    ) -> None:
        self.data, self.targets = np.asarray(images), np.asarray(labels).astype(np.int64)
        self.classes = list(classes)
        self.transform, self.target_transform = transform or ToTensor(), target_transform
        if self.targets.ndim != 1 or self.data.ndim < 3 or len(self.data) != len(self.targets):
            raise ValueError(
                f"{name}: expected images [n, H, W] and n labels, got shapes {self.data.shape} and {self.targets.shape}"
            )
        wrong = np.flatnonzero((self.targets < 0) | (self.targets >= len(self.classes)))
        if wrong.size:
            raise ValueError(
                f"{name}: label {self.targets[wrong[0]]} of sample {wrong[0]} is out of range: "
                f"expected 0 to {len(self.classes) - 1} ({wrong.size} such labels)"
            )
        if self.data.dtype.kind == "f" and not np.isfinite(self.data).all():
            bad = np.flatnonzero(~np.isfinite(self.data.reshape(len(self.data), -1)).all(1))
            raise ValueError(f"{name}: {bad.size} images hold NaN or infinite pixels, the first is number {bad[0]}")

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self.transform(self.data[index]), self._target(int(self.targets[index]))

    def __getitems__(self, indices: Sequence[int]) -> Any:
        if not isinstance(self.transform, Transform):
            return [self[i] for i in indices]
        rows = np.asarray(indices, dtype=np.intp)
        labels = self.targets[rows]
        if self.target_transform is not None:
            labels = np.asarray([self._target(int(label)) for label in labels])
        return Stacked([as_tensor(apply(self.transform, self.data[rows])), Tensor(labels)])

    def _target(self, label: int) -> Any:
        return label if self.target_transform is None else self.target_transform(label)

    def __len__(self) -> int:
        return len(self.data)

    @property
    def class_to_idx(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.classes)}

    def __repr__(self) -> str:
        size = " × ".join(map(str, self.data.shape[1:]))
        return f"{type(self).__name__}({len(self)} images of {size}, {len(self.classes)} classes)"


def as_tensor(images: Any) -> Tensor:
    return images if isinstance(images, Tensor) else Tensor(images)


class MNIST5k(ImageDataset):
    """5,000 real handwritten digits that come with this package: 4,000 for training, 1,000 for testing.

    They are the first 500 of each digit in MNIST's training set; `mnist5k_origin.md` beside this file tells
    the rest.
    """

    def __init__(self, train: bool = True, transform: Any = None, target_transform: Any = None) -> None:
        with np.load(Path(__file__).with_name("mnist5k.npz"), allow_pickle=False) as file:
            part = slice(None, 4000) if train else slice(4000, None)
            images, labels = file["images"][part], file["labels"][part]
        super().__init__(images, labels, "0123456789", transform, target_transform, "MNIST5k")


class MNIST(ImageDataset):
    """60,000 + 10,000 handwritten digits (LeCun, Bottou, Bengio, Haffner 1998), from the usual IDX files.

    Parameters
    ----------
    root : path
        A folder with `train-images-idx3-ubyte` and so on, gzipped or not; subfolders `raw` and `MNIST/raw`,
        where torchvision puts them, are looked at too.
    train : bool
        The 60,000 for training, or the 10,000 for testing.
    transform, target_transform : callable, optional
    download : bool
        Accepted for torchvision's sake, but nothing is ever downloaded.

    Raises
    ------
    FileNotFoundError
        If a file is missing; says which were looked for.
    ValueError
        If a file is truncated or something else.
    """

    names: Sequence[str] = "0123456789"

    def __init__(
        self,
        root: str | Path,
        train: bool = True,
        transform: Any = None,
        target_transform: Any = None,
        download: bool = False,
    ) -> None:
        self.root, self.train = Path(root), train
        stem, name = "train" if train else "t10k", type(self).__name__
        images = read_idx(self._find(f"{stem}-images", 3), ndim=3)
        labels = read_idx(self._find(f"{stem}-labels", 1), ndim=1)
        super().__init__(images, labels, self.names, transform, target_transform, f"{name} in {self.root}")

    def _find(self, stem: str, ndim: int) -> Path:
        folders = [self.root, self.root / "raw", self.root / type(self).__name__ / "raw"]
        files = [f"{stem}{dash}idx{ndim}-ubyte{gz}" for dash in "-." for gz in ("", ".gz")]
        for path in (folder / file for folder in folders for file in files):
            if path.is_file():
                return path
        raise FileNotFoundError(
            f"{type(self).__name__}: found none of {', '.join(files)} in {' or '.join(map(str, folders))}. "
            "Nothing is downloaded: put the files there."
        )


class FashionMNIST(MNIST):
    """60,000 + 10,000 pictures of clothes (Xiao, Rasul, Vollgraf 2017), in the files and format of MNIST."""

    names = (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    )
