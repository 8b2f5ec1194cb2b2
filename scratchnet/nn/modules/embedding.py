"""Tables of vectors."""

from __future__ import annotations

from typing import Any

from scratchnet.autograd.mode import no_grad
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn import init
from scratchnet.nn.functional.embedding import padding_row
from scratchnet.nn.module import Module
from scratchnet.nn.modules.factory import positive, unset
from scratchnet.nn.parameter import Parameter


def _table(layer: str, rows: int, columns: int, given: Tensor | None, device: Any, dtype: Any) -> Parameter:
    """The table that is given, checked, or one whose values are still to be set."""
    rows, columns = positive(rows, layer, "num_embeddings"), positive(columns, layer, "embedding_dim")
    if given is None:
        return unset((rows, columns), device, dtype)
    if tuple(given.shape) != (rows, columns):
        raise AssertionError(
            f"Shape of weight does not match num_embeddings and embedding_dim: {tuple(given.shape)}, expected "
            f"{(rows, columns)}"
        )
    return Parameter(given)


def _draw_table(weight: Parameter, padding_idx: int | None) -> None:
    init.normal_(weight)
    if padding_idx is not None:
        with no_grad():
            weight[padding_idx].fill_(0)


def _from_pretrained(cls: type, embeddings: Tensor, freeze: bool = True, **options: Any) -> Any:
    """A layer with the table that is given, which is not learned further unless `freeze` is False."""
    if embeddings.ndim != 2:
        raise AssertionError(f"Embeddings parameter is expected to be 2-dimensional, got shape {tuple(embeddings.shape)}")
    layer = cls(*embeddings.shape, _weight=embeddings, **options)
    layer.weight.requires_grad_(not freeze)
    return layer


class Embedding(Module):
    """The rows of a table that belong to indices, see `functional.embedding`.

    Parameters
    ----------
    num_embeddings, embedding_dim : int
        Rows and columns of the table.
    padding_idx : int, optional
        A row that starts as 0 and stays as it is.
    max_norm, norm_type, scale_grad_by_freq, sparse
        As in `functional.embedding`.

    Attributes
    ----------
    weight : [num_embeddings, embedding_dim]
        Initial values are drawn from N(0, 1).
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = padding_row("Embedding", padding_idx, num_embeddings)
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        self.weight = _table("Embedding", num_embeddings, embedding_dim, _weight, device, dtype)
        if _weight is None:
            self.reset_parameters()
        self.weight.requires_grad_(not _freeze)

    @classmethod
    def from_pretrained(
        cls, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None, **options: Any
    ) -> Embedding:
        """A layer with the table that is given, which is not learned further unless `freeze` is False."""
        return _from_pretrained(cls, embeddings, freeze, padding_idx=padding_idx, **options)

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        _draw_table(self.weight, self.padding_idx)

    def forward(self, input: Tensor) -> Tensor:
        return F.embedding(
            input,
            self.weight,
            self.padding_idx,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.sparse,
        )

    def extra_repr(self) -> str:
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.padding_idx is not None:
            text += f", padding_idx={self.padding_idx}"
        if self.max_norm is not None:
            text += f", max_norm={self.max_norm}"
        if self.norm_type != 2:
            text += f", norm_type={self.norm_type}"
        if self.scale_grad_by_freq:
            text += f", scale_grad_by_freq={self.scale_grad_by_freq}"
        return text + (", sparse=True" if self.sparse else "")


class EmbeddingBag(Module):
    """Sums, means or largest numbers of rows of a table, see `functional.embedding_bag`.

    Parameters
    ----------
    num_embeddings, embedding_dim : int
        Rows and columns of the table.
    max_norm, norm_type, scale_grad_by_freq, mode, sparse, include_last_offset
        As in `functional.embedding_bag`.
    padding_idx : int, optional
        A row that starts as 0, is left out and stays as it is.

    Attributes
    ----------
    weight : [num_embeddings, embedding_dim]
        Initial values are drawn from N(0, 1).
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.max_norm, self.norm_type, self.scale_grad_by_freq = max_norm, norm_type, scale_grad_by_freq
        self.padding_idx = padding_row("EmbeddingBag", padding_idx, num_embeddings)
        self.weight = _table("EmbeddingBag", num_embeddings, embedding_dim, _weight, device, dtype)
        self.mode, self.sparse, self.include_last_offset = mode, sparse, include_last_offset
        if _weight is None:
            self.reset_parameters()

    @classmethod
    def from_pretrained(cls, embeddings: Tensor, freeze: bool = True, **options: Any) -> EmbeddingBag:
        """A layer with the table that is given, which is not learned further unless `freeze` is False."""
        return _from_pretrained(cls, embeddings, freeze, **options)

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        _draw_table(self.weight, self.padding_idx)

    def forward(
        self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None
    ) -> Tensor:
        return F.embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    def extra_repr(self) -> str:
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        for name, default in (("max_norm", None), ("norm_type", 2), ("scale_grad_by_freq", False)):
            if getattr(self, name) != default:
                text += f", {name}={getattr(self, name)!r}"
        text += f", mode={self.mode!r}"
        return text if self.padding_idx is None else f"{text}, padding_idx={self.padding_idx}"
