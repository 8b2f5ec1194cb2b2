"""The layers of a Transformer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.functional.multi_head_attention import canonical_mask
from scratchnet.nn.module import Module
from scratchnet.nn.modules.attention import MultiheadAttention
from scratchnet.nn.modules.dropout import Dropout
from scratchnet.nn.modules.linear import Linear
from scratchnet.nn.modules.norm import LayerNorm

PARAMETERS = """
    Parameters
    ----------
    d_model : int
        Features E.
    nhead : int
        Heads of attention.
    dim_feedforward : int
        Features between the two linear maps.
    dropout : float
        Probability, for the weights of attention, between the linear maps, and after each part.
    activation : "relu", "gelu" or a function
    layer_norm_eps : float
    batch_first : bool
        Inputs and output are [N, L, E] instead of [L, N, E].
    norm_first : bool
        Normalise before each part, not after.
    bias : bool
        Whether linear maps and norms have one.
    """


def _function(activation: str | Callable) -> Callable:
    if not isinstance(activation, str):
        return activation
    if activation not in ("relu", "gelu"):
        raise RuntimeError(f"activation should be relu/gelu, not {activation}")
    return getattr(F, activation)


class _Layer(Module):
    """What encoder and decoder layers share. Parts are named in the order in which torch makes them, so that equal
    seeds give equal numbers."""

    attentions: tuple[str, ...]

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Tensor], Tensor] = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        factory = {"bias": bias, "device": device, "dtype": dtype}
        for name in self.attentions:
            setattr(self, name, MultiheadAttention(d_model, nhead, dropout, batch_first=batch_first, **factory))
        self.linear1 = Linear(d_model, dim_feedforward, **factory)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, **factory)
        self.norm_first = norm_first
        parts = len(self.attentions) + 1
        for i in range(1, parts + 1):
            setattr(self, f"norm{i}", LayerNorm(d_model, layer_norm_eps, **factory))
        for i in range(1, parts + 1):
            setattr(self, f"dropout{i}", Dropout(dropout))
        self.activation = _function(activation)

    def _apply_parts(self, x: Tensor, *parts: Callable[[Tensor], Tensor]) -> Tensor:
        """x + part(norm(x)) for each part in turn, or norm(x + part(x))."""
        for i, part in enumerate(parts, 1):
            norm, dropout = getattr(self, f"norm{i}"), getattr(self, f"dropout{i}")
            x = x + dropout(part(norm(x))) if self.norm_first else norm(x + dropout(part(x)))
        return x

    def _feed_forward(self, x: Tensor) -> Tensor:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class TransformerEncoderLayer(_Layer):
    __doc__ = f"""Self-attention and two linear maps, each added to its input and normalised.

        x = norm1(x + attention(x, x, x)),   x = norm2(x + W₂ activation(W₁ x + b₁) + b₂)
    {PARAMETERS}"""

    attentions = ("self_attn",)

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """The output, of the shape of `src`; masks and the hint `is_causal` are those of `MultiheadAttention`."""
        dtype = src.array.dtype
        padding = canonical_mask(src_key_padding_mask, "src_key_padding_mask", dtype, src_mask, "src_mask")
        mask = canonical_mask(src_mask, "src_mask", dtype)
        return self._apply_parts(
            src, lambda x: self.self_attn(x, x, x, padding, False, mask, is_causal=is_causal)[0], self._feed_forward
        )


class TransformerDecoderLayer(_Layer):
    __doc__ = f"""Self-attention, attention to the encoder's output, and two linear maps.

        x = norm1(x + attention(x, x, x)),   x = norm2(x + attention(x, memory, memory)),
        x = norm3(x + W₂ activation(W₁ x + b₁) + b₂)
    {PARAMETERS}"""

    attentions = ("self_attn", "multihead_attn")

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """The output, of the shape of `tgt`; masks and hints are those of `MultiheadAttention`."""

        def to_itself(x: Tensor) -> Tensor:
            return self.self_attn(x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=tgt_is_causal)[0]

        def to_memory(x: Tensor) -> Tensor:
            return self.multihead_attn(
                x, memory, memory, memory_key_padding_mask, False, memory_mask, is_causal=memory_is_causal
            )[0]

        return self._apply_parts(tgt, to_itself, to_memory, self._feed_forward)
