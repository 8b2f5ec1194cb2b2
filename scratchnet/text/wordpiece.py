"""Text to the numbers of word pieces, as BERT reads it.

Y. Wu et al., "Google's Neural Machine Translation System: Bridging the Gap between Human and Machine Translation", 2016;
J. Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding", 2019.
"""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from scratchnet.autograd import Tensor

_NEEDED = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_LONGEST_WORD = 100  # characters; longer ones are unknown
_IDEOGRAPHS = (
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF), (0x2F800, 0x2FA1F),
)  # fmt: skip
# What a tokenizer.json may say of the rules; others are not those of BERT.
_BERT: dict[str, dict[str, Any]] = {
    "model": {"type": "WordPiece", "continuing_subword_prefix": "##", "max_input_chars_per_word": _LONGEST_WORD},
    "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True},
    "pre_tokenizer": {"type": "BertPreTokenizer"},
}


class WordPiece:
    """Cuts words into the longest pieces that a vocabulary knows: "unaffable" into "una ##ffa ##ble".

    Control characters vanish, and accents and capitals too; words end at spaces, and each punctuation mark and each
    ideograph is a word. A word with a rest that no piece begins, or of more than 100 characters, is "[UNK]".

    Parameters
    ----------
    vocabulary : iterable of str, or mapping of str to int
        The pieces in the order of their numbers, or with their numbers. Pieces inside a word begin with "##"; "[PAD]",
        "[UNK]", "[CLS]" and "[SEP]" must be there, "[MASK]" may.
    lowercase : bool
    strip_accents : bool, optional
        Default: as `lowercase`.
    split_special_tokens : bool
        Whether "[SEP]" in a text is three words, as in texts of strangers it should be. Default: it is the piece.

    Raises
    ------
    ValueError
        If one of the four is not in the vocabulary.

    >>> pieces = WordPiece(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "una", "##ffa", "##ble", "!"])
    >>> pieces.tokenize("Unaffable!")
    ['una', '##ffa', '##ble', '!']
    >>> ids, mask = pieces(["Unaffable!", "!"])
    >>> ids
    tensor([[2, 4, 5, 6, 7, 3],
            [2, 7, 3, 0, 0, 0]])
    """

    def __init__(
        self,
        vocabulary: Iterable[str] | Mapping[str, int],
        lowercase: bool = True,
        strip_accents: bool | None = None,
        split_special_tokens: bool = False,
    ) -> None:
        numbered = vocabulary.items() if isinstance(vocabulary, Mapping) else ((p, i) for i, p in enumerate(vocabulary))
        self.numbers = dict(numbered)
        self.lowercase = lowercase
        self.strip_accents = lowercase if strip_accents is None else strip_accents
        for piece in _NEEDED:
            if piece not in self.numbers:
                raise ValueError(f"WordPiece: the vocabulary lacks {piece}")
        special = [] if split_special_tokens else [p for p in (*_NEEDED, "[MASK]") if p in self.numbers]
        self._special = re.compile("|".join(map(re.escape, special)) or "(?!)")  # (?!) matches nothing

    @classmethod
    def from_file(cls, path: str | os.PathLike, lowercase: bool | None = None) -> WordPiece:
        """From a `vocab.txt`, one piece a line, or the vocabulary of a `tokenizer.json`.

        Parameters
        ----------
        path : path
        lowercase : bool, optional
            Default: what a `tokenizer.json` says, also of accents; True for a `vocab.txt`.

        Raises
        ------
        ValueError
            If a `tokenizer.json` has other rules than BERT's.
        """
        with open(path, encoding="utf-8") as file:
            if not os.fspath(path).endswith(".json"):
                return cls((line.rstrip("\n") for line in file), True if lowercase is None else lowercase)
            rules = json.load(file)
        for part, expected in _BERT.items():
            found = rules.get(part) or {}
            for name, value in expected.items():
                if found.get(name) != value:
                    raise ValueError(f"{path}: expected {part}.{name} to be {value!r}, got {found.get(name)!r}")
        normalizer = rules["normalizer"]
        if lowercase is not None:
            return cls(rules["model"]["vocab"], lowercase)
        return cls(rules["model"]["vocab"], normalizer["lowercase"], normalizer["strip_accents"])

    def tokenize(self, text: str) -> list[str]:
        """The pieces of a text."""
        pieces: list[str] = []
        end = 0
        for special in self._special.finditer(text):
            pieces += self._plain(text[end : special.start()])
            pieces.append(special.group())
            end = special.end()
        return pieces + self._plain(text[end:])

    def __call__(self, texts: Sequence[str], max_length: int = 512) -> tuple[Tensor, Tensor]:
        """Texts as numbers: "[CLS]", the pieces, "[SEP]", and "[PAD]" up to the longest text.

        Parameters
        ----------
        texts : sequence of str
        max_length : int
            Of the numbers of a text, "[CLS]" and "[SEP]" included; pieces beyond are cut off.

        Returns
        -------
        ids : int64 [N, T]
        mask : int64 [N, T]
            1, and 0 where there is padding.

        Raises
        ------
        TypeError
            If `texts` is one str.
        ValueError
            If `max_length` is below 2.
        """
        if isinstance(texts, str):
            raise TypeError("WordPiece: expected texts to be a sequence of str, got one str")
        if max_length < 2:
            raise ValueError(f"WordPiece: expected max_length to be at least 2, got {max_length}")
        rows = [["[CLS]", *self.tokenize(text)[: max_length - 2], "[SEP]"] for text in texts]
        ids = np.full((len(rows), max(map(len, rows), default=0)), self.numbers["[PAD]"], np.int64)
        mask = np.zeros_like(ids)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = [self.numbers[piece] for piece in row]
            mask[i, : len(row)] = 1
        return Tensor(ids), Tensor(mask)

    def _plain(self, text: str) -> list[str]:
        """The pieces of a text without special ones."""
        text = "".join(map(_clean, text))
        if self.strip_accents:
            text = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
        if self.lowercase:
            text = "".join(map(str.lower, text))  # one by one: str.lower writes a sigma differently at a word's end
        words = "".join(f" {c} " if _stands_alone(c) else c for c in text).split()
        return [piece for word in words for piece in self._pieces(word)]

    def _pieces(self, word: str) -> list[str]:
        """The longest known beginning, and so on with the rest."""
        if len(word) > _LONGEST_WORD:
            return ["[UNK]"]
        pieces: list[str] = []
        begin = 0
        while begin < len(word):
            for end in range(len(word), begin, -1):
                piece = ("##" if begin else "") + word[begin:end]
                if piece in self.numbers:
                    pieces.append(piece)
                    begin = end
                    break
            else:
                return ["[UNK]"]
        return pieces


def _clean(character: str) -> str:
    """Nothing for what cannot be seen; three control characters are spaces."""
    if character in "\t\n\r":
        return " "
    return "" if character == "\ufffd" or unicodedata.category(character) in ("Cc", "Cf", "Co") else character


def _stands_alone(character: str) -> bool:
    """Punctuation, as which BERT also takes $ + < = > ^ ` | ~, and ideographs, which are words without spaces."""
    if character.isascii():
        return character.isprintable() and not character.isalnum() and character != " "
    code = ord(character)
    return unicodedata.category(character).startswith("P") or any(a <= code <= b for a, b in _IDEOGRAPHS)
