"""Activations, dropout and losses: forward with the gradient to the input, on the maps of a convolutional network."""

from __future__ import annotations

from typing import Any

from benchmarks.tasks import Step, suite

SHAPE = (64, 64, 32, 32)
ACTIVATIONS = {
    "ReLU": ("relu", {}),
    "LeakyReLU": ("leaky_relu", {}),
    "GELU": ("gelu", {}),
    "GELU, tanh": ("gelu", {"approximate": "tanh"}),
    "SiLU": ("silu", {}),
    "Mish": ("mish", {}),
    "ELU": ("elu", {}),
    "Tanh": ("tanh", {}),
    "Sigmoid": ("sigmoid", {}),
    "Softplus": ("softplus", {}),
    "Hardswish": ("hardswish", {}),
    "Dropout": ("dropout", {}),
}
LOSSES = {
    "squared error": ("mse_loss", {}),
    "absolute error": ("l1_loss", {}),
    "smooth absolute error": ("smooth_l1_loss", {}),
    "Huber": ("huber_loss", {}),
    "binary cross-entropy of logits": ("binary_cross_entropy_with_logits", {}),
}

activations = suite("activation", f"Activations and dropout on {'×'.join(map(str, SHAPE))}", mean=0.9, limit=1.5)
losses = suite("loss", "Losses of 1024×1000 predictions", mean=1.0, limit=2.0)

for _name, (_function, _options) in ACTIVATIONS.items():

    @activations.task(_name, _function)
    def activation(torch: Any, function: str = _function, options: dict = _options) -> Step:
        x, g = torch.randn(*SHAPE).requires_grad_(), torch.randn(*SHAPE)
        call = getattr(torch.nn.functional, function)

        def step() -> None:
            x.grad = None
            call(x, **options).backward(g)

        return step


for _name, (_function, _options) in LOSSES.items():

    @losses.task(_name, _function)
    def loss(torch: Any, function: str = _function, options: dict = _options) -> Step:
        x, t = torch.randn(1024, 1000).requires_grad_(), torch.rand(1024, 1000)
        call = getattr(torch.nn.functional, function)

        def step() -> None:
            x.grad = None
            call(x, t, **options).backward()

        return step


@losses.task("connectionist temporal classification", "ctc_loss, 100 steps of 32 sequences, 40 classes, 20 labels")
def ctc(torch: Any) -> Step:
    x = torch.randn(100, 32, 40).requires_grad_()
    targets = torch.randint(1, 40, (32, 20))
    lengths = torch.full((32,), 100), torch.full((32,), 20)

    def step() -> None:
        x.grad = None
        log_probs = torch.nn.functional.log_softmax(x, 2)
        torch.nn.functional.ctc_loss(log_probs, targets, *lengths).backward()

    return step
