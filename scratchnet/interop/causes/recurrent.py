"""Mistakes inside the cell of a recurrent layer, which runs here step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from scipy.special import expit

from scratchnet.interop.causes.hypothesis import Evidence, Guess, Result, hypothesis

# x, states, weights and biases of one layer and direction → the new states, the output first
Cell = Callable[[np.ndarray, tuple, dict[str, Any]], tuple]


def _gru(form: str) -> Cell:
    def cell(x: np.ndarray, states: tuple, w: dict[str, Any]) -> tuple:
        (h,) = states
        a, b = x @ w["weight_ih"].T, h @ w["weight_hh"].T
        (ar, az, an), (br, bz, bn) = np.split(a, 3, -1), np.split(b, 3, -1)
        (cr, cz, cn), (dr, dz, dn) = np.split(w["bias_ih"], 3), np.split(w["bias_hh"], 3)
        r, z = expit(ar + cr + br + dr), expit(az + cz + bz + dz)
        if form == "reset state":
            n = np.tanh(an + cn + (r * h) @ np.split(w["weight_hh"], 3)[2].T + dn)
        elif form == "no bias":
            n = np.tanh(an + cn + dn + r * bn)
        elif form == "other bias":
            n = np.tanh(an + dn + r * (bn + cn))
        elif form == "both biases":
            n = np.tanh(an + r * (bn + cn + dn))
        else:
            n = np.tanh(an + cn + r * (bn + dn))
        return (z * n + (1 - z) * h if form == "update" else (1 - z) * n + z * h,)

    return cell


def _lstm(form: str) -> Cell:
    def cell(x: np.ndarray, states: tuple, w: dict[str, Any]) -> tuple:
        h, c = states
        gates = x @ w["weight_ih"].T + h @ w["weight_hh"].T + w["bias_ih"] + w["bias_hh"]
        i, f, g, o = np.split(gates, 4, -1)
        i, f, o = expit(i), expit(f + (form == "forget")), expit(o)
        g = expit(g) if form == "sigmoid" else np.tanh(g)
        c = f * c + (1 - f if form == "coupled" else i) * g
        return o * (c if form == "no tanh" else np.tanh(c)), c

    return cell


def _run(evidence: Evidence, cell: Cell, zero_state: bool = False) -> Result:
    """The whole layer, of any depth and in both directions, or one step of a cell."""
    x, options = evidence.x, evidence.options
    lstm = evidence.theirs.kind.startswith("LSTM")
    rest = list(evidence.ours.inputs.values())[1:]
    size = options["hidden_size"]
    if evidence.theirs.kind.endswith("Cell"):
        zeros = (np.zeros_like(x, shape=(*x.shape[:-1], size)),) * (1 + lstm)
        states = cell(x, tuple(rest) or zeros, _weights(evidence, ""))
        return Result(list(states))
    batch_first = options["batch_first"] and x.ndim == 3
    y = x.swapaxes(0, 1) if batch_first else x
    directions = 1 + options["bidirectional"]
    count = options["num_layers"] * directions
    given = rest if rest and not zero_state else [np.zeros_like(y, shape=(count, *y.shape[1:-1], size))] * (1 + lstm)
    last: list[tuple] = []
    for layer in range(options["num_layers"]):
        sides = []
        for direction in range(directions):
            states = tuple(s[len(last)] for s in given)
            weights = _weights(evidence, f"_l{layer}" + "_reverse" * direction)
            steps = []
            for t in reversed(range(len(y))) if direction else range(len(y)):
                states = cell(y[t], states, weights)
                steps.append(states[0])
            sides.append(np.stack(steps[::-1] if direction else steps))
            last.append(states)
        y = np.concatenate(sides, -1)
    return Result([y.swapaxes(0, 1) if batch_first else y, *(np.stack(s) for s in zip(*last))])


def _weights(evidence: Evidence, suffix: str) -> dict[str, Any]:
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    found = {name: evidence.state[name + suffix] for name in names if name + suffix in evidence.state}
    rows = found["weight_hh"].shape[0]
    return {**{name: np.zeros(rows, evidence.x.dtype) for name in names[2:]}, **found}


def _guesses(evidence: Evidence, cells: Callable[[str], Cell], forms: dict[str, tuple[str, str]]) -> Iterator[Guess]:
    for form, (text, formula) in forms.items():
        yield Guess(
            text,
            f"{evidence.what} equals that of a cell with {formula}",
            partial(_run, evidence, cells(form)),
        )
    if len(evidence.ours.inputs) > 1 and not evidence.theirs.kind.endswith("Cell"):
        yield Guess(
            "the initial state is not used",
            f"{evidence.what} equals that for zeros in its place",
            lambda: _run(evidence, cells("usual"), zero_state=True),
        )


@hypothesis("GRU", "GRUCell")
def gru(evidence: Evidence) -> Iterator[Guess]:
    forms = {
        "no bias": (
            "the bias of the new state stands outside of the reset gate, torch's b_hn inside",
            "n = tanh(W_in x + b_in + b_hn + r·W_hn h)",
        ),
        "other bias": (
            "the two biases of the new state are exchanged: b_in is inside the reset gate, torch's b_hn",
            "n = tanh(W_in x + b_hn + r·(W_hn h + b_in))",
        ),
        "both biases": (
            "both biases of the new state are inside the reset gate, in torch only b_hn",
            "n = tanh(W_in x + r·(W_hn h + b_in + b_hn))",
        ),
        "reset state": (
            "the reset gate multiplies the state before the matrix, torch's the product",
            "n = tanh(W_in x + b_in + W_hn (r·h) + b_hn)",
        ),
        "update": (
            "the update gate is inverted: z weighs the new state, torch's the old one",
            "h = z·n + (1 − z)·h",
        ),
    }
    yield from _guesses(evidence, _gru, forms)


@hypothesis("LSTM", "LSTMCell")
def lstm(evidence: Evidence) -> Iterator[Guess]:
    forms = {
        "no tanh": ("the cell's tanh is missing at the output", "h = o·c"),
        "forget": ("1 is added to the bias of the forget gate", "f = σ(z_f + 1)"),
        "sigmoid": ("the candidate g goes through a sigmoid, torch's through tanh", "g = σ(z_g)"),
        "coupled": ("the input gate is 1 − f, torch's is a gate of its own", "c = f·c + (1 − f)·g"),
    }
    yield from _guesses(evidence, _lstm, forms)
