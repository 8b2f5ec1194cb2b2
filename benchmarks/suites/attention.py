"""Attention, multi-head attention, linear maps and embeddings: forward with all gradients."""

from __future__ import annotations

from typing import Any

from benchmarks.tasks import Step, suite

attention = suite("attention", "Attention, linear maps and embeddings", mean=1.0, limit=1.5)

PRODUCTS = {
    "4×8 heads, 512 places of 64, causal": ((4, 8, 512, 64), True),
    "8 heads, 2048 places of 64": ((1, 8, 2048, 64), False),
    "8 heads, 2048 places of 64, causal": ((1, 8, 2048, 64), True),
    "8×6 heads, 197 places of 64": ((8, 6, 197, 64), False),
    "2×12 heads, 128 places of 32": ((2, 12, 128, 32), False),
}

for _name, (_shape, _causal) in PRODUCTS.items():

    @attention.task(_name, "scaled_dot_product_attention")
    def product(torch: Any, shape: tuple = _shape, causal: bool = _causal) -> Step:
        q, k, v = (torch.randn(*shape).requires_grad_() for _ in range(3))
        g = torch.randn(*shape)

        def step() -> None:
            q.grad = k.grad = v.grad = None
            torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal).backward(g)

        return step


for _name, _weights in (("MultiheadAttention", False), ("MultiheadAttention, weights", True)):

    @attention.task(_name, "8×197×384, 6 heads")
    def heads(torch: Any, need_weights: bool = _weights) -> Step:
        layer = torch.nn.MultiheadAttention(384, 6, batch_first=True)
        x, g = torch.randn(8, 197, 384).requires_grad_(), torch.randn(8, 197, 384)

        def step() -> None:
            layer.zero_grad()
            x.grad = None
            layer(x, x, x, need_weights=need_weights)[0].backward(g)

        return step


@attention.task("Linear", "8×197×384 to 1536")
def linear(torch: Any) -> Step:
    layer, x, g = torch.nn.Linear(384, 1536), torch.randn(8, 197, 384).requires_grad_(), torch.randn(8, 197, 1536)

    def step() -> None:
        layer.zero_grad()
        x.grad = None
        layer(x).backward(g)

    return step


@attention.task("Embedding", "64×128 of 10000 rows of 256")
def embedding(torch: Any) -> Step:
    layer, indices, g = torch.nn.Embedding(10000, 256), torch.randint(0, 10000, (64, 128)), torch.randn(64, 128, 256)

    def step() -> None:
        layer.zero_grad()
        layer(indices).backward(g)

    return step


@attention.task("EmbeddingBag", "means of 512 bags of 32 of 10000 rows of 64")
def embedding_bag(torch: Any) -> Step:
    layer, indices, g = torch.nn.EmbeddingBag(10000, 64), torch.randint(0, 10000, (512, 32)), torch.randn(512, 64)

    def step() -> None:
        layer.zero_grad()
        layer(indices).backward(g)

    return step
