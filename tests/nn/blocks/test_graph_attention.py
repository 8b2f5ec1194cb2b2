"""Attention on graphs: loops over nodes in torch, three ways to give a graph, gradients to second order, by hand."""

import numpy as np
import pytest
import scipy.sparse
import torch

from scratchnet import Tensor, nn
from scratchnet.testing import check_gradient, check_layer, values

# 2 has a loop beside another edge, 3 → 1 is there twice, nothing goes to 3 or comes from 4
EDGES = np.array([[0, 1, 2, 2, 3, 3, 1, 1], [1, 0, 2, 0, 1, 1, 4, 2]])
SIMPLE = np.array([[0, 1, 2, 2, 3, 1, 1], [1, 0, 2, 0, 1, 4, 2]])  # without the twin
MATRIX = np.zeros((5, 5))
MATRIX[SIMPLE[1], SIMPLE[0]] = 1


class GAT(torch.nn.Module):
    def __init__(self, inputs, outputs, heads, concat=True, loops=True, edge_dim=None, residual=False):
        super().__init__()
        parameter = lambda *shape: torch.nn.Parameter(torch.randn(*shape))  # noqa: E731
        width = heads * outputs if concat else outputs
        self.att_src, self.att_dst = parameter(1, heads, outputs), parameter(1, heads, outputs)
        self.att_edge = parameter(1, heads, outputs) if edge_dim else None
        self.bias = parameter(width)
        self.lin = torch.nn.Linear(inputs, heads * outputs, bias=False)
        self.lin_edge = torch.nn.Linear(edge_dim, heads * outputs, bias=False) if edge_dim else None
        self.res = torch.nn.Linear(inputs, width, bias=False) if residual else None
        self.shape, self.concat, self.loops = (heads, outputs), concat, loops

    def forward(self, x, edges, features=None):
        h = self.lin(x).unflatten(1, self.shape)
        rows = []
        for i in range(len(x)):
            near = [(int(s), e) for e, (s, t) in enumerate(edges.T) if t == i and not (self.loops and s == i)]
            sent = [] if features is None else [features[e] for _, e in near]
            nodes = [s for s, _ in near]
            if self.loops:
                nodes.append(i)
                if features is not None:
                    sent.append(sum(sent) / len(sent) if sent else 0 * features[0])
            if not nodes:
                rows.append(0 * h[i])
                continue
            scores = (h[nodes] * self.att_src).sum(2) + (h[i] * self.att_dst[0]).sum(1)
            if features is not None:
                of_edges = self.lin_edge(torch.stack(sent)).unflatten(1, self.shape)
                scores = scores + (of_edges * self.att_edge).sum(2)
            weights = torch.softmax(torch.nn.functional.leaky_relu(scores, 0.2), 0)
            rows.append((weights[:, :, None] * h[nodes]).sum(0))
        y = torch.stack(rows)
        y = (y.flatten(1) if self.concat else y.mean(1)) + self.bias
        return y if self.res is None else y + self.res(x)


PLAIN = {
    "heads": (lambda: nn.GATConv(3, 2, 2), lambda: GAT(3, 2, 2)),
    "mean": (lambda: nn.GATConv(3, 2, 2, False, add_self_loops=False), lambda: GAT(3, 2, 2, False, False)),
    "residual": (lambda: nn.GATConv(3, 2, 2, residual=True), lambda: GAT(3, 2, 2, residual=True)),
    "residual mean": (lambda: nn.GATConv(3, 2, 2, False, residual=True), lambda: GAT(3, 2, 2, False, residual=True)),
}
OF_EDGES = {
    "loops": (lambda: nn.GATConv(3, 2, 2, edge_dim=2), lambda: GAT(3, 2, 2, edge_dim=2)),
    "no loops": (
        lambda: nn.GATConv(3, 2, add_self_loops=False, edge_dim=2), lambda: GAT(3, 2, 1, loops=False, edge_dim=2),
    ),
}  # fmt: skip


@pytest.mark.parametrize("layer", PLAIN)
def test_against_torch(layer):
    ours, theirs = (make() for make in PLAIN[layer])
    check_layer(ours, theirs, values((5, 3), 0), EDGES)


@pytest.mark.parametrize("layer", OF_EDGES)
def test_features_of_edges_against_torch(layer):
    ours, theirs = (make() for make in OF_EDGES[layer])
    check_layer(ours, theirs, values((5, 3), 0), EDGES, values((8, 2), 1))


