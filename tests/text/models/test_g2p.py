"""Spelling to sound: the formulas of the checkpoint in plain NumPy, and torch's recurrent layers with the same weights."""

import numpy as np
import pytest
import torch

from scratchnet import Tensor
from scratchnet.text.models import G2P
from scratchnet.text.models.g2p import GRAPHEMES, PHONEMES

WORDS = ["gab", "b", "", "cabbage", "a-b"]
BEGIN, END = 0, 1


def network(rng):
    """A small one; three phonemes, so that "</s>" comes soon."""
    net = G2P(4, ("<unk>", "</s>", *"abcdefg"), ("<s>", "</s>", "A", "B", "C")).double()
    for parameter in net.parameters():
        parameter.array[...] = rng.normal(size=parameter.shape)
    return net


def checkpoint(rng, hidden=3):
    shapes = {
        "emb": None, "w_ih": (3 * hidden, hidden), "w_hh": (3 * hidden, hidden), "b_ih": 3 * hidden, "b_hh": 3 * hidden,
    }  # fmt: skip
    arrays = {f"{part}_{name}": rng.normal(size=shape or (rows, hidden))
              for part, rows in (("enc", len(GRAPHEMES)), ("dec", len(PHONEMES))) for name, shape in shapes.items()}  # fmt: skip
    return {**arrays, "fc_w": rng.normal(size=(len(PHONEMES), hidden)), "fc_b": rng.normal(size=len(PHONEMES))}


def speak(arrays, word, max_length):
    """One word with a checkpoint's arrays, row by row: r and z gate, n is new."""

    def step(part, number, h):
        x, size = arrays[f"{part}_emb"][number], len(h)
        a = arrays[f"{part}_w_ih"] @ x + arrays[f"{part}_b_ih"]
        b = arrays[f"{part}_w_hh"] @ h + arrays[f"{part}_b_hh"]
        r = 1 / (1 + np.exp(-a[:size] - b[:size]))
        z = 1 / (1 + np.exp(-a[size : 2 * size] - b[size : 2 * size]))
        return (1 - z) * np.tanh(a[2 * size :] + r * b[2 * size :]) + z * h

    h = np.zeros(arrays["fc_w"].shape[1])
    for letter in [*word, "</s>"]:
        h = step("enc", GRAPHEMES.index(letter) if letter in GRAPHEMES else 1, h)
    spoken = ["<s>"]
    while len(spoken) <= max_length:
        h = step("dec", PHONEMES.index(spoken[-1]), h)
        spoken.append(PHONEMES[(arrays["fc_w"] @ h + arrays["fc_b"]).argmax()])
        if spoken[-1] == "</s>":
            return spoken[1:-1]
    return spoken[1:]


def test_words_are_spoken_as_the_checkpoint_means():
    rng, lengths = np.random.default_rng(0), set()
    for _ in range(6):
        arrays = checkpoint(rng)
        arrays["fc_w"][3] *= 3  # "</s>" now and then
        net = G2P(3).double()
        net.load_state_dict(G2P.state_dict_of_checkpoint({name: Tensor(value) for name, value in arrays.items()}))
        found = net.pronounce([word.replace("-", "é") for word in WORDS], max_length=6)
        assert found == [speak(arrays, word, 6) for word in WORDS]
        lengths |= {len(phonemes) for phonemes in found}
    assert {0, 6} < lengths


def test_logits_and_gradients_are_torchs():
    rng = np.random.default_rng(0)
    net, phonemes = network(rng), rng.integers(0, 5, (len(WORDS), 3))
    logits, weight = net(WORDS, Tensor(phonemes)), rng.normal(size=(len(WORDS), 3, 5))
    (logits * Tensor(weight)).sum().backward()

    nn = torch.nn
    parts = {
        "letters": nn.Embedding(9, 4), "encoder": nn.GRU(4, 4), "sounds": nn.Embedding(5, 4),
        "decoder": nn.GRUCell(4, 4), "logits": nn.Linear(4, 5),
    }  # fmt: skip
    theirs = nn.ModuleDict(parts).double()
    theirs.load_state_dict({key: torch.from_numpy(value.array.copy()) for key, value in net.state_dict().items()})
    alphabet = dict(zip("abcdefg", range(2, 9)))
    words = [torch.tensor([alphabet.get(letter, 0) for letter in word] + [1]) for word in WORDS]
    state = torch.cat([theirs["encoder"](theirs["letters"](letters))[1] for letters in words])
    expected = []
    for t in range(3):
        state = theirs["decoder"](theirs["sounds"](torch.from_numpy(phonemes[:, t])), state)
        expected.append(theirs["logits"](state))
    expected = torch.stack(expected, 1)
    (expected * torch.from_numpy(weight)).sum().backward()

    np.testing.assert_allclose(logits.detach().array, expected.detach().numpy(), 1e-9, 1e-11)
    for key, parameter in theirs.named_parameters():
        np.testing.assert_allclose(net.get_parameter(key).grad.array, parameter.grad.numpy(), 1e-9, 1e-11, err_msg=key)


def test_what_is_spoken_is_likeliest_each_time():
    net = network(np.random.default_rng(3))
    for word, phonemes in zip(WORDS, net.pronounce(WORDS, 4)):
        numbers = [BEGIN, *map(net.phonemes.index, phonemes)]
        best = net([word], Tensor(np.array([numbers]))).detach().array[0].argmax(1).tolist()
        assert best[: len(phonemes)] == numbers[1:]
        assert len(phonemes) == 4 or best[-1] == END
    assert net.pronounce(WORDS, 0) == [[]] * len(WORDS)


def test_one_word_is_no_list():
    with pytest.raises(TypeError, match="words to be a sequence of str, got one str"):
        G2P(2).pronounce("word")
