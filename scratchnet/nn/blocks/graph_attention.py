"""Attention on graphs: a node weighs its neighbours by their features, its own, and those of the edges between."""

from __future__ import annotations

from typing import Any

import numpy as np

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn import init
from scratchnet.nn.blocks.adjacency import Dense, Edges, adjacency
from scratchnet.nn.module import Module
from scratchnet.nn.modules.factory import unset
from scratchnet.nn.modules.linear import Linear

# PyTorch Geometric's names of reductions, and those of scatter_reduce.
_REDUCTIONS = {"mean": "mean", "add": "sum", "sum": "sum", "mul": "prod", "min": "amin", "max": "amax"}


class GATConv(Module):
    """Attention of each node to its neighbours and itself; several heads side by side, or their mean.

        y_i = Σ_j softmax_j(LeakyReLU(a_src · W x_j + a_dst · W x_i + a_edge · W_edge e_ji)) W x_j + W_res x_i + b,
        j over the edges j → i

    Weights of edges are left out of account. Names and arguments are those of PyTorch Geometric.

    Veličković, Cucurull, Casanova, Romero, Liò and Bengio, "Graph Attention Networks", 2018.

    Parameters
    ----------
    in_channels, out_channels : int
        The latter of each head.
    heads : int
        H.
    concat : bool
        Heads side by side; else their mean.
    negative_slope : float
        Of LeakyReLU.
    dropout : float
        Of the weights of attention, in training.
    add_self_loops : bool
        Whether each node is its own neighbour: its loops, if it has any, become one.
    edge_dim : int, optional
        D, how many features an edge has; without it there is no W_edge.
    fill_value : float, Tensor [D] or {"mean", "add", "min", "max", "mul"}
        The features of the loops that are added: these, or a reduction of those of the edges that arrive, which is 0
        where none does.
    bias : bool
    residual : bool
        Whether there is a W_res.

    Attributes
    ----------
    lin, lin_edge, res : Linear with W, W_edge and W_res, without bias; att_src, att_dst, att_edge : [1, H, out_channels]
        Drawn by `init.xavier_uniform_`.
    bias : [H · out_channels], or [out_channels] of the mean; starts as 0

    Raises
    ------
    ValueError
        If fill_value names no reduction.
    RuntimeError
        When called with features of edges that have no W_edge, whose shape does not fit, or beside a matrix; and what
        `GCNConv` raises.

    Called with X [N, in_channels], the graph as `GCNConv`, and optionally the edges' features edge_attr [E, D], or [E]
    where D is 1; returns [N, H · out_channels], or [N, out_channels]. With `return_attention_weights` it returns the
    pair of this and (edge_index [2, E], weights [E, H]): the edges with their loops, and what each head gives them,
    after dropout.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        heads: int = 1,
        concat: bool = True,
        negative_slope: float = 0.2,
        dropout: float = 0.0,
        add_self_loops: bool = True,
        edge_dim: int | None = None,
        fill_value: float | Tensor | str = "mean",
        bias: bool = True,
        residual: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if isinstance(fill_value, str) and fill_value not in _REDUCTIONS:
            known = ", ".join(map(repr, _REDUCTIONS))
            raise ValueError(f"GATConv: expected fill_value as a number, a Tensor or one of {known}, got {fill_value!r}")
        self.in_channels, self.out_channels, self.heads, self.concat = in_channels, out_channels, heads, concat
        self.negative_slope, self.dropout, self.add_self_loops = negative_slope, dropout, add_self_loops
        self.edge_dim, self.fill_value, self.residual = edge_dim, fill_value, residual
        self.att_src = unset((1, heads, out_channels), device, dtype)
        self.att_dst = unset((1, heads, out_channels), device, dtype)
        att_edge = None if edge_dim is None else unset((1, heads, out_channels), device, dtype)
        self.register_parameter("att_edge", att_edge)
        width = heads * out_channels if concat else out_channels
        self.register_parameter("bias", unset(width, device, dtype) if bias else None)
        self.lin = Linear(in_channels, heads * out_channels, False, device, dtype)
        self.lin_edge = None if edge_dim is None else Linear(edge_dim, heads * out_channels, False, device, dtype)
        self.res = Linear(in_channels, width, False, device, dtype) if residual else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        layers = [layer.weight for layer in (self.lin, self.lin_edge, self.res) if layer is not None]
        for weight in (*layers, self.att_src, self.att_dst, self.att_edge):
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(
        self, x: Tensor, edge_index: Any, edge_attr: Tensor | None = None, return_attention_weights: bool = False
    ) -> Any:
        graph = adjacency(edge_index, None, x, "GATConv")
        edges = graph.edges() if isinstance(graph, Dense) else graph
        of_edges = None if edge_attr is None else self._checked(edge_attr, edge_index, len(edges.target))
        if self.add_self_loops:
            edges, kept = edges.without_self_loops()
            if of_edges is not None:
                of_edges = of_edges[Tensor(kept)]
                of_edges = ops.cat([of_edges, self._of_loops(edges, of_edges)])
            edges = edges.with_self_loops(1)
        features = self._by_head(self.lin(x))
        by_source, by_target = ((features * a).sum(2) for a in (self.att_src, self.att_dst))
        scores = by_source[Tensor(edges.source)] + by_target[Tensor(edges.target)]  # [E, H]
        if of_edges is not None and self.lin_edge is not None:
            scores = scores + (self._by_head(self.lin_edge(of_edges)) * self.att_edge).sum(2)
        weights = edges.softmax(F.leaky_relu(scores, self.negative_slope))
        weights = F.dropout(weights, self.dropout, self.training)
        heads = [
            Edges(edges.target, edges.source, w, edges.nodes).times(f)
            for w, f in zip(weights.unbind(1), features.unbind(1))
        ]
        y = ops.cat(heads, 1) if self.concat else ops.stack(heads).mean(0)
        y = y if self.res is None else y + self.res(x)
        y = y if self.bias is None else y + self.bias
        return (y, (Tensor(np.stack([edges.source, edges.target])), weights)) if return_attention_weights else y

    def _by_head(self, x: Tensor) -> Tensor:
        return x.unflatten(1, (self.heads, self.out_channels))  # [·, H, C]

    def _checked(self, edge_attr: Tensor, edge_index: Any, count: int) -> Tensor:
        """The features of the edges, [E, D]."""
        if self.edge_dim is None:
            raise RuntimeError("GATConv: edge_attr needs a layer that was made with edge_dim")
        if not (isinstance(edge_index, Tensor) and edge_index.array.dtype.kind in "iu"):
            raise RuntimeError("GATConv: edge_attr goes with an edge_index, whose edges have an order; not with a matrix")
        features = edge_attr.unsqueeze(1) if edge_attr.array.ndim == 1 else edge_attr
        if features.array.shape != (count, self.edge_dim):
            raise RuntimeError(
                f"GATConv: expected edge_attr of shape {(count, self.edge_dim)}, got {edge_attr.array.shape}"
            )
        return features

    def _of_loops(self, edges: Edges, features: Tensor) -> Tensor:
        """The features of a loop at each node, [N, D]."""
        zeros = ops.zeros(edges.nodes, features.array.shape[1], dtype=features.dtype)
        if not isinstance(self.fill_value, str):
            return zeros + self.fill_value
        at = Tensor(np.repeat(edges.target[:, None], features.array.shape[1], axis=1))
        return zeros.scatter_reduce(0, at, features, _REDUCTIONS[self.fill_value], include_self=False)

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.out_channels}, heads={self.heads}"
