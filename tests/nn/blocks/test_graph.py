"""Graph layers: loops over nodes in torch, three ways to give a graph, gradients to second order, by hand."""

import numpy as np
import pytest
import scipy.sparse
import torch

import scratchnet
from scratchnet import Tensor, nn
from scratchnet.nn.blocks.adjacency import SparseProduct
from scratchnet.testing import check_gradient, check_layer, values

# 2 has a loop beside another edge, 3 → 1 is there twice, nothing goes to 3 or comes from 4
EDGES = np.array([[0, 1, 2, 2, 3, 3, 1, 1], [1, 0, 2, 0, 1, 1, 4, 2]])
SIMPLE = np.array([[0, 1, 2, 2, 3, 1, 1], [1, 0, 2, 0, 1, 4, 2]])  # without the twin


def matrix(edges=SIMPLE, weight=None, nodes=5):
    a = np.zeros((nodes, nodes))
    np.add.at(a, (edges[1], edges[0]), 1 if weight is None else weight)
    return a


class GCN(torch.nn.Module):
    def __init__(self, inputs, outputs, improved=False, loops=True, normalize=True):
        super().__init__()
        self.bias = torch.nn.Parameter(torch.randn(outputs))
        self.lin = torch.nn.Linear(inputs, outputs, bias=False)
        self.loop, self.normalize = (1 + improved) * loops, normalize

    def forward(self, x, edges, weight=None):
        weight = torch.ones(edges.shape[1], dtype=x.dtype) if weight is None else weight
        incoming = {i: [(int(s), w) for s, t, w in zip(*edges, weight) if t == i] for i in range(len(x))}
        if self.loop:
            for i, neighbours in incoming.items():
                if all(j != i for j, _ in neighbours):
                    neighbours.append((i, x.new_tensor(self.loop)))
        degree = [sum((w for _, w in incoming[i]), x.new_zeros(())) for i in range(len(x))]
        scale = [d**-0.5 if d else d for d in degree] if self.normalize else [1] * len(x)
        h = self.lin(x)
        rows = [sum((scale[i] * w * scale[j] * h[j] for j, w in incoming[i]), 0 * h[i]) for i in range(len(x))]
        return torch.stack(rows) + self.bias


class SAGE(torch.nn.Module):
    def __init__(self, inputs, outputs, normalize=False):
        super().__init__()
        self.lin_l, self.lin_r = torch.nn.Linear(inputs, outputs), torch.nn.Linear(inputs, outputs, bias=False)
        self.normalize = normalize

    def forward(self, x, edges, weight=None):
        weight = torch.ones(edges.shape[1], dtype=x.dtype) if weight is None else weight
        rows = []
        for i in range(len(x)):
            at = edges[1] == i
            total = weight[at].sum()
            rows.append((weight[at, None] * x[edges[0][at]]).sum(0) / (total if at.any() else 1))
        y = self.lin_l(torch.stack(rows)) + self.lin_r(x)
        return torch.nn.functional.normalize(y, dim=1) if self.normalize else y


LAYERS = {
    "GCNConv": (lambda: nn.GCNConv(3, 2), lambda: GCN(3, 2)),
    "GCNConv improved": (lambda: nn.GCNConv(3, 2, True), lambda: GCN(3, 2, True)),
    "GCNConv without loops": (lambda: nn.GCNConv(3, 2, add_self_loops=False), lambda: GCN(3, 2, loops=False)),
    "GCNConv not normalised": (
        lambda: nn.GCNConv(3, 2, normalize=False), lambda: GCN(3, 2, loops=False, normalize=False),
    ),
    "SAGEConv": (lambda: nn.SAGEConv(3, 2), lambda: SAGE(3, 2)),
    "SAGEConv normalised": (lambda: nn.SAGEConv(3, 2, True), lambda: SAGE(3, 2, True)),
}  # fmt: skip


@pytest.mark.parametrize("layer", LAYERS)
def test_against_torch(layer):
    ours, theirs = (make() for make in LAYERS[layer])
    check_layer(ours, theirs, values((5, 3), 0), EDGES)


