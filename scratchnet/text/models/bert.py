"""BERT: every word looks at every other, in both directions.

J. Devlin, M.-W. Chang, K. Lee, K. Toutanova, "BERT: Pre-training of Deep Bidirectional Transformers for Language
Understanding", 2019. As sentence embeddings: N. Reimers, I. Gurevych, "Sentence-BERT: Sentence Embeddings using Siamese
BERT-Networks", 2019; distilled: W. Wang et al., "MiniLM: Deep Self-Attention Distillation for Task-Agnostic Compression
of Pre-Trained Transformers", 2020.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from scratchnet import nn, ops
from scratchnet.autograd import Tensor
from scratchnet.nn import functional as F

_ACTIVATIONS = {"gelu": F.gelu, "gelu_new": partial(F.gelu, approximate="tanh"), "relu": F.relu}


class _Embeddings(nn.Module):
    """norm(word + position + segment)"""

    def __init__(
        self, words: int, width: int, positions: int, segments: int, padding: int | None, dropout: float, eps: float
    ) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(words, width, padding)
        self.position_embeddings = nn.Embedding(positions, width)
        self.token_type_embeddings = nn.Embedding(segments, width)
        self.LayerNorm = nn.LayerNorm(width, eps)
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("position_ids", ops.arange(positions)[None], persistent=False)
        self.register_load_state_dict_pre_hook(_forget_position_ids)

    def forward(self, words: Tensor, segments: Tensor) -> Tensor:
        positions = self.position_ids[:, : words.shape[1]]
        x = self.word_embeddings(words) + self.token_type_embeddings(segments) + self.position_embeddings(positions)
        return self.dropout(self.LayerNorm(x))


def _forget_position_ids(module: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    """0, 1, 2, ... are in the files of older versions of transformers, and not in those of newer ones."""
    state_dict.pop(f"{prefix}position_ids", None)


class _SelfAttention(nn.Module):
    """softmax(q·kᵀ / √d)·v in each head, d = width / heads."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.heads, self.dropout = heads, dropout

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        q, k, v = (
            layer(x).unflatten(2, (self.heads, -1)).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )
        y = F.scaled_dot_product_attention(q, k, v, mask, self.dropout if self.training else 0.0)
        return y.transpose(1, 2).flatten(2)


class _Dense(nn.Module):
    """activation(dense(x))"""

    def __init__(self, inputs: int, outputs: int, activation: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, outputs)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.dense(x))


class _Residual(nn.Module):
    """norm(x + dense(y))"""

    def __init__(self, inner: int, width: int, dropout: float, eps: float) -> None:
        super().__init__()
        self.dense = nn.Linear(inner, width)
        self.LayerNorm = nn.LayerNorm(width, eps)
        self.dropout = nn.Dropout(dropout)

    def forward(self, y: Tensor, x: Tensor) -> Tensor:
        return self.LayerNorm(self.dropout(self.dense(y)) + x)


class _Layer(nn.Module):
    """x ← norm(x + W·attention(x));  x ← norm(x + W₂·gelu(W₁·x))"""

    def __init__(self, attention: _SelfAttention, width: int, inner: int, act: Any, dropout: float, eps: float) -> None:
        super().__init__()
        self.attention = nn.ModuleDict({"self": attention, "output": _Residual(width, width, dropout, eps)})
        self.intermediate = _Dense(width, inner, act)
        self.output = _Residual(inner, width, dropout, eps)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        x = self.attention["output"](self.attention["self"](x, mask), x)
        return self.output(self.intermediate(x), x)


