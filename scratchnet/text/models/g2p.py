"""Spelling to sound: one recurrent network reads the letters, another speaks what it has read.

K. Park, J. Kim, "g2pE: A Simple Python Module for English Grapheme To Phoneme Conversion", 2019. The architecture:
K. Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation", 2014.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from scratchnet import nn, ops
from scratchnet.autograd import Tensor, no_grad
from scratchnet.nn.utils.rnn import pack_sequence

GRAPHEMES = ("<pad>", "<unk>", "</s>", *"abcdefghijklmnopqrstuvwxyz")
# Those of the CMU dictionary: vowels with 0, 1, 2 for no, primary and secondary stress.
PHONEMES = (
    "<pad>", "<unk>", "<s>", "</s>",
    *"AA0 AA1 AA2 AE0 AE1 AE2 AH0 AH1 AH2 AO0 AO1 AO2 AW0 AW1 AW2 AY0 AY1 AY2 B CH D DH".split(),
    *"EH0 EH1 EH2 ER0 ER1 ER2 EY0 EY1 EY2 F G HH IH0 IH1 IH2 IY0 IY1 IY2 JH K L M N NG".split(),
    *"OW0 OW1 OW2 OY0 OY1 OY2 P R S SH T TH UH0 UH1 UH2 UW UW0 UW1 UW2 V W Y Z ZH".split(),
)  # fmt: skip


class G2P(nn.Module):
    """How a word is pronounced: p(phoneme_t | phonemes before t, all letters).

        letters, "</s>"       → embedding → GRU → its last state
        "<s>", the phonemes   → embedding → GRU, which begins there → linear layer → logits

    Parameters
    ----------
    hidden_size : int
        Of embeddings and states.
    graphemes : sequence of str
        Letters, with "<unk>" for others, and "</s>" at the end of a word.
    phonemes : sequence of str
        With "<s>" at the beginning and "</s>" at the end.

    >>> net = G2P(8)
    >>> net(["go", "gone"], Tensor(np.array([[2, 39], [2, 39]]))).shape
    scratchnet.Size([2, 2, 74])
    """

    def __init__(
        self, hidden_size: int = 256, graphemes: Sequence[str] = GRAPHEMES, phonemes: Sequence[str] = PHONEMES
    ) -> None:
        super().__init__()
        self.graphemes = {grapheme: i for i, grapheme in enumerate(graphemes)}
        self.phonemes = tuple(phonemes)
        self.letters = nn.Embedding(len(graphemes), hidden_size)
        self.encoder = nn.GRU(hidden_size, hidden_size)
        self.sounds = nn.Embedding(len(phonemes), hidden_size)
        self.decoder = nn.GRUCell(hidden_size, hidden_size)
        self.logits = nn.Linear(hidden_size, len(phonemes))

    @staticmethod
    def state_dict_of_checkpoint(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
        """The arrays of g2p-en's `checkpoint20.npz` under the names that they have here.

        In both the rows of the weights [3H, H] are, from above, those of the reset gate, of the update gate, and of the new
        state, and the update gate says how much of the old state stays: r, z, n and h = (1 − z)·n + z·h. Nothing is reordered.
        """
        names = {
            "enc_emb": "letters.weight", "dec_emb": "sounds.weight", "fc_w": "logits.weight", "fc_b": "logits.bias",
        }  # fmt: skip
        for kind in ("weight", "bias"):
            for source in ("ih", "hh"):
                names[f"enc_{kind[0]}_{source}"] = f"encoder.{kind}_{source}_l0"
                names[f"dec_{kind[0]}_{source}"] = f"decoder.{kind}_{source}"
        return {ours: checkpoint[theirs] for theirs, ours in names.items()}

    def encode(self, words: Sequence[str]) -> Tensor:
        """The state [N, hidden_size] after each word.

        Raises
        ------
        TypeError
            If `words` is one str.
        """
        if isinstance(words, str):
            raise TypeError("G2P: expected words to be a sequence of str, got one str")
        unknown, end = self.graphemes["<unk>"], self.graphemes["</s>"]
        numbers = [Tensor(np.array([*(self.graphemes.get(c, unknown) for c in word), end])) for word in words]
        packed = pack_sequence(numbers, enforce_sorted=False)
        return self.encoder(packed._replace(data=self.letters(packed.data)))[1][0]

    def forward(self, words: Sequence[str], phonemes: Tensor) -> Tensor:
        """What comes after each phoneme, if the phonemes so far are right ("teacher forcing").

        Parameters
        ----------
        words : sequence of str
        phonemes : int64 [N, T]
            The first one is "<s>"; behind the end of a word may be anything.

        Returns
        -------
        logits : [N, T, phonemes]
        """
        state, logits = self.encode(words), []
        for sound in self.sounds(phonemes).unbind(1):
            state = self.decoder(sound, state)
            logits.append(self.logits(state))
        return ops.stack(logits, 1)

    @no_grad()
    def pronounce(self, words: Sequence[str], max_length: int = 20) -> list[list[str]]:
        """The likeliest phoneme each time, up to "</s>" or `max_length`: greedy, not the likeliest sequence.

        Letters are expected as the network has learned them: small, without accents.
        """
        begin, end = self.phonemes.index("<s>"), self.phonemes.index("</s>")
        state = self.encode(words)
        spoken = np.full((len(words), max_length + 2), end)
        spoken[:, 0] = begin
        for t in range(max_length):
            state = self.decoder(self.sounds(Tensor(spoken[:, t])), state)
            spoken[:, t + 1] = self.logits(state).argmax(1).array
            if (spoken[:, 1 : t + 2] == end).any(1).all():
                break
        return [[self.phonemes[i] for i in row[1 : row.index(end)]] for row in spoken.tolist()]
