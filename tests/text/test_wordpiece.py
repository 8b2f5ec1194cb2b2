"""WordPiece: examples by hand, what becomes of every kind of character, and that pieces are the longest."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchnet.text import WordPiece

MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCABULARY = [*MARKS, *"un ##aff ##able ##a cafe e ! - 中 国 [ ] sep οσ $ “".split()]


@pytest.fixture
def pieces():
    return WordPiece(VOCABULARY)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("unaffable", ["un", "##aff", "##able"]),
        ("unaffxable", ["[UNK]"]),  # an unknown rest makes the whole word unknown
        ("una unaff", ["un", "##a", "un", "##aff"]),
        ("Café!", ["cafe", "!"]),
        ("Cafe\u0301", ["cafe"]),  # a letter and a combining accent
        ("ΟΣ", ["οσ"]),  # no other sigma at the end of a word
        ("e-e!!", ["e", "-", "e", "!", "!"]),
        ("e$e“e", ["e", "$", "e", "“", "e"]),  # $ is a symbol, and punctuation to BERT
        ("e€e", ["[UNK]"]),  # € is a symbol
        ("中国e", ["中", "国", "e"]),
        ("e\U0002b820e", ["e", "[UNK]", "e"]),  # a rare ideograph is one, too
        ("e\te\ne\re\u00a0e\u3000e\u2028e", ["e"] * 7),
        ("u\u200bn\x00\x0b\ufffd\ue000", ["un"]),  # what cannot be seen is not there: Cf, Cc, a broken letter, Co
        ("un\U0001fae9", ["[UNK]"]),  # a letter of a later Unicode is one
        ("e" * 101, ["[UNK]"]),
        ("un" + "a" * 98, ["un"] + ["##a"] * 98),
        ("e[SEP]e", ["e", "[SEP]", "e"]),
        ("[MASK] [sep]", ["[MASK]", "[", "sep", "]"]),
        ("", []),
        ("\u00a0", []),
    ],
)
def test_pieces(pieces, text, expected):
    assert pieces.tokenize(text) == expected


def test_capitals_and_accents_stay_if_asked_to():
    words = [*VOCABULARY, "Café", "Cafe", "café"]
    assert WordPiece(words, lowercase=False).tokenize("Café café CAFE") == ["Café", "café", "[UNK]"]
    assert WordPiece(words, lowercase=False, strip_accents=True).tokenize("Café cafe") == ["Cafe", "cafe"]
    assert WordPiece(words, strip_accents=False).tokenize("CAFÉ Cafe") == ["café", "cafe"]


def test_special_pieces_are_words_if_asked_to():
    pieces = WordPiece(VOCABULARY, split_special_tokens=True)
    assert pieces.tokenize("e[SEP]") == ["e", "[", "sep", "]"]
    assert WordPiece(MARKS[:4]).tokenize("[MASK]") == ["[UNK]"] * 3  # not in that vocabulary


@given(
    word=st.text("abc", min_size=1, max_size=8),
    begins=st.sets(st.text("abc", min_size=1, max_size=3)),
    insides=st.sets(st.text("abc", min_size=1, max_size=3)),
)
def test_each_piece_is_the_longest_that_is_known(word, begins, insides):
    found = WordPiece([*MARKS, *begins, *(f"##{piece}" for piece in insides)]).tokenize(word)
    rest, known = word, begins
    for piece in found:
        longest = max((p for p in known if rest.startswith(p)), key=len, default=None)
        if piece == "[UNK]":
            assert len(found) == 1
            break
        assert piece == ("##" if known is insides else "") + longest
        rest, known = rest[len(longest) :], insides
    else:
        assert not rest
        return
    while rest and (longest := max((p for p in known if rest.startswith(p)), key=len, default="")):
        rest, known = rest[len(longest) :], insides
    assert rest


def test_texts_are_padded_and_cut(pieces):
    ids, mask = pieces(["unaffable e e", "e", ""], max_length=5)
    assert ids.tolist() == [[2, 5, 6, 7, 3], [2, 10, 3, 0, 0], [2, 3, 0, 0, 0]]
    assert mask.tolist() == [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 1, 0, 0, 0]]
    assert pieces(["e e"], max_length=2)[0].tolist() == [[2, 3]]
    assert pieces([])[0].shape == (0, 0)


def test_the_padding_has_the_number_of_the_vocabulary():
    numbers = {"[UNK]": 0, "[CLS]": 7, "[SEP]": 8, "[PAD]": 9, "e": 30}
    assert WordPiece(numbers)(["e", ""])[0].tolist() == [[7, 30, 8], [7, 8, 9]]


def rules(**normalizer):
    """What a tokenizer.json says."""
    return {
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": {piece: i for i, piece in enumerate([*VOCABULARY, "E", "é"])},
        },
        "normalizer": {
            "type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None,
            "lowercase": True, **normalizer,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
    }  # fmt: skip


def test_files(tmp_path):
    text, structure = tmp_path / "vocab.txt", tmp_path / "tokenizer.json"
    text.write_text("\n".join([*VOCABULARY, "E", "é"]) + "\n", encoding="utf-8")
    assert WordPiece.from_file(text).tokenize("中 É") == ["中", "e"]
    assert WordPiece.from_file(text, lowercase=False).tokenize("E") == ["E"]

    structure.write_text(json.dumps(rules()), encoding="utf-8")
    assert WordPiece.from_file(structure).numbers == WordPiece.from_file(text).numbers
    assert WordPiece.from_file(structure).tokenize("É") == ["e"]
    assert WordPiece.from_file(structure, lowercase=False).tokenize("E é") == ["E", "é"]
    structure.write_text(json.dumps(rules(lowercase=False, strip_accents=True)), encoding="utf-8")
    assert WordPiece.from_file(str(structure)).tokenize("É") == ["E"]


def test_refusals(pieces, tmp_path):
    with pytest.raises(ValueError, match=r"lacks \[UNK\]"):
        WordPiece(["[PAD]", "a"])
    with pytest.raises(TypeError, match="texts to be a sequence of str, got one str"):
        pieces("a text")
    with pytest.raises(ValueError, match="max_length to be at least 2, got 1"):
        pieces(["a"], 1)
    other = tmp_path / "tokenizer.json"
    other.write_text(json.dumps(rules(handle_chinese_chars=False)))
    with pytest.raises(ValueError, match=r"expected normalizer.handle_chinese_chars to be True, got False"):
        WordPiece.from_file(other)
    other.write_text(json.dumps({**rules(), "pre_tokenizer": None}))
    with pytest.raises(ValueError, match=r"expected pre_tokenizer.type to be 'BertPreTokenizer', got None"):
        WordPiece.from_file(other)
