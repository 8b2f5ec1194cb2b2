"""The edges of a graph, however they are given, and sums over each node's neighbours."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from scratchnet import ops
from scratchnet.autograd.function import INPUTS, Function
from scratchnet.autograd.tensor import Tensor

# Closed under differentiation: the gradients of each operation are the other, or itself with the arrows turned.


class SparseProduct(Function):
    """y = A x,  A[i, j] = the sum of the w_e with target_e = i and source_e = j:  y_i = Σ_{e → i} w_e x_{source_e}

    With g = dL/dy:  dL/dx = Aᵀ g,  dL/dw_e = g_{target_e} · x_{source_e}.
    """

    reads = INPUTS

    def __init__(self, target: np.ndarray, source: np.ndarray, rows: int) -> None:
        self.target, self.origin, self.rows = target, source, rows

    def forward(self, w: Any, x: Any) -> Any:
        from scipy.sparse import csr_array

        self.columns = x.shape[0]
        return csr_array((w, (self.target, self.origin)), shape=(self.rows, self.columns)) @ x

    def backward(self, g: Tensor) -> tuple:
        w, x = self.inputs
        need_w, need_x = self.needs_input_grad
        return (
            ProductOfEnds(self.target, self.origin)(g, x) if need_w else None,
            SparseProduct(self.origin, self.target, self.columns)(w, g) if need_x else None,
        )


class ProductOfEnds(Function):
    """y_e = a_{target_e} · b_{source_e}.  The product of two dense matrices, where a sparse one has entries.

    With g = dL/dy, on the edges:  dL/da_i = Σ_{e → i} g_e b_{source_e}, and dL/db with the arrows turned.
    """

    reads = INPUTS

    def __init__(self, target: np.ndarray, source: np.ndarray) -> None:
        self.target, self.origin = target, source

    def forward(self, a: Any, b: Any) -> Any:
        self.sizes = a.shape[0], b.shape[0]
        return np.einsum("ef,ef->e", a[self.target], b[self.origin])

    def backward(self, g: Tensor) -> tuple:
        a, b = self.inputs
        need_a, need_b = self.needs_input_grad
        return (
            SparseProduct(self.target, self.origin, self.sizes[0])(g, b) if need_a else None,
            SparseProduct(self.origin, self.target, self.sizes[1])(g, a) if need_b else None,
        )


class Edges:
    """A sparse adjacency: edge e goes from source_e to target_e, with weight w_e, which may have a gradient."""

    def __init__(self, target: np.ndarray, source: np.ndarray, weight: Tensor, nodes: int) -> None:
        self.target, self.source, self.weight, self.nodes = target, source, weight, nodes

    def times(self, x: Tensor) -> Tensor:
        """A x for [nodes, F]: what each node is sent, added up."""
        return SparseProduct(self.target, self.source, self.nodes)(self.weight, x)

    def row_sums(self) -> Tensor:
        """Σ_j A_ij: [nodes]"""
        zeros = ops.zeros(self.nodes, dtype=self.weight.dtype)
        return zeros.index_add(0, Tensor(self.target), self.weight)

    def scaled(self, rows: Tensor, columns: Tensor | None = None) -> Edges:
        """diag(rows) A diag(columns)"""
        weight = self.weight * rows[Tensor(self.target)]
        if columns is not None:
            weight = weight * columns[Tensor(self.source)]
        return Edges(self.target, self.source, weight, self.nodes)

    def with_self_loops(self, value: float) -> Edges:
        """A loop of this weight at each node that has none."""
        nodes = np.setdiff1d(np.arange(self.nodes), self.target[self.target == self.source])
        loops = Tensor(np.full_like(self.weight.array, value, shape=len(nodes)))
        return Edges(
            np.concatenate([self.target, nodes]), np.concatenate([self.source, nodes]),
            ops.cat([self.weight, loops]), self.nodes,
        )  # fmt: skip

    def without_self_loops(self) -> tuple[Edges, np.ndarray]:
        """The edges between two nodes, and which of these edges they are."""
        kept = np.flatnonzero(self.target != self.source)
        return Edges(self.target[kept], self.source[kept], self.weight[Tensor(kept)], self.nodes), kept

    def softmax(self, scores: Tensor) -> Tensor:
        """exp(s_e) / Σ exp over all edges with the same target, of scores [E, H]."""
        at = Tensor(self.target)
        shape = (self.nodes, *scores.shape[1:])
        greatest = np.full_like(scores.array, -np.inf, shape=shape)
        np.maximum.at(greatest, self.target, scores.array)  # shifted: exp never overflows
        e = (scores - Tensor(greatest)[at]).exp()
        return e / ops.zeros(shape, dtype=e.dtype).index_add(0, at, e)[at]


class Dense:
    """An adjacency matrix [nodes, nodes], with a gradient to every entry."""

    def __init__(self, matrix: Tensor) -> None:
        self.matrix, self.nodes = matrix, len(matrix)

    def times(self, x: Tensor) -> Tensor:
        """A x for [nodes, F]"""
        return self.matrix @ x

    def row_sums(self) -> Tensor:
        """Σ_j A_ij: [nodes]"""
        return self.matrix.sum(1)

    def scaled(self, rows: Tensor, columns: Tensor | None = None) -> Dense:
        """diag(rows) A diag(columns)"""
        scaled = self.matrix * rows.unsqueeze(1)
        return Dense(scaled if columns is None else scaled * columns)

    def with_self_loops(self, value: float) -> Dense:
        """A loop of this weight at each node that has none."""
        missing = self.matrix.array.diagonal() == 0
        return Dense(self.matrix + Tensor(np.diag(np.where(missing, value, 0).astype(self.matrix.array.dtype))))

    def edges(self) -> Edges:
        """Of the entries that are not 0."""
        target, source = np.nonzero(self.matrix.array)
        return Edges(target, source, self.matrix[Tensor(target), Tensor(source)], self.nodes)


def adjacency(graph: Any, edge_weight: Tensor | None, x: Tensor, layer: str) -> Edges | Dense:
    """The graph of the nodes whose features are x [N, F].

    Parameters
    ----------
    graph : Tensor of ints [2, E], Tensor of floats [N, N], or SciPy sparse matrix [N, N]
        Sources and targets, as PyTorch Geometric's `edge_index`; or A, A[i, j] the weight of the edge from j to i.
    edge_weight : [E], optional
        1 if not given. Only with an `edge_index`: a matrix has its own.

    Raises
    ------
    TypeError
        If it is none of these.
    RuntimeError
        If shapes or dtypes do not fit.
    IndexError
        If an edge's end is no node.
    """
    if x.array.ndim != 2:
        raise RuntimeError(f"{layer}: expected x of shape [N, F], got {x.array.shape}")
    if isinstance(graph, Tensor) and graph.array.dtype.kind in "iu":
        return _listed(graph.array, edge_weight, x, layer)
    sparse = "scipy.sparse" in sys.modules and sys.modules["scipy.sparse"].issparse(graph)
    if not sparse and not isinstance(graph, Tensor):
        raise TypeError(
            f"{layer}: expected the graph as a Tensor (edge_index [2, E] of ints, or adjacency [N, N] of floats) "
            f"or a SciPy sparse matrix, got {type(graph).__name__}"
        )
    nodes, dtype = x.array.shape[0], x.array.dtype
    if tuple(graph.shape) != (nodes, nodes):
        raise RuntimeError(f"{layer}: expected an adjacency of shape {(nodes, nodes)}, got {tuple(graph.shape)}")
    if edge_weight is not None:
        raise RuntimeError(f"{layer}: edge_weight goes with an edge_index; a matrix has weights of its own")
    if not sparse:
        return Dense(graph if graph.array.dtype == dtype else graph.to(dtype))
    entries = graph.tocoo()
    return Edges(entries.row.astype(np.int64), entries.col.astype(np.int64), Tensor(entries.data.astype(dtype)), nodes)


def _listed(edge_index: np.ndarray, edge_weight: Tensor | None, x: Tensor, layer: str) -> Edges:
    """The graph of an edge_index."""
    nodes, dtype = x.array.shape[0], x.array.dtype
    if edge_index.ndim != 2 or len(edge_index) != 2:
        raise RuntimeError(f"{layer}: expected edge_index of shape [2, E], got {edge_index.shape}")
    if edge_index.size and not 0 <= edge_index.min() <= edge_index.max() < nodes:
        raise IndexError(
            f"{layer}: edge_index must name nodes from 0 to {nodes - 1}, got {edge_index.min()} to {edge_index.max()}"
        )
    source, target = edge_index
    if edge_weight is None:
        edge_weight = Tensor(np.ones_like(x.array, shape=len(source)))
    elif edge_weight.array.shape != source.shape or edge_weight.array.dtype != dtype:
        raise RuntimeError(
            f"{layer}: expected edge_weight of shape {source.shape} and dtype {dtype}, got {edge_weight.array.shape} "
            f"and {edge_weight.array.dtype}"
        )
    return Edges(target, source, edge_weight, nodes)
