"""Batch normalisation for small batches: all four statistics, also the gradient's, are averages over past batches."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet.autograd.function import Function
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import init
from scratchnet.nn.module import Module
from scratchnet.nn.modules.factory import full, positive, unset


class MovingAverageNorm(Function):
    """y = w · r · z + b,  z = x / χ,  with a root mean square χ = √(mean square + ε) and a correction r that are given.

    With h = r w dL/dy and Ψ = mean(h z) over the batch:  dL/dx = (h − z Ψ̄) / χ,  dL/dw = Σ g r z,  dL/db = Σ g.
    Ψ̄ = Ψ makes it the gradient of a division by the batch's own root mean square; here Ψ̄ is its average over past batches.
    """

    reads = (0, 1)

    def __init__(self, rms: Any, correction: Any, past: Tensor, slot: int, averaged: bool) -> None:
        self.rms, self.correction, self.past, self.slot, self.averaged = rms, correction, past, slot, averaged

    def forward(self, x: Any, w: Any, b: Any) -> Any:
        along = (-1, 1, 1)
        return x * (w * self.correction / self.rms).reshape(along) + b.reshape(along)

    def backward(self, g: Tensor) -> tuple:
        x, w, _ = self.inputs
        axes, along = (0, 2, 3), (-1, 1, 1)
        rms, correction = (Tensor(v).reshape(along) for v in (self.rms, self.correction))
        need_x, need_w, need_b = self.needs_input_grad
        gw = (g * x * (correction / rms)).sum(axes) if need_w else None
        gb = g.sum(axes) if need_b else None
        if not need_x:
            return None, gw, gb
        z = x / rms
        h = g * (w.reshape(along) * correction)
        psi = (h * z).mean(axes)
        self.past.array[self.slot] = psi.array
        if self.averaged:
            psi = Tensor(self.past.array.mean(0))
        return (h - z * psi.reshape(along)) / rms, gw, gb


class MABN2d(Module):
    """Normalisation by the root mean square of recent batches, also in the backward pass.

    Batch normalisation has two statistics of the batch in its forward pass, mean μ and variance σ², and, with
    z = (x − μ)/σ and h = w dL/dy, two in its backward pass,

        dL/dx = (h − mean(h) − z · mean(h z)) / σ,

    all noisy if the batch is small. If the filters before it have mean 0 (`CenConv2d`), μ and mean(h) are about 0 and are
    left out: z = x / χ with χ² = mean(x²) + ε, and dL/dx = (h − z · Ψ) / χ with Ψ = mean(h z). The two that are left are
    replaced by averages over the last m = real_B / B batches,

        χ̄² = (1/m) Σ_s mean(x_s²) + ε,   z = x / χ̄,   dL/dx = (h − z · Ψ̄) / χ̄,   Ψ̄ = (1/m) Σ_s Ψ_s,

    which is no longer the gradient of z, but has less variance than the gradient of the small batch. As in batch
    renormalisation, after 1000 steps y = w r z + b with r = χ̄ / √(running_var + ε), a constant between 1/5 and 5, so
    that training agrees with evaluation, which divides by the latter root. With m = 1 and r = 1 all is exact.

    Yan, Wan, Zhang, Zhang, Wei and Sun, "Towards Stabilizing Batch Statistics in Backward Propagation of Batch
    Normalization", 2020.

    Parameters
    ----------
    channels : int
        C.
    B, real_B : int
        Images in a batch, and in a batch that is to be simulated: a multiple of B.
    eps : float
    momentum : float
        Share of the past in `running_var` (in torch's batch normalisation it is that of the present).
    warmup_iters : int
        Steps in which, as in the first m, each batch is normalised by itself.

    Attributes
    ----------
    weight, bias : [C]
    running_var : [1, C, 1, 1]
        Average of mean squares, for evaluation.
    iters : [1]
        Steps so far.
    buffer_x2, buffer_gz : [m, C]
        The last mean(x²) and Ψ. Names and shapes are those of the authors' code.

    Raises
    ------
    ValueError
        If `real_B` is no multiple of B, or the input has not four dimensions and C channels.

    Shapes: [N, C, H, W] to the same
    """

    RENORM_AFTER = 1000  # steps, in the authors' code

    def __init__(
        self,
        channels: int,
        B: int,
        real_B: int,
        eps: float = 1e-5,
        momentum: float = 0.98,
        warmup_iters: int = 100,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if B < 1 or real_B < B or real_B % B:
            raise ValueError(f"MABN2d: real_B must be a multiple of B, got B={B} and real_B={real_B}")
        self.channels, self.buffer_size = positive(channels, "MABN2d", "channels"), real_B // B
        self.eps, self.momentum, self.warmup_iters = eps, momentum, warmup_iters
        self.weight, self.bias = unset(channels, device, dtype), unset(channels, device, dtype)
        self.register_buffer("running_var", full((1, channels, 1, 1), 1, device, dtype))
        self.register_buffer("iters", full(1, 0, device, np.int64))
        for name in ("buffer_x2", "buffer_gz"):
            self.register_buffer(name, full((self.buffer_size, channels), 0, device, dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the weight to 1 and the bias to 0, and forget all batches."""
        init.ones_(self.weight)
        init.zeros_(self.bias)
        self.running_var.fill_(1)
        for buffer in (self.iters, self.buffer_x2, self.buffer_gz):
            buffer.zero_()

    def forward(self, input: Tensor) -> Tensor:
        x = input.array
        if x.ndim != 4 or x.shape[1] != self.channels:
            raise ValueError(f"MABN2d: expected input [N, {self.channels}, H, W], got shape {x.shape}")
        running = self.running_var.array.reshape(-1)
        if not self.training or x.size == 0:  # an empty batch has no statistics
            scale = self.weight * Tensor(1 / np.sqrt(running + self.eps))
            return input * scale.reshape(-1, 1, 1) + self.bias.reshape(-1, 1, 1)
        self.iters.array += 1
        step = int(self.iters.array[0])
        slot, alone = step % self.buffer_size, step <= self.buffer_size or step < self.warmup_iters
        own = (x * x).mean((0, 2, 3))
        self.buffer_x2.array[slot] = own
        mean_square = own if alone else self.buffer_x2.array.mean(0)
        rms = np.sqrt(mean_square + self.eps)
        correction = np.ones_like(rms)
        if step > max(self.RENORM_AFTER, self.warmup_iters):
            correction = (rms / np.sqrt(running + self.eps)).clip(1 / 5, 5)
        self.running_var.array[...] = (self.momentum * running + (1 - self.momentum) * mean_square).reshape(1, -1, 1, 1)
        return MovingAverageNorm(rms, correction, self.buffer_gz, slot, not alone)(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"{self.channels}, buffer_size={self.buffer_size}, eps={self.eps}, momentum={self.momentum}, "
            f"warmup_iters={self.warmup_iters}"
        )
