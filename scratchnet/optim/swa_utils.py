"""Averages of the weights that training passes through: stochastic weight averaging, exponential moving averages.

P. Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", 2018; Polyak and Juditsky,
"Acceleration of Stochastic Approximation by Averaging", 1992.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

from scratchnet.autograd.mode import no_grad
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.module import Module
from scratchnet.nn.modules.batchnorm import _BatchNorm
from scratchnet.ops.creation import tensor
from scratchnet.optim.optimizer import Optimizer
from scratchnet.optim.scheduler import LRScheduler, for_each_group

__all__ = [
    "SWALR", "AveragedModel", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn", "get_swa_multi_avg_fn",
    "update_bn",
]  # fmt: skip


def get_ema_avg_fn(decay: float = 0.999) -> Callable[[Tensor, Tensor, Any], Tensor]:
    """decay · average + (1 − decay) · new, as a function of (average, new, number of averages so far)."""
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")

    @no_grad()
    def ema_update(average: Tensor, new: Tensor, count: Any) -> Tensor:
        return decay * average + (1 - decay) * new

    return ema_update


def get_swa_avg_fn() -> Callable[[Tensor, Tensor, Any], Tensor]:
    """average + (new − average) / (count + 1): the mean of all."""

    @no_grad()
    def swa_update(average: Tensor, new: Tensor, count: Any) -> Tensor:
        return average + (new - average) / (count + 1)

    return swa_update


def _of_lists(average: Callable[[Tensor, Tensor, Any], Tensor]) -> Callable[[list, list, Any], None]:
    """An average of one Tensor, done in place for all Tensors of a list."""

    @no_grad()
    def update(averages: list[Tensor], new: list[Tensor], count: Any) -> None:
        for a, p in zip(averages, new):
            a.copy_(average(a, p, count))

    return update


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[[list, list, Any], None]:
    """`get_ema_avg_fn` of lists of Tensors, in place."""
    return _of_lists(get_ema_avg_fn(decay))


def get_swa_multi_avg_fn() -> Callable[[list, list, Any], None]:
    """`get_swa_avg_fn` of lists of Tensors, in place."""
    return _of_lists(get_swa_avg_fn())


class AveragedModel(Module):
    """A copy of a model whose weights are averages of those that the model has at each `update_parameters`.

    Parameters
    ----------
    model : Module
    device : optional
    avg_fn : callable, optional
        (average, weight, number of averages so far) to the new average; by default the mean of all.
    multi_avg_fn : callable, optional
        Likewise in place, for lists of all weights.
    use_buffers : bool
        Average buffers too; else the latest are copied.
    """

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Callable[[Tensor, Tensor, Any], Tensor] | None = None,
        multi_avg_fn: Callable[[list, list, Any], None] | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, device=device))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the present weights of `model` into the averages."""
        averages, new = (
            [x.detach() for x in (itertools.chain(m.parameters(), m.buffers()) if self.use_buffers else m.parameters())]
            for m in (self.module, model)
        )
        if self.n_averaged.item() == 0:
            update = _of_lists(lambda average, p, count: p)
        else:
            update = self.multi_avg_fn or _of_lists(self.avg_fn or get_swa_avg_fn())
        with no_grad():
            update(averages, new, self.n_averaged)
            if not self.use_buffers:
                for average, buffer in zip(self.module.buffers(), model.buffers()):
                    average.detach().copy_(buffer.detach())
            self.n_averaged += 1


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Estimate the running statistics of all batch normalisations anew, in one pass over the data.

    Parameters
    ----------
    loader : iterable of Tensors, or of lists or tuples that begin with one
    model : Module
    device : optional
    """
    momenta = {module: module.momentum for module in model.modules() if isinstance(module, _BatchNorm)}
    if not momenta:
        return
    training = model.training
    model.train()
    for module in momenta:
        module.reset_running_stats()
        module.momentum = None  # the mean of all batches
    with no_grad():
        for batch in loader:
            x = batch[0] if isinstance(batch, list | tuple) else batch
            model(x if device is None else x.to(device))
    for module, momentum in momenta.items():
        module.momentum = momentum
    model.train(training)


class SWALR(LRScheduler):
    """From the present rate to `swa_lr` in `anneal_epochs` epochs, and constant from there on.

    Parameters
    ----------
    swa_lr : float, or one for each group
    anneal_epochs : int
    anneal_strategy : "cos" or "linear"
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: Any,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        for group, lr in zip(optimizer.param_groups, for_each_group("swa_lr", optimizer, swa_lr)):
            group["swa_lr"] = lr
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy, self.anneal_epochs = anneal_strategy, anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _share(self, step: float) -> float:
        """How far the rate has gone."""
        t = max(0, min(1, step / max(1, self.anneal_epochs)))
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def get_lr(self) -> list[float]:
        self._warn_outside_of_step()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        rates = []
        for group, lr in zip(self.optimizer.param_groups, self._current()):
            end = group["swa_lr"]
            start = end if before == 1 else (lr - before * end) / (1 - before)
            rates.append(end * now + start * (1 - now))
        return rates
