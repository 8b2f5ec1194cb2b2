"""The Transformer: A. Vaswani et al., "Attention Is All You Need", 2017."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn import init
from scratchnet.nn.containers import ModuleList
from scratchnet.nn.functional.multi_head_attention import canonical_mask
from scratchnet.nn.module import Module
from scratchnet.nn.modules.norm import LayerNorm
from scratchnet.nn.modules.transformer_layers import TransformerDecoderLayer, TransformerEncoderLayer


class TransformerEncoder(Module):
    """Encoder layers one after the other, each a copy of the one that is given (with equal initial values).

    Input and result [L, N, E], or [N, L, E] if the layers are batch_first, or [L, E].

    Parameters
    ----------
    encoder_layer : TransformerEncoderLayer
    num_layers : int
    norm : Module, optional
        After the last layer.
    enable_nested_tensor, mask_check
        torch's choice of a short cut in evaluation without gradients, which sets padded places to 0. There is none
        here, and they have no effect.
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(encoder_layer) for _ in range(num_layers)])
        self.num_layers, self.norm = num_layers, norm
        self.enable_nested_tensor, self.mask_check = enable_nested_tensor, mask_check

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """Parameters are those of `TransformerEncoderLayer`; without `is_causal` the mask itself is looked at."""
        padding = canonical_mask(src_key_padding_mask, "src_key_padding_mask", src.array.dtype, mask, "mask")
        mask = canonical_mask(mask, "mask", src.array.dtype)
        causal = _is_causal(mask, is_causal, src, self.layers[0])
        output = src
        for layer in self.layers:
            output = layer(output, src_mask=mask, is_causal=causal, src_key_padding_mask=padding)
        return output if self.norm is None else self.norm(output)


class TransformerDecoder(Module):
    """Decoder layers one after the other, each a copy of the one that is given (with equal initial values).

    Targets and result [L, N, E], memory [S, N, E]; N comes first if the layers are batch_first, or is left out.

    Parameters
    ----------
    decoder_layer : TransformerDecoderLayer
    num_layers : int
    norm : Module, optional
        After the last layer.
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = ModuleList([copy.deepcopy(decoder_layer) for _ in range(num_layers)])
        self.num_layers, self.norm = num_layers, norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Parameters are those of `TransformerDecoderLayer`; without `tgt_is_causal` the mask itself is looked at."""
        causal = _is_causal(tgt_mask, tgt_is_causal, tgt, self.layers[0])
        output = tgt
        for layer in self.layers:
            output = layer(
                output,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=causal,
                memory_is_causal=memory_is_causal,
            )
        return output if self.norm is None else self.norm(output)


def _is_causal(mask: Tensor | None, hint: bool | None, x: Tensor, layer: Module) -> bool:
    """The hint, or whether the mask is that of `generate_square_subsequent_mask`."""
    if hint is not None or mask is None:
        return bool(hint)
    batch_first = layer.self_attn.batch_first
    length = x.array.shape[1 if x.array.ndim == 3 and batch_first else 0]
    array = mask.array
    return array.shape == (length, length) and bool((array == _subsequent(length, array.dtype)).all())


def _subsequent(size: int, dtype: Any) -> Any:
    return np.triu(np.full((size, size), -np.inf), 1).astype(dtype)


class Transformer(Module):
    """An encoder of the source, and a decoder that makes the target from it.

    Parameters
    ----------
    d_model : int
        Features.
    nhead : int
        Heads of every attention.
    num_encoder_layers, num_decoder_layers : int
    dim_feedforward : int
        Features between the two linear maps of a layer.
    dropout : float
    activation : "relu", "gelu" or a function
    custom_encoder, custom_decoder : Module, optional
        Used instead.
    layer_norm_eps : float
    batch_first : bool
        Inputs and output are [N, L, E] instead of [L, N, E].
    norm_first : bool
        Normalise before attention and linear maps, not after.
    bias : bool
        Whether linear maps and norms have one.

    Matrices start as `init.xavier_uniform_`.
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Tensor], Tensor] = F.relu,
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        of_layer = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias,
                    device, dtype)  # fmt: skip

        def norm() -> LayerNorm:
            return LayerNorm(d_model, layer_norm_eps, bias=bias, device=device, dtype=dtype)

        if custom_encoder is None:
            custom_encoder = TransformerEncoder(TransformerEncoderLayer(*of_layer), num_encoder_layers, norm())
        if custom_decoder is None:
            custom_decoder = TransformerDecoder(TransformerDecoderLayer(*of_layer), num_decoder_layers, norm())
        self.encoder, self.decoder = custom_encoder, custom_decoder
        self._reset_parameters()
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first

    def _reset_parameters(self) -> None:
        for p in self.parameters():
            if p.ndim > 1:
                init.xavier_uniform_(p)

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """The decoder's output for each place of the target.

        Parameters
        ----------
        src, tgt : [S, N, E] and [T, N, E]; batch first if so chosen; or without N
        src_mask, tgt_mask, memory_mask : [S, S], [T, T], [T, S], or one for each of N · nhead, optional
            As `attn_mask` of `MultiheadAttention`.
        src_key_padding_mask, tgt_key_padding_mask, memory_key_padding_mask : [N, S], [N, T], [N, S], optional
        src_is_causal, tgt_is_causal, memory_is_causal : bool, optional
            Hints that a mask hides what follows.
        """
        batch = 0 if self.batch_first else 1
        if src.array.ndim == 3 and src.array.shape[batch] != tgt.array.shape[batch]:
            raise RuntimeError(
                f"the batch number of src and tgt must be equal, got {src.array.shape[batch]} and "
                f"{tgt.array.shape[batch]}"
            )
        if src.array.shape[-1] != self.d_model or tgt.array.shape[-1] != self.d_model:
            raise RuntimeError(
                f"the feature number of src and tgt must be equal to d_model={self.d_model}, got "
                f"{src.array.shape[-1]} and {tgt.array.shape[-1]}"
            )
        memory = self.encoder(
            src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal
        )
        return self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """[sz, sz] with −∞ above the diagonal, where a place would see what follows it, and 0 elsewhere."""
        return ops.triu(ops.full((sz, sz), -np.inf, device=device, dtype=dtype), 1)
