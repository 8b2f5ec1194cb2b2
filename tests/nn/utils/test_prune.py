"""Pruning: what is set to zero is what torch sets to zero, with its seed, once and again; and what stays when it is removed."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch.nn.utils import prune as torch_prune

import scratchnet
from scratchnet import Tensor, nn
from scratchnet.nn.utils import prune

METHODS = {
    "identity": lambda p, m, of: p.identity(m, "weight"),
    "random": lambda p, m, of: p.random_unstructured(m, "weight", 0.3),
    "l1": lambda p, m, of: p.l1_unstructured(m, "weight", 5),
    "l1, scores": lambda p, m, of: p.l1_unstructured(m, "weight", 0.5, importance_scores=of(np.arange(24.0).reshape(4, 3, 2))),
    "random channels": lambda p, m, of: p.random_structured(m, "weight", 1, dim=0),
    "norms": lambda p, m, of: p.ln_structured(m, "weight", 0.4, n=2, dim=1),
    "greatest": lambda p, m, of: p.ln_structured(m, "weight", 1, n=float("-inf"), dim=-1),
    "none of them": lambda p, m, of: p.ln_structured(m, "weight", 0, n=2, dim=0),
    "mask": lambda p, m, of: p.custom_from_mask(m, "weight", of((np.arange(24) % 3 > 0).reshape(4, 3, 2))),
}


def same(a, b):
    np.testing.assert_allclose(a.array, b.detach().numpy(), rtol=1e-12)


def pair():
    theirs, ours = torch.nn.Conv1d(3, 4, 2).double(), nn.Conv1d(3, 4, 2).double()
    ours.load_state_dict(theirs.state_dict())
    torch.manual_seed(2), scratchnet.manual_seed(2)
    return ours, theirs


@pytest.mark.parametrize("second", [None, "random", "norms", "mask"])
@pytest.mark.parametrize("first", METHODS)
def test_as_torchs(first, second):
    ours, theirs = pair()
    original = ours.weight
    for name in filter(None, (first, second)):
        assert METHODS[name](prune, ours, Tensor) is ours
        METHODS[name](torch_prune, theirs, torch.from_numpy)
        same(ours.weight_mask, theirs.weight_mask)
        same(ours.weight, theirs.weight)
    assert prune.is_pruned(nn.Sequential(ours)) and ours.weight_orig is original
    assert list(ours.state_dict()) == list(theirs.state_dict()) and len(ours._forward_pre_hooks) == 1
    x = np.ones((1, 3, 4))
    ours(Tensor(x)).cos().sum().backward()
    theirs(torch.from_numpy(x)).cos().sum().backward()
    same(original.grad, theirs.weight_orig.grad)
    original.data = original * 2
    theirs.weight_orig.data = theirs.weight_orig * 2
    assert prune.remove(ours, "weight") is ours and ours.weight is original
    torch_prune.remove(theirs, "weight")
    same(ours.weight, theirs.weight)
    assert sorted(ours.state_dict()) == sorted(theirs.state_dict()) and not prune.is_pruned(ours)


@pytest.mark.parametrize("scores", [False, True])
def test_several_parameters_together(scores):
    ours, theirs = pair()
    for library, layer, of in ((prune, ours, Tensor), (torch_prune, theirs, torch.from_numpy)):
        library.l1_unstructured(layer, "weight", 3)
        given = {(layer, "bias"): of(np.array([0.0, 9, 0, 9]))} if scores else None
        pairs = [(layer, "weight"), (layer, "bias")]
        assert library.global_unstructured(pairs, library.L1Unstructured, importance_scores=given, amount=7) is None
    same(ours.weight_mask, theirs.weight_mask)
    same(ours.bias_mask, theirs.bias_mask)
    assert (ours.weight_mask.array == 0).sum() + (ours.bias_mask.array == 0).sum() == 10


def test_by_hand():
    """A third of six: 1 and −2 are the least; then half of the four that are left."""
    t = Tensor(np.array([[1.0, 4], [-2, -5], [3, 6]]).T)  # not contiguous
    method = prune.L1Unstructured(1 / 3)
    np.testing.assert_array_equal(method.prune(t).array, [[0, 0, 3], [4, -5, 6]])
    np.testing.assert_array_equal(method.prune(t, importance_scores=-1 / t).array, [[1, -2, 3], [4, 0, 0]])
    layer = nn.Linear(3, 2)
    layer.weight.array[...] = t.array
    prune.l1_unstructured(prune.l1_unstructured(layer, "weight", 1 / 3), "weight", 0.5)
    np.testing.assert_array_equal(layer.weight.array, [[0, 0, 0], [0, -5, 6]])
    (hook,) = layer._forward_pre_hooks.values()
    assert len(hook.function) == 2 and hook.function[0] is next(iter(hook.function))


@pytest.mark.parametrize("library, tools", [(nn, prune), (torch.nn, torch_prune)], ids=["scratchnet", "torch"])
def test_a_pruned_layer_is_pickled_but_not_copied(library, tools):
    """As long as its weight has a history: the copy of a graph would be none."""
    layer = tools.l1_unstructured(library.Linear(3, 2), "weight", 2)
    twin = pickle.loads(pickle.dumps(layer))
    assert tools.is_pruned(twin) and (twin.weight == layer.weight).all() and twin.weight.is_leaf
    x = (scratchnet if library is nn else torch).ones(1, 3)
    assert (twin(x) == layer(x)).all() and list(twin.state_dict()) == list(layer.state_dict())
    with pytest.raises(RuntimeError, match="graph leaves"):
        copy.deepcopy(layer)
    assert type(copy.deepcopy(tools.remove(layer, "weight"))) is library.Linear


def test_a_method_that_fails_leaves_those_before():
    layer = nn.Linear(2, 2)
    for i in range(2):
        prune.l1_unstructured(layer, "weight", 1)
        with pytest.raises(ValueError, match="amount=5"):
            prune.l1_unstructured(layer, "weight", 5)
        assert (layer.weight_mask.array == 0).sum() == i + 1 and (layer(scratchnet.ones(1, 2)).isfinite().array).all()
    (hook,) = layer._forward_pre_hooks.values()
    assert len(hook.function) == 2


def test_refusals():
    layer, t = nn.Linear(2, 2), scratchnet.ones(2, 2)
    method = prune.Identity()
    method._tensor_name = "weight"
    other = prune.Identity()
    other._tensor_name = "bias"
    of_no_kind, structured = prune.Identity(), prune.Identity()
    of_no_kind.PRUNING_TYPE, structured.PRUNING_TYPE = "other", "structured"
    for m in (of_no_kind, structured):
        m._tensor_name = "weight"
    every = [(layer, "weight")]
    cases = [
        (TypeError, "Invalid type for amount", lambda: prune.RandomUnstructured("a")),
        (ValueError, "amount=1.5", lambda: prune.RandomUnstructured(1.5)),
        (ValueError, "amount=-1", lambda: prune.LnStructured(-1, 2)),
        (ValueError, "amount=5 should be smaller", lambda: prune.l1_unstructured(layer, "weight", 5)),
        (ValueError, "multidimensional", lambda: prune.random_structured(layer, "bias", 1, 0)),
        (IndexError, "Invalid index 2", lambda: prune.random_structured(layer, "weight", 1, 2)),
        (TypeError, "'bias' must be Tensor", lambda: prune.identity(nn.Linear(2, 2, bias=False), "bias")),
        (AttributeError, "has no attribute 'wait'", lambda: prune.identity(layer, "wait")),
        (AssertionError, "importance_scores", lambda: prune.l1_unstructured(layer, "weight", 1, scratchnet.ones(2))),
        (AssertionError, "importance_scores", lambda: method.prune(t, importance_scores=scratchnet.ones(2))),
        (AssertionError, "must match", lambda: prune.custom_from_mask(layer, "weight", scratchnet.ones(2))),
        (ValueError, "has to be pruned", lambda: prune.remove(layer, "weight")),
        (TypeError, "not an Iterable", lambda: prune.global_unstructured(1, prune.Identity)),
        (TypeError, "of type dict", lambda: prune.global_unstructured(every, prune.Identity, [1])),
        (TypeError, "Only \"unstructured\"", lambda: prune.global_unstructured(every, prune.LnStructured, amount=1, n=2)),
        (TypeError, "is not a BasePruningMethod", lambda: prune.PruningContainer(method).add_pruning_method(1)),
        (ValueError, "Found 'bias'", lambda: prune.PruningContainer(method).add_pruning_method(other)),
        (ValueError, "Unrecognized", lambda: prune.PruningContainer(of_no_kind).compute_mask(t, t)),
        (AttributeError, "attribute `dim`", lambda: prune.PruningContainer(structured).compute_mask(t, t)),
    ]  # fmt: skip
    for error, match, call in cases:
        with pytest.raises(error, match=match):
            call()
    assert list(layer.state_dict()) == ["weight", "bias"] and not prune.is_pruned(layer)
