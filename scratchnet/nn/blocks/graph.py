"""Graph convolutions: each node's features become a sum over its neighbours'."""

from __future__ import annotations

from typing import Any

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn import init
from scratchnet.nn.blocks.adjacency import Dense, Edges, adjacency
from scratchnet.nn.module import Module
from scratchnet.nn.modules.factory import unset
from scratchnet.nn.modules.linear import Linear


def _inverse(x: Tensor, power: float) -> Tensor:
    """x^(−power), and 0 where x = 0: nodes without neighbours get nothing."""
    alone = Tensor(x.array == 0)
    return (x.masked_fill(alone, 1) ** -power).masked_fill(alone, 0)


def symmetric_normalisation(graph: Edges | Dense) -> Edges | Dense:
    """D^(−½) A D^(−½),  D_ii = Σ_j A_ij"""
    scale = _inverse(graph.row_sums(), 0.5)
    return graph.scaled(scale, scale)


class GCNConv(Module):
    """Y = D^(−½) (A + I) D^(−½) X Wᵀ + b,   D_ii = Σ_j (A + I)_ij

    Kipf and Welling, "Semi-Supervised Classification with Graph Convolutional Networks", 2016. Names, arguments and
    treatment of loops are those of PyTorch Geometric: a node that has a loop keeps it, instead of the one of I.

    Parameters
    ----------
    in_channels, out_channels : int
    improved : bool
        A + 2I. (PyTorch Geometric does so only where edge_weight is given.)
    cached : bool
        Keep the normalised graph of the first call and use it from then on: for one graph that does not change.
    add_self_loops : bool, optional
        Whether I is added; default: if `normalize`.
    normalize : bool
        Whether there are the D.
    bias : bool

    Attributes
    ----------
    lin : Linear without bias, drawn by `init.xavier_uniform_`
    bias : [out_channels], starts as 0

    Raises
    ------
    ValueError
        If loops are to be added, but not normalised.
    TypeError, RuntimeError, IndexError
        When called: if the graph is none of these, if shapes or dtypes do not fit, if an edge's end is no node.

    Called with X [N, in_channels], the graph, and optionally edge_weight [E]; returns [N, out_channels]. The graph is
    an edge_index [2, E] (row 0 the sources, row 1 the targets), a dense adjacency Tensor or a SciPy sparse matrix
    [N, N], whose entry [i, j] is the weight of the edge from j to i. Gradients go to X, to edge_weight and to all
    entries of the dense adjacency.

    Examples
    --------
    Two triangles joined by one edge; one node of each is labelled, and two layers find the triangles.

    >>> import scratchnet
    >>> from scratchnet import nn
    >>> _ = scratchnet.manual_seed(0)
    >>> pairs = [(0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (3, 5), (4, 5)]
    >>> edges = scratchnet.tensor(pairs + [(j, i) for i, j in pairs]).T
    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.hidden, self.out = nn.GCNConv(6, 4), nn.GCNConv(4, 2)
    ...
    ...     def forward(self, x):
    ...         return self.out(self.hidden(x, edges).relu(), edges)
    >>> net, x = Net(), scratchnet.eye(6)
    >>> optimizer = scratchnet.optim.Adam(net.parameters(), lr=0.05)
    >>> for _ in range(60):
    ...     optimizer.zero_grad()
    ...     loss = nn.functional.cross_entropy(net(x)[[0, 5]], scratchnet.tensor([0, 1]))
    ...     _ = loss.backward(), optimizer.step()
    >>> net(x).argmax(1)
    tensor([0, 0, 0, 1, 1, 1])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        improved: bool = False,
        cached: bool = False,
        add_self_loops: bool | None = None,
        normalize: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if add_self_loops is None:
            add_self_loops = normalize
        if add_self_loops and not normalize:
            raise ValueError("GCNConv: add_self_loops=True needs normalize=True; or put the loops into the graph")
        self.in_channels, self.out_channels, self.improved = in_channels, out_channels, improved
        self.cached, self.add_self_loops, self.normalize = cached, add_self_loops, normalize
        self.lin = Linear(in_channels, out_channels, bias=False, device=device, dtype=dtype)
        self.register_parameter("bias", unset(out_channels, device, dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values, and forget the graph."""
        init.xavier_uniform_(self.lin.weight)
        if self.bias is not None:
            init.zeros_(self.bias)
        self._graph: Edges | Dense | None = None

    def forward(self, x: Tensor, edge_index: Any, edge_weight: Tensor | None = None) -> Tensor:
        graph = self._graph
        if graph is None:
            graph = adjacency(edge_index, edge_weight, x, "GCNConv")
            if self.add_self_loops:
                graph = graph.with_self_loops(2 if self.improved else 1)
            if self.normalize:
                graph = symmetric_normalisation(graph)
            if self.cached:
                self._graph = graph
        y = graph.times(self.lin(x))
        return y if self.bias is None else y + self.bias

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.out_channels}"


class SAGEConv(Module):
    """y_i = W_l · (the mean of the neighbours' x_j) + b + W_r x_i

    The mean is weighed by the edges' weights; without neighbours it is 0. Names and arguments are those of PyTorch
    Geometric, whose layer leaves weights out of account.

    Hamilton, Ying and Leskovec, "Inductive Representation Learning on Large Graphs", 2017.

    Parameters
    ----------
    in_channels, out_channels : int
    normalize : bool
        Divide each y_i by its length.
    root_weight : bool
        Whether there is a W_r.
    bias : bool

    Attributes
    ----------
    lin_l : Linear with W_l and b
    lin_r : Linear with W_r

    Called as `GCNConv`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        normalize: bool = False,
        root_weight: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels = in_channels, out_channels
        self.normalize, self.root_weight = normalize, root_weight
        self.lin_l = Linear(in_channels, out_channels, bias, device, dtype)
        if root_weight:
            self.lin_r = Linear(in_channels, out_channels, False, device, dtype)

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        for layer in self.children():
            layer.reset_parameters()

    def forward(self, x: Tensor, edge_index: Any, edge_weight: Tensor | None = None) -> Tensor:
        graph = adjacency(edge_index, edge_weight, x, "SAGEConv")
        y = self.lin_l(graph.scaled(_inverse(graph.row_sums(), 1)).times(x))
        if self.root_weight:
            y = y + self.lin_r(x)
        return F.normalize(y, dim=-1) if self.normalize else y

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.out_channels}"