@pytest.mark.parametrize("layer", LAYERS)
def test_weights_of_edges_against_torch(layer):
    ours, theirs = (make() for make in LAYERS[layer])
    check_layer(ours, theirs, values((5, 3), 0), EDGES, values((8,), 1, 0.5, 2))


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_graph_may_be_given_in_three_ways(layer, weighted):
    net, x = LAYERS[layer][0]().double(), Tensor(values((5, 3), 0))
    weight = values((7,), 1, 0.5, 2) if weighted else None
    a = matrix(weight=weight)
    args = (Tensor(weight),) if weighted else ()
    expected = net(x, Tensor(SIMPLE), *args)
    for graph in (Tensor(a), scipy.sparse.csr_array(a), scipy.sparse.coo_matrix(a)):
        np.testing.assert_allclose(net(x, graph).array, expected.array, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("make", [lambda: nn.GCNConv(2, 1), lambda: nn.SAGEConv(2, 1)], ids=["GCN", "SAGE"])
def test_gradients(make):
    net, x = make().double(), values((5, 2), 0)
    check_gradient(net, x, EDGES, values((8,), 1, 0.5, 2))
    for p in net.parameters():
        p.requires_grad_(False)
    check_gradient(lambda x, a: net(x, a), x[:3], values((3, 3), 2, 0.2, 1))


def test_gradients_of_the_sparse_product():
    """To the entries, of which two lie at one place, and to the dense matrix; all gradients to second order."""
    target, source = np.array([0, 2, 0, 0]), np.array([1, 0, 1, 0])
    check_gradient(lambda w, x: SparseProduct(target, source, 3)(w, x), values((4,), 0), values((2, 2), 1))


def test_two_nodes_by_hand():
    """One edge each way and the loops: all degrees are 2, so every node gets the mean of both."""
    net = nn.GCNConv(1, 1).double()
    nn.init.ones_(net.lin.weight)
    x, edges = Tensor(np.array([[1.0], [3.0]])), Tensor(np.array([[0, 1], [1, 0]]))
    np.testing.assert_allclose(net(x, edges).array, [[2], [2]])


def test_a_cached_graph_is_used_again():
    net, x = nn.GCNConv(3, 2, cached=True).double(), Tensor(values((5, 3), 0))
    first = net(x, Tensor(EDGES))
    np.testing.assert_array_equal(net(x, Tensor(EDGES[::-1].copy())).array, first.array)
    weight = net.lin.weight.array.copy()
    net.reset_parameters()
    net.lin.weight.array[...] = weight
    assert not np.allclose(net(x, Tensor(EDGES[::-1].copy())).array, first.array)


@pytest.mark.parametrize(
    "graph, weight, error, message",
    [
        ([[0], [1]], None, TypeError, "expected the graph as a Tensor .* got list"),
        (Tensor(np.zeros((3, 2), int)), None, RuntimeError, r"edge_index of shape \[2, E\], got \(3, 2\)"),
        (Tensor(np.array([[0], [5]])), None, IndexError, "nodes from 0 to 4"),
        (Tensor(np.array([[-1], [0]])), None, IndexError, "nodes from 0 to 4"),
        (Tensor(np.ones((4, 5))), None, RuntimeError, r"adjacency of shape \(5, 5\), got \(4, 5\)"),
        (Tensor(np.ones((5, 5))), Tensor(np.ones(25)), RuntimeError, "a matrix has weights of its own"),
        (Tensor(EDGES), Tensor(np.ones(6)), RuntimeError, r"edge_weight of shape \(8,\) and dtype float64, got \(6,\)"),
    ],
)
def test_refusals(graph, weight, error, message):
    with pytest.raises(error, match="GCNConv: .*" + message):
        nn.GCNConv(3, 2).double()(Tensor(values((5, 3), 0)), graph, weight)


def test_more_refusals_and_repr():
    with pytest.raises(RuntimeError, match=r"SAGEConv: expected x of shape \[N, F\], got \(2, 5, 3\)"):
        nn.SAGEConv(3, 2)(scratchnet.ones(2, 5, 3), Tensor(EDGES))
    with pytest.raises(ValueError, match="needs normalize=True"):
        nn.GCNConv(3, 2, add_self_loops=True, normalize=False)
    assert repr(nn.SAGEConv(3, 2, root_weight=False)).count("Linear") == 1
