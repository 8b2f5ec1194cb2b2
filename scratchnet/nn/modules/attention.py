"""Attention layers."""

from __future__ import annotations

from typing import Any

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import init
from scratchnet.nn.functional.multi_head_attention import attend, check_shapes, multi_head_attention_forward
from scratchnet.nn.module import Module
from scratchnet.nn.modules.factory import unset
from scratchnet.nn.modules.linear import NonDynamicallyQuantizableLinear


class MultiheadAttention(Module):
    """Several attentions side by side, each in a subspace of its own (a head), and a linear map of all.

        head_h = softmax(q_h k_hᵀ / √D) v_h,   q_h, k_h, v_h = affine maps of query, key and value to D = E/H features
        y = [head_1 … head_H] W_oᵀ + b_o

    Vaswani et al., "Attention Is All You Need", 2017.

    Parameters
    ----------
    embed_dim, num_heads : int
        E and H; H divides E.
    dropout : float
        Probability of a weight of attention to be dropped in training.
    bias : bool
        Whether the affine maps have a bias.
    add_bias_kv : bool
        A learned key and value after those given.
    add_zero_attn : bool
        A key and a value of zeros after those given.
    kdim, vdim : int, optional
        Features of key and value; E if not given.
    batch_first : bool
        Inputs and output are [N, L, E] instead of [L, N, E].

    Attributes
    ----------
    in_proj_weight : [3E, E], or q_proj_weight [E, E], k_proj_weight [E, kdim], v_proj_weight [E, vdim]
        Initial values are those of `init.xavier_uniform_`.
    in_proj_bias : [3E], bias_k, bias_v : [1, 1, E]
        The first starts as 0, the others as `init.xavier_normal_`.
    out_proj : Linear(E, E), whose bias starts as 0
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and num_heads={num_heads} "
                "instead"
            )
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads, self.dropout, self.batch_first = num_heads, dropout, batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError(f"embed_dim must be divisible by num_heads, got {embed_dim} and {num_heads}")
        widths = {"q": embed_dim, "k": self.kdim, "v": self.vdim}
        same = self._qkv_same_embed_dim
        for name, width in {} if same else widths.items():
            self.register_parameter(f"{name}_proj_weight", unset((embed_dim, width), device, dtype))
        packed = unset((3 * embed_dim, embed_dim), device, dtype) if same else None
        self.register_parameter("in_proj_weight", packed)
        for name in widths if same else ():
            self.register_parameter(f"{name}_proj_weight", None)
        self.register_parameter("in_proj_bias", unset(3 * embed_dim, device, dtype) if bias else None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias, device, dtype)
        for name in ("bias_k", "bias_v"):
            setattr(self, name, unset((1, 1, embed_dim), device, dtype) if add_bias_kv else None)
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        """Draw new initial values, but for `out_proj.weight`."""
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """The output, and the weights of attention if they are needed.

        Parameters
        ----------
        query, key, value : [L, N, E], [S, N, kdim], [S, N, vdim]; batch first if so chosen; or without N
        key_padding_mask : [N, S], optional
            Where it is True a key is hidden; numbers are added to the scores.
        need_weights : bool
            Without them the matrix of scores is never held as a whole, which is faster.
        attn_mask : [L, S] or [N · num_heads, L, S], optional
            Likewise, for pairs of a query and a key.
        average_attn_weights : bool
            Average the weights over the heads.
        is_causal : bool
            A hint that `attn_mask`, which must be given, hides what follows a query.

        Returns
        -------
        output : of query's shape
        weights : [N, L, S], or [N, num_heads, L, S] if they are not averaged; None unless needed
        """
        weights: Any = self.in_proj_weight
        if not self._qkv_same_embed_dim:
            weights = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        dropout = self.dropout if self.training else 0.0
        if self.batch_first and query.array.ndim == 3:
            check_shapes(query, key, value, key_padding_mask, attn_mask, self.num_heads)
            y, p = attend(
                query, key, value, self.embed_dim, self.num_heads, weights, self.in_proj_bias, self.bias_k, self.bias_v,
                self.add_zero_attn, dropout, self.out_proj.weight, self.out_proj.bias, key_padding_mask, need_weights,
                attn_mask, None, None, average_attn_weights, is_causal,
            )  # fmt: skip
            return y.transpose(0, 1), p
        return multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight, self.in_proj_bias, self.bias_k,
            self.bias_v, self.add_zero_attn, self.dropout, self.out_proj.weight, self.out_proj.bias, self.training,
            key_padding_mask, need_weights, attn_mask, not self._qkv_same_embed_dim, self.q_proj_weight,
            self.k_proj_weight, self.v_proj_weight, None, None, average_attn_weights, is_causal,
        )  # fmt: skip
