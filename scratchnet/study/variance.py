"""How the variance of activations and of gradients travels through a deep network, for initialisers and activations."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scratchnet.autograd.mode import enable_grad
from scratchnet.nn import init, modules
from scratchnet.nn.init_skipping import skipped
from scratchnet.ops.sampling import randn
from scratchnet.random import Generator


def _standard(weight: Any, generator: Generator) -> Any:
    """U(−1/√fan_in, 1/√fan_in), variance 1/(3·fan_in): "commonly used" before Glorot, and torch's of Linear."""
    bound = weight.shape[1] ** -0.5
    return init.uniform_(weight, -bound, bound, generator)


INITIALISERS: dict[str, Callable[..., Any]] = {
    "standard": _standard,
    "xavier": lambda weight, generator: init.xavier_normal_(weight, generator=generator),
    "kaiming": lambda weight, generator: init.kaiming_normal_(weight, nonlinearity="relu", generator=generator),
    "orthogonal": lambda weight, generator: init.orthogonal_(weight, generator=generator),
}
ACTIVATIONS: dict[str, Callable[[], Any]] = {
    "identity": modules.Identity, "tanh": modules.Tanh, "relu": modules.ReLU,
}  # fmt: skip


@dataclass(frozen=True)
class Run:
    """One initialiser with one activation; `forward[i]` and `backward[i]` belong to z of layer i.

    Attributes
    ----------
    forward, backward : [depth]
        Variance of the pre-activations z_i, and mean square of dL/dz_i.
    """

    initialiser: str
    activation: str
    forward: Any
    backward: Any

    @property
    def forward_factor(self) -> float:
        """What a layer multiplies the variance by on the way forward: the geometric mean over layers."""
        return _factor(self.forward)

    @property
    def backward_factor(self) -> float:
        """The same for gradients, on the way back."""
        return _factor(self.backward[::-1])


def _factor(variances: Any) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        return float((variances[-1] / variances[0]) ** (1 / (len(variances) - 1)))


@dataclass(frozen=True)
class VarianceThroughDepth:
    """The runs, as a table (`print` it) or a picture (`plot`)."""

    runs: tuple[Run, ...]

    def __str__(self) -> str:
        head = f"{'initialiser':<12} {'activation':<10} {'forward':>9} {'last':>10} {'backward':>9} {'first':>10}"
        rows = [
            f"{r.initialiser:<12} {r.activation:<10} {r.forward_factor:>9.3f} {r.forward[-1]:>10.2e} "
            f"{r.backward_factor:>9.3f} {r.backward[0]:>10.2e}"
            for r in self.runs
        ]
        return "\n".join([head, *rows])

    def plot(self, path: str | Path | None = None) -> Any:
        """Variance by layer, activations left and gradients right, one line for each run.

        Parameters
        ----------
        path : optional
            Where to save the picture.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from matplotlib.figure import Figure

        figure = Figure(figsize=(11, 4.2), layout="constrained")
        axes = figure.subplots(1, 2, sharex=True)
        colours = {name: f"C{i}" for i, name in enumerate(dict.fromkeys(r.initialiser for r in self.runs))}
        styles = dict(zip(dict.fromkeys(r.activation for r in self.runs), ("-", "--", ":", "-.") * len(self.runs)))
        for run in self.runs:
            style = dict(color=colours[run.initialiser], linestyle=styles[run.activation])
            for ax, values in zip(axes, (run.forward, run.backward)):
                label = f"{run.initialiser}, {run.activation}"
                ax.semilogy(range(1, len(values) + 1), values, label=label, **style)
        for ax, title in zip(axes, ("variance of activations z", "mean square of gradients dL/dz")):
            ax.set(title=title, xlabel="layer")
            ax.grid(alpha=0.3)
        axes[1].legend(fontsize=7, ncols=2)
        if path is not None:
            figure.savefig(path, dpi=110)
        return figure


def variance_through_depth(
    initialiser: str | Callable | Iterable[str | Callable] = tuple(INITIALISERS),
    activation: str | Callable | Iterable[str | Callable] = tuple(ACTIVATIONS),
    depth: int = 20,
    width: int = 128,
    batch: int = 128,
    seed: int = 0,
) -> VarianceThroughDepth:
    """Send a batch of N(0, 1) through layers z_i = W_i φ(z_{i−1}), and gradients of N(0, 1) back.

    Parameters
    ----------
    initialiser : name of `INITIALISERS`, or callable (weight, generator=…), or several
    activation : name of `ACTIVATIONS`, or callable that makes a module, or several
    depth, width, batch : int
        Layers (at least 2), units of each, and rows of the batch.
    seed : int
        The same numbers for every combination.

    Returns
    -------
    VarianceThroughDepth
        A run for each initialiser and activation.

    Raises
    ------
    ValueError
        For an unknown name, or sizes that are too small.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010; He et al.,
    "Delving Deep into Rectifiers", 2015.
    """
    if depth < 2 or width < 1 or batch < 2:
        raise ValueError(f"expected depth >= 2, width >= 1 and batch >= 2, got {depth}, {width} and {batch}")
    initialisers = _named("initialiser", initialiser, INITIALISERS)
    activations = _named("activation", activation, ACTIVATIONS)
    return VarianceThroughDepth(tuple(
        Run(i, a, *_measure(fill, make(), depth, width, batch, seed))
        for i, fill in initialisers for a, make in activations
    ))  # fmt: skip


def _named(what: str, given: Any, known: dict[str, Callable]) -> list[tuple[str, Callable]]:
    chosen = [given] if isinstance(given, str) or callable(given) else list(given)
    for choice in chosen:
        if not callable(choice) and choice not in known:
            raise ValueError(f"unknown {what} {choice!r}; expected a callable or one of {list(known)}")
    return [(c, known[c]) if isinstance(c, str) else (getattr(c, "__name__", repr(c)), c) for c in chosen]


@enable_grad()
def _measure(fill: Callable, activation: Any, depth: int, width: int, batch: int, seed: int) -> tuple[Any, Any]:
    generator = Generator().manual_seed(seed)
    x = randn(batch, width, generator=generator)
    zs: list[Any] = []
    for i in range(depth):
        with skipped():  # the numbers of others are not to change
            layer = modules.Linear(width, width, bias=False)
        fill(layer.weight, generator=generator)
        zs.append(layer(x if i == 0 else activation(zs[-1])))
        zs[-1].retain_grad()
    zs[-1].backward(randn(batch, width, generator=generator))
    forward = np.array([z.array.var(dtype=np.float64) for z in zs])
    backward = np.array([np.square(z.grad.array, dtype=np.float64).mean() for z in zs])
    return forward, backward


if __name__ == "__main__":
    import sys

    _result = variance_through_depth()
    print(_result)
    _result.plot(*sys.argv[1:])