@pytest.mark.parametrize("graph", [Tensor(MATRIX), scipy.sparse.csr_array(MATRIX), scipy.sparse.coo_matrix(MATRIX)])
def test_a_graph_may_be_given_in_three_ways(graph):
    net, x = nn.GATConv(3, 2, 2).double(), Tensor(values((5, 3), 0))
    np.testing.assert_allclose(net(x, graph).array, net(x, Tensor(SIMPLE)).array, rtol=1e-12, atol=1e-15)


def test_gradients():
    edges = np.array([[0, 1, 2, 3, 1], [1, 0, 1, 1, 2]])
    check_gradient(nn.GATConv(2, 1, 2).double(), values((4, 2), 0), edges)
    check_gradient(nn.GATConv(2, 1, edge_dim=2, residual=True).double(), values((4, 2), 0), edges, values((5, 2), 1))


@pytest.mark.parametrize(
    "fill_value, expected",
    [("mean", 2), ("add", 4), ("sum", 4), ("min", 1), ("max", 3), ("mul", 3), (0.5, 0.5), (Tensor(np.array([5.0])), 5)],
)
def test_features_of_loops_by_hand(fill_value, expected):
    """The scores are the edges' features: 1 and 3 of those that arrive at node 1, and what its loop gets."""
    net = nn.GATConv(1, 1, edge_dim=1, fill_value=fill_value).double()
    nn.init.zeros_(net.lin.weight), nn.init.ones_(net.lin_edge.weight), nn.init.ones_(net.att_edge)
    edges, features = Tensor(np.array([[0, 1, 2], [1, 1, 1]])), Tensor(np.array([1.0, 100.0, 3.0]))
    _, (_, weights) = net(Tensor(np.ones((3, 1))), edges, features, return_attention_weights=True)
    e = np.exp([1, 3, expected])
    np.testing.assert_allclose(weights.array[:, 0], [*(e / e.sum())[:2], 1, (e / e.sum())[2], 1], rtol=1e-12)


def test_scores_of_any_size():
    """The softmax is shifted: exp does not overflow, and the greatest score takes all."""
    net = nn.GATConv(1, 1, add_self_loops=False).double()
    for p in (net.lin.weight, net.att_src, net.att_dst):
        nn.init.ones_(p)
    x = Tensor(np.array([[1e4], [-1e4], [5.0]]), True)
    y = net(x, Tensor(np.array([[0, 1], [2, 2]])))
    np.testing.assert_allclose(y.array, [[0], [0], [1e4]])
    y.sum().backward()
    assert np.isfinite(x.grad.array).all()


def test_dropout_of_attention():
    net = nn.GATConv(3, 2, dropout=1.0).double()
    x, edges = Tensor(values((5, 3), 0)), Tensor(EDGES)
    np.testing.assert_array_equal(net(x, edges).array, 0)
    assert np.abs(net.eval()(x, edges).array).min() > 0


@pytest.mark.parametrize("dense", [False, True])
def test_weights_of_attention(dense):
    """What is returned gives the result again: y_i = Σ w_e x_source; to each node they add up to 1."""
    net, x = nn.GATConv(3, 2, 2, bias=False).double(), Tensor(values((5, 3), 0))
    y, (edges, weights) = net(x, Tensor(MATRIX if dense else SIMPLE), return_attention_weights=True)
    source, target = edges.array
    assert weights.shape == (len(source), 2) and weights.requires_grad
    expected, totals = np.zeros((5, 2, 2)), np.zeros((5, 2))
    np.add.at(expected, target, weights.array[:, :, None] * net.lin(x).array.reshape(5, 2, 2)[source])
    np.add.at(totals, target, weights.array)
    np.testing.assert_allclose(y.array, expected.reshape(5, 4), rtol=1e-12)
    np.testing.assert_allclose(totals, 1, rtol=1e-12)


def test_refusals_and_repr():
    x, edges = Tensor(values((5, 3), 0)), Tensor(EDGES)
    features, net = Tensor(values((8, 2), 1)), nn.GATConv(3, 2, edge_dim=2).double()
    with pytest.raises(ValueError, match="fill_value as a number, a Tensor or one of 'mean', .* got 'median'"):
        nn.GATConv(3, 2, edge_dim=2, fill_value="median")
    with pytest.raises(RuntimeError, match="made with edge_dim"):
        nn.GATConv(3, 2).double()(x, edges, features)
    with pytest.raises(RuntimeError, match="not with a matrix"):
        net(x, Tensor(MATRIX), features)
    with pytest.raises(RuntimeError, match=r"edge_attr of shape \(8, 2\), got \(7, 2\)"):
        net(x, edges, features[:7])
    assert repr(nn.GATConv(3, 2, 4)).startswith("GATConv(\n  3, 2, heads=4\n  (lin): Linear(in_features=3")
