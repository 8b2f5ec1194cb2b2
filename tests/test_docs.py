"""The Python in README.md and docs/ runs, and their links lead somewhere; docstrings say what they must."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest

from scratchnet import nn

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [page for page in PAGES if "_build" not in page.parts]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", [p for p in PAGES if "```python" in p.read_text()], ids=name)
def test_code_runs(page: Path, capsys: pytest.CaptureFixture) -> None:
    """All blocks of a page run in one namespace, from top to bottom."""
    import numpy as np

    namespace = {"np": np, "__name__": name(page)}
    for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        exec(compile(block, name(page), "exec"), namespace)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_exist(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{name(page)} links to {target}"


PUBLIC = ("nn", "nn.functional", "nn.init", "optim", "optim.lr_scheduler")
EXPLANATION = re.compile(r"[=·√Σ²ᵖ‖^⌊|−<>]| / |max\(|\. [A-Z]|\n|^Raises NotImplementedError")  # a formula, or sentences
PAPER = re.compile(r'[^\W\d_][\w. ]*,\s+"[^"]+"(?:\s+\([^)]*\))?,\s+(?:19|20)\d\d')  # authors, "title", year
SHAPE = re.compile(r"\[[A-Za-z.*][^]]*\]|\[\]|any shape")
OF_MODULES = (nn.Sequential, nn.DataParallel)  # their shapes are those of what they contain


def documented(package: str) -> dict:
    """The classes and functions of ours that torch has in this package too, by name."""
    torchs = vars(importlib.import_module(f"torch.{package}"))
    ours = importlib.import_module(f"scratchnet.{package}")
    found = {name: getattr(ours, name, None) for name in torchs if not name.startswith("_")}
    return {
        name: x for name, x in found.items()
        if (inspect.isclass(x) or inspect.isfunction(x)) and x.__module__.startswith("scratchnet")
    }  # fmt: skip


def explanation(name: str, package: str, depth: int = 2) -> str:
    """Its docstring, and those of what this refers to."""
    found = vars(importlib.import_module(f"scratchnet.{package}")).get(name)
    text = vars(found).get("__doc__") or "" if inspect.isclass(found) else getattr(found, "__doc__", None) or ""
    for owner, other in re.findall(r"`(functional\.|)(\w+)`", text) if depth else ():
        if other != name or owner:
            text += "\n\n" + explanation(other, "nn.functional" if owner else package, depth - 1)
    return text


@pytest.mark.parametrize("package", PUBLIC)
def test_docstrings_explain(package: str) -> None:
    """Each has a formula, or more than a sentence; what it refers to counts."""
    for name in documented(package):
        text = explanation(name, package).strip()
        assert EXPLANATION.search(text), f"{package}.{name} is not explained: {text!r}"


def test_docstrings_of_layers_have_shapes() -> None:
    for name, layer in documented("nn").items():
        if inspect.isclass(layer) and issubclass(layer, nn.Module) and layer.forward is not nn.Module.forward:
            assert layer in OF_MODULES or SHAPE.search(explanation(name, "nn")), f"nn.{name} says nothing of shapes"


OF_PAPERS = ("nn.blocks", "nn.losses")
WITHOUT_PAPER = ("Conv2dNormActivation",)  # torchvision's
WITHOUT_SHAPE = ("ScheduledDropPath",)  # no layer: it sets the layers of a network


@pytest.mark.parametrize("package", OF_PAPERS)
def test_docstrings_of_what_papers_have(package: str) -> None:
    """A formula, shapes and a paper for each; what it refers to counts."""
    for name in importlib.import_module(f"scratchnet.{package}").__all__:
        text = explanation(name, package).strip()
        assert EXPLANATION.search(text), f"{package}.{name} is not explained: {text!r}"
        assert name in WITHOUT_SHAPE or SHAPE.search(text), f"{package}.{name} says nothing of shapes"
        assert name in WITHOUT_PAPER or PAPER.search(text), f"{package}.{name} names no paper"
