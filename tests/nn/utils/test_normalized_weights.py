"""Weight norm, spectral norm and orthogonal weights, as hooks and as parametrizations: torch's numbers with torch's seed."""

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet import Tensor, nn
from scratchnet.nn import utils
from scratchnet.testing import check_gradient, values

LAYERS = {
    "linear": (lambda nn: nn.Linear(3, 4), (2, 3)),
    "wide": (lambda nn: nn.Linear(4, 2), (2, 4)),
    "square": (lambda nn: nn.Linear(3, 3), (2, 3)),
    "conv": (lambda nn: nn.Conv1d(2, 3, 2), (2, 2, 4)),
    "transposed": (lambda nn: nn.ConvTranspose1d(2, 3, 2), (2, 2, 4)),
}

NORMS = {  # what is done to the layer, and what undoes it
    "weight hook": (lambda u, m: u.weight_norm(m), lambda u, m: u.remove_weight_norm(m)),
    "weight hook, one norm": (lambda u, m: u.weight_norm(m, dim=None), lambda u, m: u.remove_weight_norm(m)),
    "bias hook": (lambda u, m: u.weight_norm(m, "bias"), lambda u, m: u.remove_weight_norm(m, "bias")),
    "spectral hook": (lambda u, m: u.spectral_norm(m), lambda u, m: u.remove_spectral_norm(m)),
    "spectral hook, dim 1": (lambda u, m: u.spectral_norm(m, "weight", 2, 1e-6, 1), lambda u, m: u.remove_spectral_norm(m)),
    "weight": (lambda u, m: u.parametrizations.weight_norm(m), None),
    "weight, dim 1": (lambda u, m: u.parametrizations.weight_norm(m, dim=1), None),
    "weight, one norm": (lambda u, m: u.parametrizations.weight_norm(m, dim=None), None),
    "spectral": (lambda u, m: u.parametrizations.spectral_norm(m), None),
    "spectral, dim 1": (lambda u, m: u.parametrizations.spectral_norm(m, n_power_iterations=2, eps=1e-6, dim=-1), None),
    "spectral of a vector": (lambda u, m: u.parametrizations.spectral_norm(m, "bias"), None),
}
ORTHOGONAL = {
    f"{kind or 'default'}{'' if base else ' without base'}": (
        lambda u, m, kind=kind, base=base: u.parametrizations.orthogonal(m, "weight", kind, use_trivialization=base),
        None,
    )
    for kind in (None, "matrix_exp", "cayley", "householder")
    for base in (True, False)
}


def same(a, b):
    np.testing.assert_allclose(a.array, b.detach().numpy(), rtol=1e-9, atol=1e-11)


