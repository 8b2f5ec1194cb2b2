"""Scripts written for torch run with scratchnet imported instead, and their losses lie on torch's."""

import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

import scratchnet

SCRIPTS = Path(__file__).parents[2] / "examples" / "torch_scripts"
ARGUMENTS = {
    "mlp": "--epochs 4 --points 40",
    "cnn": "--n 64 --epochs 1 --batch-size 16",
    "vae": "--n 256 --epochs 3",
    "dcgan": "--iterations 8 --n 64 --batchSize 8",
    "gcn": "--epochs 30",
    "char_lstm": "--epochs 1 --hidden 16",
    "transformer_lm": "--steps 8 --batch_size 4",
    "siamese": "--epochs 2 --n 64",
    "super_resolution": "--nEpochs 2 --n 32",
    "reinforce": "--episodes 8",
}
SECONDS_LONG = {"cnn", "dcgan", "mlp", "siamese"}       # of these, most in convolutions compiled for them alone, or steps


def with_scratchnet(source):
    """A script with its imports of torch replaced, and nothing else."""
    replacements = [
        (r"^import torch$", "import scratchnet as torch"),
        (r"^import torch\.([\w.]+) as (\w+)$", r"import scratchnet.\1 as \2"),
        (r"^import torch\.([\w.]+)$", r"import scratchnet.\1; import scratchnet as torch"),
        (r"^from torch(\.[\w.]+)? import ", r"from scratchnet\1 import "),
        (r"^import torchvision$", "import scratchnet.vision as torchvision"),
        (r"^(from|import) torchvision\b", r"\1 scratchnet.vision"),
    ]
    for pattern, replacement in replacements:
        source = re.sub(pattern, replacement, source, flags=re.MULTILINE)
    return source


def losses_of(name, source, arguments):
    script = ModuleType(name)
    exec(compile(source, f"{name}.py", "exec"), script.__dict__)
    return script.main(arguments.split())


@pytest.fixture(autouse=True)
def one_thread():
    """torch's sums depend on the number of threads; and neither library is left as a script has set it."""
    threads, cudnn = torch.get_num_threads(), torch.backends.cudnn
    flags = cudnn.deterministic, cudnn.benchmark
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    cudnn.deterministic, cudnn.benchmark = flags


def test_every_script_is_here():
    assert {path.stem for path in SCRIPTS.glob("*.py")} == set(ARGUMENTS)


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in SECONDS_LONG else n for n in ARGUMENTS])
def test_the_losses_are_torchs(name):
    source = (SCRIPTS / f"{name}.py").read_text()
    changed = with_scratchnet(source)
    assert "import scratchnet" in changed and not re.search(r"^(import|from) torch", changed, re.MULTILINE)
    assert "scratchnet" not in source

    theirs = losses_of(name, source, ARGUMENTS[name])
    ours = losses_of(name, changed, ARGUMENTS[name])
    assert len(ours) == len(theirs) > 2 and np.ptp(theirs) > 0
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    for library in (torch, scratchnet):
        assert library.is_grad_enabled()