class BertModel(nn.Module):
    """Words to vectors that know their context.

    Arguments are those of a published `config.json`, keys of the state dict those of its weights (transformers'
    `BertModel`); the defaults are BERT-base.

    Parameters
    ----------
    vocab_size, hidden_size, num_hidden_layers, num_attention_heads, intermediate_size : int
    hidden_act : {"gelu", "gelu_new", "relu"}
        Between the two linear layers of intermediate_size; "gelu_new" approximates with tanh.
    hidden_dropout_prob, attention_probs_dropout_prob : float
    max_position_embeddings, type_vocab_size : int
        The longest text, and the number of segments.
    initializer_range : float
        Standard deviation of the initial weights.
    layer_norm_eps : float
    pad_token_id : int, optional
        The word whose embedding stays 0.

    Raises
    ------
    ValueError
        If the heads do not divide `hidden_size`, or the activation is another.
    """

    def __init__(
        self,
        vocab_size: int = 30522,
        hidden_size: int = 768,
        num_hidden_layers: int = 12,
        num_attention_heads: int = 12,
        intermediate_size: int = 3072,
        hidden_act: str = "gelu",
        hidden_dropout_prob: float = 0.1,
        attention_probs_dropout_prob: float = 0.1,
        max_position_embeddings: int = 512,
        type_vocab_size: int = 2,
        initializer_range: float = 0.02,
        layer_norm_eps: float = 1e-12,
        pad_token_id: int | None = 0,
    ) -> None:
        super().__init__()
        width, heads, dropout, eps = hidden_size, num_attention_heads, hidden_dropout_prob, layer_norm_eps
        if width % heads:
            raise ValueError(f"BertModel: {heads} heads do not divide hidden_size, which is {width}")
        if hidden_act not in _ACTIVATIONS:
            raise ValueError(f"BertModel: expected hidden_act to be one of {[*_ACTIVATIONS]}, got {hidden_act!r}")
        self.embeddings = _Embeddings(
            vocab_size, width, max_position_embeddings, type_vocab_size, pad_token_id, dropout, eps
        )
        layers = (
            _Layer(
                _SelfAttention(width, heads, attention_probs_dropout_prob),
                width, intermediate_size, _ACTIVATIONS[hidden_act], dropout, eps,
            )
            for _ in range(num_hidden_layers)
        )  # fmt: skip
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(layers)})
        self.pooler = _Dense(width, width, ops.tanh)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, 0.0, initializer_range)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)
        if pad_token_id is not None:
            nn.init.zeros_(self.embeddings.word_embeddings.weight[pad_token_id])

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> BertModel:
        """As the content of a published `config.json` says; what is not an argument is ignored.

        Raises
        ------
        ValueError
            If it is of another kind of model, or of one with relative positions.
        """
        for name, expected in (("model_type", "bert"), ("position_embedding_type", "absolute")):
            if config.get(name, expected) != expected:
                raise ValueError(f"BertModel: expected {name} to be {expected!r}, got {config[name]!r}")
        return cls(**{name: config[name] for name in inspect.signature(cls).parameters if name in config})

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, token_type_ids: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The vectors of the last layer, and the first word's through a linear layer and tanh.

        Parameters
        ----------
        input_ids : int64 [N, T]
        attention_mask : [N, T], optional
            0 or False where a text has ended.
        token_type_ids : int64 [N, T], optional
            The segment of each word. Default: 0.

        Returns
        -------
        [N, T, hidden_size] and [N, hidden_size]

        Raises
        ------
        ValueError
            If T is larger than `max_position_embeddings`.
        """
        longest = self.embeddings.position_ids.shape[1]
        if input_ids.shape[1] > longest:
            raise ValueError(f"BertModel: expected texts of at most {longest} words, got {input_ids.shape[1]}")
        mask = None if attention_mask is None else attention_mask.bool()[:, None, None, :]
        x = self.embeddings(input_ids, ops.zeros_like(input_ids) if token_type_ids is None else token_type_ids)
        for layer in self.encoder["layer"].children():
            x = layer(x, mask)
        return x, self.pooler(x[:, 0])


def mean_pooling(hidden: Tensor, attention_mask: Tensor) -> Tensor:
    """One vector for each text: the mean over its words, Σ_t m_t h_t / Σ_t m_t.

    Parameters
    ----------
    hidden : [N, T, C]
    attention_mask : [N, T]
        0 where a text has ended; one without words gets zeros.

    Returns
    -------
    [N, C]
    """
    weight = attention_mask.to(hidden.dtype)[:, :, None]
    return (hidden * weight).sum(1) / weight.sum(1).clamp(min=1e-9)
