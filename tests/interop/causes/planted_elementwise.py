"""Mistakes of activations, dropout, and of layers mistaken for another."""

from scratchnet.nn import functional as F
from tests.interop.causes.planting import CLASSES, ROWS, Planted

DROPOUT = ("Dropout", (), ROWS, {"p": 0.3})
ENTROPY = ("CrossEntropyLoss", (), (ROWS, CLASSES))

PLANTED = [
    Planted(
        "elementwise.another_activation", "it computes LeakyReLU, torch's ReLU", "ReLU", (), ROWS,
        forward=lambda s, x: F.leaky_relu(x),
    ),
    Planted(
        "elementwise.another_activation", "it computes Sigmoid, torch's Tanh", "Tanh", (), ROWS,
        forward=lambda s, x: x.sigmoid(),
    ),
    Planted(
        "elementwise.another_softmax", "it computes LogSoftmax, torch's Softmax", "Softmax", (1,), ROWS,
        forward=lambda s, x: x.log_softmax(1),
    ),
    Planted("elementwise.identity", "there is no ReLU", "ReLU", (), ROWS, forward=lambda s, x: x * 1),
    Planted("elementwise.identity", "nothing is dropped in training", *DROPOUT, forward=lambda s, x: x * 1),
    Planted(
        "elementwise.sigmoid_gelu", "GELU is computed by the sigmoid approximation, torch has it not", "GELU", (), ROWS,
        forward=lambda s, x: x * (1.702 * x).sigmoid(),
    ),
    Planted(
        "elementwise.dropout", "what dropout keeps is not divided by 1 − p", *DROPOUT,
        forward=lambda s, x: F.dropout(x, 0.3) * 0.7,
    ),
    Planted(
        "elementwise.dropout", "what dropout keeps is multiplied by 1 − p, torch divides by it", *DROPOUT,
        forward=lambda s, x: F.dropout(x, 0.3) * 0.49,
    ),
    Planted(
        "elementwise.dropout", "dropout keeps other elements than torch's: it draws other random numbers", *DROPOUT,
        forward=lambda s, x: F.dropout(x.flip(0), 0.3).flip(0),
    ),
    Planted("elementwise.dropout", "p is 0.6, torch's is 0.3", *DROPOUT, wrong={"p": 0.6}),
    Planted(
        "elementwise.dropout", "p is 0.7: the probability of keeping, torch's 0.3 is that of dropping", *DROPOUT,
        wrong={"p": 0.7},
    ),
    *(
        Planted(
            "elementwise.dropout", f"dropout is active in evaluation{end}", *DROPOUT, train=False,
            forward=lambda s, x, factor=factor: F.dropout(x, 0.3) * factor,
        )
        for factor, end in ((1.0, "; torch's passes everything on"), (0.7, ", and what it keeps is not scaled"))
    ),
    Planted(
        "elementwise.softmax_twice", "the softmax is applied twice: cross entropy takes logits", *ENTROPY,
        forward=lambda s, x, t: F.cross_entropy(x.softmax(1), t),
    ),
    Planted(
        "elementwise.softmax_twice", "the softmax is missing: the inputs are taken for logarithms of probabilities",
        *ENTROPY, forward=lambda s, x, t: F.nll_loss(x, t),
    ),
    Planted(
        "elementwise.softmax_twice", "the logarithm is missing", *ENTROPY,
        forward=lambda s, x, t: F.nll_loss(x.softmax(1), t),
    ),
]  # fmt: skip