def check_same(layer, apply, undo):
    make, shape = LAYERS[layer]
    theirs, ours = make(torch.nn).double(), make(nn).double()
    ours.load_state_dict(theirs.state_dict())
    torch.manual_seed(3), scratchnet.manual_seed(3)
    assert apply(utils, ours) is ours
    apply(torch.nn.utils, theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    x = values(shape, 0)
    for training in (True, True, False):
        ours.train(training), theirs.train(training)
        y, expected = ours(Tensor(x)), theirs(torch.from_numpy(x))
        same(y, expected)
        y.cos().sum().backward()
        expected.cos().sum().backward()
        for (_, p), (_, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
            same(p.grad, q.grad)
            p.grad = q.grad = None
    for p, q in zip(ours.state_dict().values(), theirs.state_dict().values()):
        same(p, q)
    if undo:
        assert undo(utils, ours) is ours
        undo(torch.nn.utils, theirs)
        assert sorted(ours.state_dict()) == sorted(theirs.state_dict()) and not ours._forward_pre_hooks
        same(ours(Tensor(x)), theirs(torch.from_numpy(x)))


@pytest.mark.filterwarnings("ignore:`.*weight_norm` is deprecated:FutureWarning")
@pytest.mark.parametrize("layer", ["linear", "conv", "transposed"])
@pytest.mark.parametrize("norm", NORMS)
def test_norms_are_torchs(norm, layer):
    if "vector" not in norm or layer != "transposed":  # dim is 1, which a vector has not
        check_same(layer, *NORMS[norm])


@pytest.mark.parametrize("layer", ["linear", "wide", "square", "conv"])
@pytest.mark.parametrize("kind", ORTHOGONAL)
def test_orthogonal_is_torchs(kind, layer):
    if layer != "conv" or kind == "householder":  # batches of matrices: once
        check_same(layer, *ORTHOGONAL[kind])


@pytest.mark.parametrize("kind", ["matrix_exp", "cayley", "householder"])
def test_orthogonal_stays_so_and_can_be_assigned(kind):
    scratchnet.manual_seed(0)
    layer = utils.parametrizations.orthogonal(nn.Linear(3, 5).double(), orthogonal_map=kind)
    for _ in range(2):
        layer.weight.sum().backward()
        scratchnet.optim.SGD(layer.parameters(), lr=0.1).step()
        np.testing.assert_allclose(layer.weight.array.T @ layer.weight.array, np.eye(3), atol=1e-12)
    wanted = np.linalg.qr(values((5, 3), 1))[0]
    layer.weight = Tensor(wanted)
    np.testing.assert_allclose(layer.weight.array, wanted, atol=1e-12)
    with pytest.raises(ValueError, match=r"of shape \(5, 3\)"):
        layer.weight = Tensor(wanted.T)


def test_spectral_norm_converges_to_the_greatest_singular_value():
    """diag(3, 1): the iteration leaves e₁, and the weight becomes diag(1, 1/3)."""
    for apply in (utils.spectral_norm, utils.parametrizations.spectral_norm):
        layer = nn.Linear(2, 2, bias=False).double()
        layer.weight.array[...] = [[3, 0], [0, 1]]
        apply(layer, n_power_iterations=20)
        layer(Tensor(np.ones((1, 2))))
        np.testing.assert_allclose(layer.weight.array, [[1, 0], [0, 1 / 3]], atol=1e-7)


def test_two_calls_before_a_backward_pass():
    layer = utils.parametrizations.spectral_norm(nn.Linear(2, 2))
    x = scratchnet.ones(1, 2)
    (layer(x) - layer(2 * x)).sum().backward()
    assert layer.parametrizations.weight.original.grad.shape == (2, 2)


@pytest.mark.filterwarnings("ignore:`.*weight_norm` is deprecated:FutureWarning")
def test_old_state_dicts_load_into_new_layers():
    old, new = utils.weight_norm(nn.Linear(2, 3)), utils.parametrizations.weight_norm(nn.Linear(2, 3))
    assert not any(new.load_state_dict(old.state_dict()))
    np.testing.assert_array_equal(new.weight.array, old.weight.array)


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_gradients_of_weight_norm(dim):
    v = values((2, 3), 0)
    norm = utils.parametrizations._WeightNorm(dim)
    check_gradient(norm, np.abs(norm.right_inverse(Tensor(v))[0].array) + 1, v)


@pytest.mark.parametrize("kind", ["matrix_exp", "cayley", "householder"])
def test_gradients_of_orthogonal_maps(kind):
    """Of the map itself, to second order; the diagonal of the reflections is not differentiated."""
    x = values((3, 2), 0) * (np.tri(3, 2, -1) if kind == "householder" else 1)
    x[range(2), range(2)] += kind == "householder"
    below = Tensor(np.tri(3, 2, -1)) if kind == "householder" else 1
    orthogonal = utils.parametrizations._Orthogonal(Tensor(x), kind, use_trivialization=False)
    signs = Tensor(np.eye(3, 2)) if kind == "householder" else 0
    check_gradient(lambda t: orthogonal(t * below + signs), x)


@pytest.mark.filterwarnings("ignore:`.*weight_norm` is deprecated:FutureWarning")
def test_refusals():
    layer, p = nn.Linear(2, 2), utils.parametrizations
    cases = [
        (ValueError, "weight_norm of 'weight' not found", lambda: utils.remove_weight_norm(layer)),
        (ValueError, "spectral_norm of 'weight' not found", lambda: utils.remove_spectral_norm(layer)),
        (RuntimeError, "two weight_norm hooks", lambda: utils.weight_norm(utils.weight_norm(nn.Linear(2, 2)))),
        (RuntimeError, "two spectral_norm hooks", lambda: utils.spectral_norm(utils.spectral_norm(nn.Linear(2, 2)))),
        (ValueError, "uninitialized", lambda: utils.weight_norm(nn.LazyLinear(2))),
        (TypeError, "must be Tensor, not NoneType", lambda: utils.weight_norm(nn.Linear(2, 2, bias=False), "bias")),
        (ValueError, "uninitialized", lambda: utils.spectral_norm(nn.LazyLinear(2))),
        (ValueError, "`bias` is None", lambda: utils.spectral_norm(nn.Linear(2, 2, bias=False), "bias")),
        (ValueError, "n_power_iterations=0", lambda: utils.spectral_norm(layer, n_power_iterations=0)),
        (ValueError, "n_power_iterations=0", lambda: p.spectral_norm(layer, n_power_iterations=0)),
        (IndexError, "range of", lambda: p.spectral_norm(layer, dim=2)),
        (ValueError, "no parameter or buffer", lambda: p.spectral_norm(layer, "wait")),
        (ValueError, "no parameter or buffer", lambda: p.orthogonal(layer, "wait")),
        (ValueError, "does not have a parameter", lambda: p.weight_norm(layer, "wait")),
        (ValueError, "1 dimensions", lambda: p.orthogonal(layer, "bias")),
        (ValueError, "has to be one of", lambda: p.orthogonal(layer, orthogonal_map="expm")),
    ]
    for error, match, call in cases:
        with pytest.raises(error, match=match):
            call()
    cayley = p.orthogonal(nn.Linear(2, 2), orthogonal_map="cayley", use_trivialization=False)
    with pytest.raises(NotImplementedError, match="not possible to assign"):
        cayley.weight = scratchnet.eye(2)
