"""A call of every recurrent kernel."""

import numpy as np


def recurrent_calls(a):
    """Sequences of several lengths in both directions, few of them, and a single step; `a(*shape)` draws an array."""
    found = {}
    for suffix, sizes, batch, reverse in (("", (9, 8, 8, 3), 9, False), (" reversed", (9, 8, 8, 3), 10, True),
                                          (" few", (3, 2), 3, False), (" two", (2, 1, 1), 2, True),
                                          (" once", (4,), 4, False)):
        rows, size, features = sum(sizes), 6, 3
        y, cells, h, c, gh, gc = a(rows, size), a(rows, size), *(a(batch, size) for _ in range(4))
        walk = (np.array(sizes), reverse)
        for name, gates, biases in (("rnn", 1, 1), ("lstm", 4, 1), ("gru", 3, 2)):
            x, w_ih, w_hh = a(rows, features), a(gates * size, features), a(gates * size, size) / 2
            b, z = [a(gates * size) for _ in range(biases)], abs(a(rows, gates * size)) / 3
            states = (h, c) if name == "lstm" else (h,)
            found[f"{name}_forward{suffix}"] = (x, w_ih, w_hh, *b, *states, *walk)
            saved = {"rnn": (gh, y), "lstm": (gh, gc, z, cells, c), "gru": (gh, z, cells, y, h)}[name]
            found[f"{name}_backward{suffix}"] = (a(rows, size), *saved, w_ih, w_hh, *walk)
    return found
