"""Mistakes inside the cell of a recurrent layer."""

import scratchnet
from tests.interop.causes.planting import RNG, SEQUENCE, Planted


def gru(new_state, update=lambda z, n, h: (1 - z) * n + z * h):
    def forward(self, x, hx=None):
        h, steps = scratchnet.zeros(2, 4, dtype=x.dtype), []
        for t in range(len(x)):
            a, b = x[t] @ self.weight_ih_l0.T, h @ self.weight_hh_l0.T
            (ar, az, an), (br, bz, bn) = a.chunk(3, -1), b.chunk(3, -1)
            (cr, cz, cn), (dr, dz, dn) = self.bias_ih_l0.chunk(3), self.bias_hh_l0.chunk(3)
            r, z = (ar + br + cr + dr).sigmoid(), (az + bz + cz + dz).sigmoid()
            n = new_state(r, an, bn, cn, dn, r * h, self).tanh()
            h = update(z, n, h)
            steps.append(h)
        return scratchnet.stack(steps), h[None]

    return forward


def usual(r, a, b, c, d, rh, s):
    return a + c + r * (b + d)


def lstm(forget=0.0, candidate=scratchnet.tanh, out=scratchnet.tanh, coupled=False):
    def forward(self, x):
        h = c = scratchnet.zeros(2, 4, dtype=x.dtype)
        steps = []
        for t in range(len(x)):
            gates = x[t] @ self.weight_ih_l0.T + h @ self.weight_hh_l0.T + self.bias_ih_l0 + self.bias_hh_l0
            i, f, g, o = gates.chunk(4, -1)
            f = (f + forget).sigmoid()
            c = f * c + (1 - f if coupled else i.sigmoid()) * candidate(g)
            h = o.sigmoid() * out(c)
            steps.append(h)
        return scratchnet.stack(steps), (h[None], c[None])

    return forward


def planted(kind, text, forward, inputs=SEQUENCE):
    return Planted(f"recurrent.{kind.lower()}", text, kind, (3, 4), inputs, forward=forward, what="output[0]")


PLANTED = [
    planted(
        "GRU", "the bias of the new state stands outside of the reset gate, torch's b_hn inside",
        gru(lambda r, a, b, c, d, rh, s: a + c + d + r * b),
    ),
    planted(
        "GRU", "the two biases of the new state are exchanged: b_in is inside the reset gate, torch's b_hn",
        gru(lambda r, a, b, c, d, rh, s: a + d + r * (b + c)),
    ),
    planted(
        "GRU", "both biases of the new state are inside the reset gate, in torch only b_hn",
        gru(lambda r, a, b, c, d, rh, s: a + r * (b + c + d)),
    ),
    planted(
        "GRU", "the reset gate multiplies the state before the matrix, torch's the product",
        gru(lambda r, a, b, c, d, rh, s: a + c + rh @ s.weight_hh_l0[8:].T + d),
    ),
    planted(
        "GRU", "the update gate is inverted: z weighs the new state, torch's the old one",
        gru(usual, lambda z, n, h: z * n + (1 - z) * h),
    ),
    planted("GRU", "the initial state is not used", gru(usual), (SEQUENCE, RNG.standard_normal((1, 2, 4)))),
    planted("LSTM", "the cell's tanh is missing at the output", lstm(out=lambda c: c)),
    planted("LSTM", "1 is added to the bias of the forget gate", lstm(forget=1.0)),
    planted("LSTM", "the candidate g goes through a sigmoid, torch's through tanh", lstm(candidate=scratchnet.sigmoid)),
    planted("LSTM", "the input gate is 1 − f, torch's is a gate of its own", lstm(coupled=True)),
]  # fmt: skip
