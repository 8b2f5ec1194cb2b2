"""The network that pronounces, beside the NumPy code of the package that its weights come from."""

import importlib
import random
import re
import sys
import warnings
from unittest import mock

import pytest

from examples.same_seed import JABBERWOCKY
from scratchnet.interop import weights
from tests.examples.real_weights import needs, run

pytestmark = pytest.mark.slow


@pytest.fixture
def reference(monkeypatch):
    """The package's own `G2p`, without the dictionaries that it downloads: `predict` does not look at them."""
    needs("g2p_en")
    for name in ("nltk", "nltk.corpus", "nltk.tokenize", "inflect"):
        monkeypatch.setitem(sys.modules, name, mock.MagicMock())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an escape in the package's own code
        yield importlib.import_module("g2p_en.g2p").G2p()


def five_hundred_words():
    """Those of the package that are pronounced in two ways, a poem's that nobody knew, and some at random."""
    lines = weights.inside("g2p_en", "homographs.en").read_text("utf-8").splitlines()
    words = dict.fromkeys(line.split("|")[0].lower() for line in lines if not line.startswith("#"))
    words |= dict.fromkeys(re.findall("[a-z]+", JABBERWOCKY.lower()))
    rng = random.Random(0)
    while len(words) < 500:
        words["".join(rng.choices("abcdefghijklmnopqrstuvwxyz'é", k=rng.randint(1, 15)))] = None
    return list(words)


def test_five_hundred_words(reference, tmp_path, monkeypatch, capsys):
    words = five_hundred_words()
    assert len(words) == 500
    monkeypatch.chdir(tmp_path)
    ours = run("g2p", *words)
    assert ours == [reference.predict(word) for word in words]
    assert (tmp_path / "runs" / "g2p" / "probabilities.png").exists()
    assert len(capsys.readouterr().out.splitlines()) == 502
    assert len({tuple(phonemes) for phonemes in ours}) > 400
