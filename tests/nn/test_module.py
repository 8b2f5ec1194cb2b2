"""Module against torch.nn.Module: registration, names, traversal, printing, conversion."""

import copy
import pickle

import numpy as np
import pytest
import torch

import scratchnet
from scratchnet import Tensor, nn

BOTH = pytest.mark.parametrize("lib", [scratchnet, torch], ids=["ours", "torch"])


def ones(lib, *shape):
    return lib.ones(*shape)


def tree(lib):
    """A network with a shared module, a shared parameter, buffers and empty places, in either library."""

    class Block(lib.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = lib.nn.Parameter(lib.ones(2, 3))
            self.register_buffer("count", lib.zeros(1))
            self.register_buffer("scratch", lib.zeros(2), persistent=False)
            self.register_parameter("bias", None)
            self.register_buffer("nothing", None)

    class Net(lib.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = Block()
            self.scale = lib.nn.Parameter(lib.ones(1))
            self.again = self.first
            self.layers = lib.nn.ModuleList([Block(), lib.nn.Linear(3, 2)])
            self.layers[0].weight = self.first.weight
            self.absent = None
            self.register_module("nobody", None)
            self.note = "text"

    return Net()


def listing(module):
    options = [
        dict(prefix=p, recurse=r, remove_duplicate=d) for p in ("", "net") for r in (True, False) for d in (True, False)
    ]
    return {
        "parameters": [[n for n, _ in module.named_parameters(**o)] for o in options],
        "buffers": [[n for n, _ in module.named_buffers(**o)] for o in options],
        "modules": [
            [n for n, _ in module.named_modules(prefix=p, remove_duplicate=d)] for p in ("", "a") for d in (True, False)
        ],
        "children": [n for n, _ in module.named_children()],
        "counts": [len(list(x)) for x in (module.parameters(), module.buffers(), module.modules(), module.children())],
        "keys": list(module.state_dict(prefix="p.")),
    }


def test_names_and_orders_are_those_of_torch():
    assert listing(tree(scratchnet)) == listing(tree(torch))


def test_metadata_of_the_state_dict():
    ours, theirs = tree(scratchnet).state_dict(), tree(torch).state_dict()
    assert list(ours._metadata.items()) == list(theirs._metadata.items())


@BOTH
def test_assignment_moves_a_name_between_roles(lib):
    m = lib.nn.Module()
    m.x = 3
    m.x = lib.nn.Parameter(lib.ones(1))
    assert "x" in m._parameters and "x" not in m.__dict__
    for other in (
        lib.nn.Linear(1, 1),
        lib.nn.Buffer(lib.ones(1)),
        lib.ones(1),
    ):  # a parameter's place is kept for parameters
        with pytest.raises(TypeError, match="as parameter 'x'"):
            m.x = other
    del m.x
    m.x = lib.nn.Buffer(lib.ones(1), persistent=False)
    assert "x" in m._buffers and "x" not in m.state_dict()
    m.x = lib.ones(2)
    assert m._buffers["x"].shape == (2,) and "x" not in m.state_dict()
    m.x = None
    assert m._buffers == {"x": None}
    m.x = lib.nn.Linear(1, 1)
    assert "x" in m._modules and not m._buffers
    m.x = lib.nn.Parameter(lib.ones(1))
    assert "x" in m._parameters and not m._modules
    del m.x
    assert not hasattr(m, "x")
    m.register_buffer("x", lib.ones(1))
    assert "x" in m.state_dict()
    m.p = lib.nn.Parameter(lib.ones(1))
    m.p = None
    assert m._parameters == {"p": None} and m.p is None


def _bare(lib):
    class Bare(lib.nn.Module):
        def __init__(self, value):
            self.x = value

    return Bare


REFUSED = {
    "parameter before init": lambda lib, m: _bare(lib)(lib.nn.Parameter(lib.ones(1))),
    "module before init": lambda lib, m: _bare(lib)(lib.nn.Linear(1, 1)),
    "buffer before init": lambda lib, m: _bare(lib)(lib.nn.Buffer(lib.ones(1))),
    "tensor for parameter": lambda lib, m: setattr(m, "weight", 3),
    "number for module": lambda lib, m: setattr(m, "child", 3),
    "number for buffer": lambda lib, m: setattr(m, "buffer", 3),
    "name with dot": lambda lib, m: m.register_parameter("a.b", None),
    "empty name": lambda lib, m: m.register_buffer("", None),
    "number as name": lambda lib, m: m.add_module(3, None),
    "name taken": lambda lib, m: m.register_parameter("forward", None),
    "buffer name taken": lambda lib, m: m.register_buffer("weight", None),
    "no parameter": lambda lib, m: m.register_parameter("w", lib.ones(1)),
    "no tensor": lambda lib, m: m.register_buffer("w", 3),
    "no module": lambda lib, m: m.add_module("w", 3),
    "non-leaf": lambda lib, m: m.register_parameter("w", _non_leaf(lib)),
    "no attribute": lambda lib, m: m.nothing,
    "delete nothing": lambda lib, m: delattr(m, "nothing"),
    "submodule": lambda lib, m: m.get_submodule("child.x"),
    "submodule of parameter": lambda lib, m: m.get_submodule("weight"),
    "parameter": lambda lib, m: m.get_parameter("child.x"),
    "parameter is module": lambda lib, m: m.get_parameter("child"),
    "buffer": lambda lib, m: m.get_buffer("child.x"),
    "buffer is parameter": lambda lib, m: m.get_buffer("weight"),
    "call": lambda lib, m: m(3),
    "positional": lambda lib, m: lib.nn.Module(3),
    "keyword": lambda lib, m: lib.nn.Module(a=3),
    "training": lambda lib, m: m.train(1),
    "set nothing": lambda lib, m: m.set_submodule("", lib.nn.Identity()),
    "set strictly": lambda lib, m: m.set_submodule("x", lib.nn.Identity(), strict=True),
    "set parameter": lambda lib, m: m.set_submodule("weight", lib.nn.Identity()),
    "to int": lambda lib, m: m.to(lib.int64),
    "extra state": lambda lib, m: m.get_extra_state(),
    "integer parameter": lambda lib, m: lib.nn.Parameter(lib.zeros(1).long()),
}


def _non_leaf(lib):
    w = lib.nn.Parameter(lib.ones(1))
    w.requires_grad_(False)
    w.grad_fn_source = None
    return (lib.nn.Parameter(lib.ones(1)) * 2).as_subclass(lib.nn.Parameter) if lib is torch else _computed()


def _computed():
    p = nn.Parameter(scratchnet.ones(1))
    p._node = (nn.Parameter(scratchnet.ones(1)) * 2)._node
    return p


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_are_those_of_torch(case):
    errors = []
    for lib in (scratchnet, torch):
        m = lib.nn.Module()
        m.weight = lib.nn.Parameter(lib.ones(1))
        m.child = lib.nn.Identity()
        m.register_buffer("buffer", lib.ones(1))
        with pytest.raises(Exception) as caught:
            REFUSED[case](lib, m)
        errors.append(caught.value)
    assert type(errors[0]) is type(errors[1])
    if case in (
        "parameter before init",
        "module before init",
        "buffer before init",
        "no attribute",
        "submodule",
    ):
        assert str(errors[0]) == str(errors[1])


@BOTH
def test_submodules_by_name(lib):
    net = tree(lib)
    assert net.get_submodule("") is net and net.get_submodule("layers.0") is net.layers[0]
    assert net.get_parameter("layers.1.weight") is net.layers[1].weight
    assert net.get_buffer("first.count") is net.first.count
    net.set_submodule("layers.0", lib.nn.Identity())
    assert isinstance(net.layers[0], lib.nn.Identity)
    net.set_submodule("fresh", lib.nn.Identity())
    assert "fresh" in dict(net.named_children())


@BOTH
def test_apply_goes_from_children_to_parents(lib):
    seen = []
    net = tree(lib)
    assert net.apply(lambda m: seen.append(type(m).__name__)) is net
    assert seen == ["Block", "Block", "Linear", "ModuleList", "Net"]


@BOTH
def test_train_and_eval_reach_everything(lib):
    net = tree(lib)
    assert net.eval() is net and not any(m.training for m in net.modules())
    assert net.train() is net and all(m.training for m in net.modules())


@BOTH
def test_gradients_are_forgotten_or_zeroed(lib):
    linear = lib.nn.Linear(2, 1)
    linear(lib.ones(1, 2)).sum().backward()
    linear.zero_grad(set_to_none=False)
    assert linear.weight.grad.tolist() == [[0, 0]]
    linear.zero_grad()
    assert linear.weight.grad is None
    assert linear.requires_grad_(False) is linear and not linear(lib.ones(1, 2)).requires_grad


def test_zeroing_a_gradient_that_has_a_history_detaches_it():
    linear = nn.Linear(2, 1)
    (linear(scratchnet.ones(1, 2)) ** 2).sum().backward(create_graph=True)
    assert linear.weight.grad.requires_grad
    linear.zero_grad(set_to_none=False)
    assert not linear.weight.grad.requires_grad and not linear.weight.grad.array.any()


@pytest.mark.parametrize("convert", ["double", "half", "float", "to", "to_tensor", "type"])
def test_conversion_keeps_the_parameters_and_converts_their_gradients(convert):
    results = []
    for lib in (scratchnet, torch):
        net = lib.nn.Sequential(lib.nn.Linear(2, 2), lib.nn.BatchNorm1d(2))
        net(lib.ones(3, 2)).sum().backward()
        before = list(net.parameters())
        arguments = {"to": (lib.float64,), "to_tensor": (lib.zeros(1).double(),), "type": (lib.float64,)}.get(
            convert, ()
        )
        assert getattr(net, convert.removesuffix("_tensor"))(*arguments) is net
        assert all(p is q for p, q in zip(before, net.parameters()))
        results.append(
            [str(t.dtype).removeprefix("torch.") for p in net.parameters() for t in (p, p.grad)]
            + [str(b.dtype).removeprefix("torch.") for b in net.buffers()]
        )
    assert results[0] == results[1]


def test_an_optimizer_made_before_a_conversion_still_works():
    linear = nn.Linear(2, 1)
    optimizer = scratchnet.optim.SGD(linear.parameters(), lr=1.0)
    linear.double()(scratchnet.ones(1, 2).double()).sum().backward()
    before = linear.weight.array.copy()
    optimizer.step()
    np.testing.assert_array_equal(linear.weight.array, before - 1)


def test_devices():
    linear = nn.Linear(2, 1)
    assert linear.cpu() is linear and linear.to("cpu", scratchnet.float64) is linear
    assert linear.weight.dtype == scratchnet.float64
    for attempt in (linear.cuda, lambda: linear.to("cuda"), lambda: nn.Linear(2, 1, device="cuda")):
        with pytest.raises(RuntimeError, match="cuda is not available"):
            attempt()
    with pytest.raises(TypeError):
        linear.to(3.5)


@BOTH
def test_a_copy_of_a_network_has_no_gradients(lib):
    linear = lib.nn.Linear(2, 1)
    linear(lib.ones(1, 2)).sum().backward()
    assert copy.deepcopy(linear).weight.grad is None and linear.weight.grad is not None


def test_copies_are_independent_and_keep_sharing_inside():
    net = tree(scratchnet)
    for twin in (copy.deepcopy(net.layers), pickle.loads(pickle.dumps(nn.Linear(2, 2)))):
        assert type(next(twin.parameters())) is nn.Parameter
    twin = copy.deepcopy(net)
    assert twin.first is twin.again and twin.first.weight is twin.layers[0].weight
    twin.first.weight.array[:] = 5
    assert net.first.weight.array.max() == 1


def test_a_parameter_shares_memory_with_its_data():
    data = scratchnet.ones(2)
    p = nn.Parameter(data)
    assert p.array is data.array and p.requires_grad and p.is_leaf and isinstance(p, Tensor)
    assert not nn.Parameter(data, requires_grad=False).requires_grad
    assert nn.Parameter().shape == (0,)
    assert not nn.Parameter(scratchnet.zeros(1).long(), requires_grad=False).requires_grad
    assert repr(p) == str(p) == str(torch.nn.Parameter(torch.ones(2)))
    with pytest.raises(TypeError, match="data must be a Tensor"):
        nn.Parameter(np.ones(2))


@BOTH
def test_dir_lists_what_is_registered(lib):
    names = dir(tree(lib))
    assert {"first", "scale", "layers", "forward", "note", "training"} <= set(names)
    assert not [n for n in dir(lib.nn.ModuleList([lib.nn.Identity()])) if n.isdigit()]


def test_printing():
    def build(lib):
        n = lib.nn

        class Net(n.Module):
            def __init__(self):
                super().__init__()
                self.features = n.Sequential(n.Conv2d(1, 6, 5), n.ReLU(), n.Sequential(n.Tanh(), n.Identity()))
                self.heads = n.ModuleDict({"a": n.Linear(2, 3), "b": n.Dropout()})
                self.blocks = n.ModuleList([n.ReLU(), n.ReLU(), n.Sequential(n.ReLU()), n.Linear(1, 1, bias=False)])
                self.nothing = n.ModuleList()

            def extra_repr(self):
                return "first line\nsecond line"

        return Net()

    assert repr(build(scratchnet)) == repr(build(torch))


def test_calling_costs_little_without_hooks():
    """A call is no more than a few attribute look-ups and `forward`."""

    class Count(nn.Module):
        def forward(self, x):
            return x

    calls = []

    class Watched(dict):
        def __bool__(self):
            calls.append(1)
            return False

    m = Count()
    for name in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks"):
        m.__dict__[name] = Watched()
    assert m(3) == 3 and len(calls) == 4
