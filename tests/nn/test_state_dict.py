"""state_dict and load_state_dict against torch's: keys, messages, hooks, extra state."""

import copy
import re
from collections import OrderedDict

import numpy as np
import pytest
import torch

import scratchnet

BOTH = pytest.mark.parametrize("lib", [scratchnet, torch], ids=["ours", "torch"])


def network(lib):
    n = lib.nn
    return n.Sequential(OrderedDict(conv=n.Conv2d(1, 2, 3), norm=n.BatchNorm2d(2), head=n.Sequential(n.Linear(4, 3))))


def neutral(text):
    """A message without the name of the library, and without the table that follows torch's words."""
    return re.sub(r"(torch|scratchnet)(?=[.\s])", "lib", str(text).partition("\n\n")[0])


@pytest.mark.parametrize(
    "change",
    [
        lambda lib, d: d.pop("head.0.weight"),
        lambda lib, d: d.update(extra=lib.ones(1)),
        lambda lib, d: d.update({"head.1.weight": lib.ones(1), "conv.x.y": lib.ones(1)}),
        lambda lib, d: d.update({"conv.weight": lib.ones(2, 1, 5, 5), "norm.running_mean": lib.ones(3)}),
        lambda lib, d: (d.pop("conv.bias"), d.update({"x": lib.ones(1), "head.0.bias": lib.ones(4)})),
        lambda lib, d: d.update({"conv.bias": 3}),
        lambda lib, d: d.clear(),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_messages_and_results_are_those_of_torch(change, strict):
    outcomes = []
    for lib in (scratchnet, torch):
        net = network(lib)
        state = net.state_dict()
        change(lib, state)
        try:
            keys = net.load_state_dict(state, strict=strict)
            outcomes.append((repr(keys), keys.missing_keys, keys.unexpected_keys))
        except RuntimeError as error:
            outcomes.append(neutral(error))
    assert outcomes[0] == outcomes[1]


def test_what_does_not_fit_is_shown_in_a_table():
    net = network(scratchnet)
    state = net.state_dict()
    del state["conv.bias"]
    state |= {"other": scratchnet.ones(2, 2), "head.0.bias": scratchnet.ones(4)}
    with pytest.raises(RuntimeError) as error:
        net.load_state_dict(state)
    assert str(error.value).partition("\n\n")[2].splitlines() == [
        "key          module  checkpoint",
        "conv.bias    2       -           missing",
        "other        -       2×2         unexpected",
        "head.0.bias  3       4           other shape",
    ]
    with pytest.raises(RuntimeError, match="… and 10 more"):
        net.load_state_dict(net.state_dict() | {f"x{i}": scratchnet.ones(1) for i in range(50)})


def test_a_prefix_of_all_names_is_ignored():
    source, target = network(scratchnet), network(scratchnet)
    state = scratchnet.nn.Sequential(OrderedDict(module=source)).state_dict()
    assert all(key.startswith("module.") for key in state)
    target.load_state_dict(state)
    assert target.conv.weight.tolist() == source.conv.weight.tolist()
    wrapped = scratchnet.nn.Sequential(OrderedDict(module=target))
    wrapped.load_state_dict(state)
    state["conv.bias"] = scratchnet.ones(2)
    with pytest.raises(RuntimeError, match="Unexpected"):
        target.load_state_dict(state)


def test_all_keys_matched_is_printed():
    net = network(scratchnet)
    assert repr(net.load_state_dict(net.state_dict())) == "<All keys matched successfully>"


@BOTH
def test_values_are_copied_into_the_parameters(lib):
    source, target = network(lib), network(lib)
    weight = target.conv.weight
    target.load_state_dict(source.state_dict())
    assert target.conv.weight is weight and (weight == source.conv.weight).all()
    with lib.no_grad():
        source.conv.weight.zero_()
    assert weight.abs().sum() > 0


@BOTH
def test_assign_takes_the_tensors_themselves(lib):
    source, target = network(lib).double(), network(lib)
    target.head[0].weight.requires_grad_(False)
    state = source.state_dict()
    target.load_state_dict(state, assign=True)
    assert target.conv.weight.dtype == lib.float64 and target.conv.weight.requires_grad
    assert isinstance(target.conv.weight, lib.nn.Parameter) and not target.head[0].weight.requires_grad
    with lib.no_grad():
        state["conv.weight"].zero_()
    assert target.conv.weight.abs().sum() == 0


@BOTH
def test_values_are_detached_but_share_memory(lib):
    net = network(lib)
    state = net.state_dict()
    assert not state["conv.weight"].requires_grad
    assert net.state_dict(keep_vars=True)["conv.weight"] is net.conv.weight
    with lib.no_grad():
        net.conv.weight.fill_(7)
    assert (state["conv.weight"] == 7).all()


def test_weights_of_a_torch_model_and_numpy_arrays_load_directly():
    ours, theirs = network(scratchnet), network(torch)
    ours.load_state_dict(theirs.state_dict())
    np.testing.assert_array_equal(ours.head[0].weight.array, theirs.head[0].weight.detach().numpy())
    ours.load_state_dict({key: np.zeros(value.shape) for key, value in theirs.state_dict().items()})
    assert not ours.conv.weight.array.any() and ours.conv.weight.dtype == scratchnet.float32


@BOTH
def test_a_vector_of_one_loads_into_a_number(lib):
    m = lib.nn.Module()
    m.x = lib.nn.Parameter(lib.tensor(1.0))
    m.load_state_dict({"x": lib.tensor([3.0])})
    assert m.x.item() == 3


@BOTH
def test_what_is_no_mapping_is_refused(lib):
    with pytest.raises(TypeError, match="Expected state_dict to be dict-like, got <class 'list'>"):
        network(lib).load_state_dict([])


def test_batches_tracked_may_be_missing_from_old_files():
    for lib in (scratchnet, torch):
        norm = lib.nn.BatchNorm1d(2)
        old = {key: value for key, value in norm.state_dict().items() if key != "num_batches_tracked"}
        assert not norm.load_state_dict(old).missing_keys  # no metadata: taken to be old
        with pytest.raises(RuntimeError, match=r'Missing key.*"num_batches_tracked"'):
            new = norm.state_dict()
            del new["num_batches_tracked"]
            norm.load_state_dict(new)


@BOTH
def test_extra_state(lib):
    class Counter(lib.nn.Module):
        calls = 0

        def get_extra_state(self):
            return {"calls": self.calls}

        def set_extra_state(self, state):
            self.calls = state["calls"]

    class Plain(lib.nn.Module):
        pass

    net = lib.nn.Sequential(Counter(), Plain())
    net[0].calls = 3
    state = net.state_dict()
    assert list(state) == ["0._extra_state"]
    other = lib.nn.Sequential(Counter(), Plain())
    other.load_state_dict(state)
    assert other[0].calls == 3
    with pytest.raises(RuntimeError, match=r'Missing key.*"0._extra_state"'):
        other.load_state_dict({})
    with pytest.raises(RuntimeError, match=r'Unexpected key.*"1._extra_state"'):
        other.load_state_dict({**state, "1._extra_state": 1})


@BOTH
def test_hooks_run_in_order_and_may_change_what_they_are_given(lib):
    net = network(lib)
    log = []
    net.conv.register_state_dict_pre_hook(lambda m, prefix, keep: log.append(("pre", m is net.conv, prefix, keep)))
    net.conv.register_state_dict_post_hook(lambda m, state, prefix, meta: state.update({prefix + "more": lib.ones(1)}))
    net.register_load_state_dict_pre_hook(lambda m, state, prefix, *rest: state.pop("conv.more"))
    net.conv._register_load_state_dict_pre_hook(lambda state, prefix, *rest: log.append(("load", prefix, len(rest))))
    handle = net.register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear())
    state = net.state_dict()
    assert "conv.more" in state and log == [("pre", True, "conv.", False)]
    del state["conv.bias"]
    net.load_state_dict(state)
    assert log[1:] == [("load", "conv.", 5)]
    handle.remove()
    with pytest.raises(RuntimeError, match="Missing key"):
        net.load_state_dict({**state, "conv.more": 1})


@BOTH
def test_post_hooks_must_not_return_values(lib):
    net = network(lib)
    net.register_load_state_dict_post_hook(lambda m, keys: keys)
    with pytest.raises(AssertionError, match=r"not\s+expected to return new values"):
        net.load_state_dict(net.state_dict())
    net.register_state_dict_post_hook(lambda m, state, prefix, meta: state)
    with pytest.raises(RuntimeError, match="must return None"):
        net.state_dict()
    private = network(lib)
    private._register_state_dict_hook(lambda m, state, prefix, meta: {"only": 1})
    assert private.state_dict() == {"only": 1}


def test_a_copied_module_has_hooks_of_its_own():
    net = network(scratchnet)
    seen = []
    net.register_load_state_dict_pre_hook(lambda m, *rest: seen.append(m))
    twin = copy.deepcopy(net)
    twin.load_state_dict(net.state_dict())
    assert seen == [twin]
