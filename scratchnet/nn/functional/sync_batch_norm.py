"""Batch normalisation of a batch that is split among replicas of a network, each in a thread of its own."""

from __future__ import annotations

import functools
import operator
import threading
from typing import Any, Self

import numpy as np

from scratchnet import ops
from scratchnet.autograd.function import NOTHING, Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.batch_norm import check_batch_norm, update_running


class Replica:
    """One place in a group of threads that add up arrays together; `thread_group` makes them.

    A replica that fails would leave the others waiting for it. `with replica:` around a thread's work tells them at once;
    after that, or after a timeout, the group is of no further use.

    Attributes
    ----------
    rank, size : int
        Number of this place, and how many there are.
    """

    def __init__(self, rank: int, slots: list, barrier: threading.Barrier) -> None:
        self.rank, self.size, self._slots, self._barrier = rank, barrier.parties, slots, barrier

    def all_reduce(self, array: Any) -> Any:
        """The sum of the arrays that all replicas give; waits until all have given theirs.

        Raises
        ------
        RuntimeError
            If a replica does not come in time or fails, or the shapes differ.
        """
        self._slots[self.rank] = array
        try:
            self._barrier.wait()
        except (threading.BrokenBarrierError, ValueError) as error:
            raise RuntimeError(
                f"all_reduce: replica {self.rank} of {self.size} gave an array of shape {array.shape}; the others gave "
                "other shapes, or one of them failed or has not come: all must make the same calls in the same order"
            ) from error
        return self._slots[self.size]  # not written again before all have come back, and so have read it

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: type[BaseException] | None, *rest: Any) -> None:
        if error is not None:
            self._barrier.abort()

    def __deepcopy__(self, memo: dict) -> Self:
        return self  # a copied layer takes part in the same group


def thread_group(size: int, timeout: float | None = 60.0) -> tuple[Replica, ...]:
    """Places for `size` replicas of a network, each to be used by one thread.

    Parameters
    ----------
    timeout : float, optional
        Seconds to wait for the others; None: as long as they take.

    Raises
    ------
    ValueError
        If `size` is less than 1.

    >>> from concurrent.futures import ThreadPoolExecutor
    >>> group = thread_group(2)
    >>> with ThreadPoolExecutor(2) as pool:
    ...     list(pool.map(lambda replica: replica.all_reduce(np.array([replica.rank, 10])).tolist(), group))
    [[1, 20], [1, 20]]
    """
    if size < 1:
        raise ValueError(f"thread_group: size must be at least 1, got {size}")
    slots: list = [None] * (size + 1)

    def add() -> None:
        arrays = slots[:size]
        if len({a.shape for a in arrays}) > 1:
            raise ValueError("shapes differ")
        slots[size] = functools.reduce(operator.add, arrays)  # by rank, whoever came first: rounded the same each time

    barrier = threading.Barrier(size, add, timeout)
    return tuple(Replica(rank, slots, barrier) for rank in range(size))


class AllReduce(Function):
    """y = Σ x of all replicas, of which each has its own loss.  The gradient of the sum of all losses: dL/dx = Σ g"""

    reads = NOTHING

    def __init__(self, replica: Replica) -> None:
        self.replica = replica

    def forward(self, x: Any) -> Any:
        return self.replica.all_reduce(x)

    def backward(self, g: Tensor) -> Tensor:
        return AllReduce(self.replica)(g)


def sync_batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    momentum: float,
    eps: float,
    replica: Replica,
) -> Tensor:
    """Normalise every channel by mean and variance of the batches of all replicas together.

        μ = Σx / n,  σ² = Σx² / n − μ²,  y = w · (x − μ) / √(σ² + eps) + b

    Σx, Σx² and n go over all replicas: one pass over x, and one meeting of the threads, in each direction. The sums are
    in double precision: where the mean is a million standard deviations, the difference still has three digits.

    Parameters
    ----------
    input : [N, C, ...]
        This replica's part of the batch; N may differ.
    running_mean, running_var, weight, bias : [C], optional
        The running averages are updated in place, the variance with its unbiased estimate.
    momentum : float
        Share of this batch in the running averages.
    replica : Replica

    Returns
    -------
    [N, C, ...]. Gradients to the input are those of the sum of all replicas' losses; to weight and bias they are this
    replica's part, to be added up by whoever adds up those of the other layers.

    Raises
    ------
    ValueError
        If a channel has fewer than two values in all replicas together.
    RuntimeError
        If shapes or dtypes do not fit, or another replica fails or does not come.
    """
    with replica:  # what is refused here would be waited for by the others
        channels = check_batch_norm("sync_batch_norm", input, running_mean, running_var, weight, bias, True)[1]
    axes, along = (0, *range(2, input.ndim)), (1, -1, *(1,) * (input.ndim - 2))
    x = input.double()
    own = ops.tensor([input.array.size / channels], dtype=np.float64)
    sums = AllReduce(replica)(ops.cat([x.sum(axes), (x * x).sum(axes), own]))
    n = float(sums.array[-1])
    if n < 2:
        raise ValueError(f"Expected more than 1 value per channel when training, got {n:g} in all {replica.size} replicas")
    mean = sums[:channels] / n
    var = (sums[channels:-1] / n - mean * mean).clamp_min(0)
    for running, new in ((running_mean, mean.array), (running_var, var.array * (n / (n - 1)))):
        if running is not None:
            update_running(running, new.astype(running.dtype), momentum)
    y = (x - mean.reshape(along)) * ops.rsqrt(var + eps).reshape(along)
    y = y.to(input.dtype)
    if weight is not None:
        y = y * weight.reshape(along)
    return y if bias is None else y + bias.reshape(along)
