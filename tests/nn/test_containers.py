"""Sequential, ModuleList, ModuleDict, ParameterList and ParameterDict, side by side with torch's."""

from collections import OrderedDict

import pytest
import torch

import scratchnet

LIBRARIES = (scratchnet, torch)


def same(scenario):
    """The scenario's result, or the type of its exception, in both libraries."""
    outcomes = []
    for lib in LIBRARIES:
        try:
            outcomes.append(("result", scenario(lib)))
        except Exception as error:
            outcomes.append(("error", type(error)))
    assert outcomes[0] == outcomes[1]
    return outcomes[0]


def sequence(lib):
    n = lib.nn
    return n.Sequential(n.ReLU(), n.Tanh(), n.Sigmoid(), n.Identity())


def module_list(lib):
    return lib.nn.ModuleList([lib.nn.ReLU(), lib.nn.Tanh(), lib.nn.Sigmoid(), lib.nn.Identity()])


def changed(make, change):
    def scenario(lib):
        container = make(lib)
        result = change(container, lib.nn)
        return (
            repr(container),
            "itself" if result is container else repr(result),
            list(container.state_dict()),
        )

    return scenario


LISTS = {
    "item": lambda c, n: c[1],
    "last": lambda c, n: c[-1],
    "beyond": lambda c, n: c[4],
    "before": lambda c, n: c[-5],
    "text": lambda c, n: c["0"],
    "slice": lambda c, n: c[1:3],
    "step": lambda c, n: c[::-2],
    "set": lambda c, n: c.__setitem__(-1, n.Linear(1, 2)),
    "set beyond": lambda c, n: c.__setitem__(4, n.Linear(1, 2)),
    "delete": lambda c, n: c.__delitem__(1),
    "delete slice": lambda c, n: c.__delitem__(slice(0, 3, 2)),
    "delete beyond": lambda c, n: c.__delitem__(9),
    "append": lambda c, n: c.append(n.Linear(1, 2)),
    "append number": lambda c, n: c.append(3),
    "extend": lambda c, n: c.extend([n.Linear(1, 2), n.ELU()]),
    "extend number": lambda c, n: c.extend(3),
    "insert": lambda c, n: c.insert(1, n.ELU()),
    "insert at end": lambda c, n: c.insert(4, n.ELU()),
    "pop": lambda c, n: c.pop(1),
    "add": lambda c, n: c + c,
    "iadd": lambda c, n: c.__iadd__([n.ELU()]),
    "length": lambda c, n: len(c),
    "iterate": lambda c, n: [repr(m) for m in c],
    "contains": lambda c, n: c[1] in c,
}


@pytest.mark.parametrize("case", LISTS)
@pytest.mark.parametrize("make", [sequence, module_list])
def test_lists_of_modules(make, case):
    same(changed(make, LISTS[case]))


SEQUENCES = {
    "insert far": lambda c, n: c.insert(7, n.ELU()),
    "insert number": lambda c, n: c.insert(0, 3),
    "insert before": lambda c, n: c.insert(-4, n.ELU()),
    "times": lambda c, n: c * 2,
    "r times": lambda c, n: 2 * c,
    "times zero": lambda c, n: c * 0,
    "times text": lambda c, n: c * "a",
    "add list": lambda c, n: c + n.ModuleList([n.ELU()]),
    "named": lambda c, n: n.Sequential(OrderedDict(a=n.ReLU(), b=n.Tanh(), c=n.ELU()))[:2],
    "number": lambda c, n: n.Sequential(3),
    "empty": lambda c, n: n.Sequential()[0],
}


@pytest.mark.parametrize("case", SEQUENCES)
def test_sequential(case):
    same(changed(sequence, SEQUENCES[case]))


def test_sequential_computes_in_order():
    double, plus = scratchnet.nn.Module(), scratchnet.nn.Module()
    double.forward = lambda x: x * 2
    plus.forward = lambda x: x + 1
    assert scratchnet.nn.Sequential(double, plus)(scratchnet.ones(1)).tolist() == [3]
    assert scratchnet.nn.Sequential()(5) == 5


def test_a_list_may_be_extended_with_itself():
    assert len(sequence(scratchnet).extend(m for m in sequence(scratchnet))) == 8
    modules = module_list(scratchnet)
    assert len(modules.extend(modules)) == 8


def test_the_subclass_of_a_slice_is_kept():
    class Mine(scratchnet.nn.Sequential):
        pass

    assert type(Mine(scratchnet.nn.ReLU())[:1]) is Mine


DICTS = {
    "get": lambda c, n: c["a"],
    "get missing": lambda c, n: c["z"],
    "set": lambda c, n: c.__setitem__("d", n.ELU()),
    "set number": lambda c, n: c.__setitem__("d", 3),
    "set dotted": lambda c, n: c.__setitem__("d.e", n.ELU()),
    "replace": lambda c, n: c.__setitem__("a", n.ELU()),
    "delete": lambda c, n: c.__delitem__("a"),
    "pop": lambda c, n: c.pop("b"),
    "clear": lambda c, n: c.clear(),
    "keys": lambda c, n: [*c.keys(), *c, len(c), "a" in c, "z" in c],
    "values": lambda c, n: [repr(v) for v in c.values()],
    "items": lambda c, n: [k for k, _ in c.items()],
    "update dict": lambda c, n: c.update({"a": n.ELU(), "x": n.ReLU()}),
    "update self": lambda c, n: c.update(n.ModuleDict({"x": n.ELU()})),
    "update pairs": lambda c, n: c.update([("x", n.ELU()), ["y", n.ReLU()]]),
    "update number": lambda c, n: c.update(3),
    "update numbers": lambda c, n: c.update([3]),
    "update triple": lambda c, n: c.update([("x", n.ELU(), 1)]),
}


@pytest.mark.parametrize("case", DICTS)
def test_dict_of_modules(case):
    same(
        changed(
            lambda lib: lib.nn.ModuleDict({"a": lib.nn.ReLU(), "b": lib.nn.Linear(1, 1, bias=False)}),
            DICTS[case],
        )
    )


def parameters(lib):
    return lib.nn.ParameterList([lib.ones(2), lib.nn.Parameter(lib.ones(2, 3)), "text", lib.nn.Parameter(lib.ones(1))])


PARAMETERS = {
    "item": lambda c, lib: c[1].shape[0],
    "beyond": lambda c, lib: c[4],
    "slice": lambda c, lib: len(c[1:3]),
    "set": lambda c, lib: c.__setitem__(0, lib.ones(5)),
    "append": lambda c, lib: c.append(lib.ones(5)),
    "extend": lambda c, lib: c.extend([lib.ones(5), 7]),
    "extend tensor": lambda c, lib: c.extend(lib.ones(5)),
    "iadd": lambda c, lib: c.__iadd__([lib.ones(1)]),
    "names": lambda c, lib: [n for n, _ in c.named_parameters()],
    "length": lambda c, lib: [len(c), len(list(c))],
}


def described(container):
    return repr(container).replace("torch.", "").replace("scratchnet.", "")


@pytest.mark.parametrize("case", PARAMETERS)
def test_list_of_parameters(case):
    def scenario(lib):
        c = parameters(lib)
        result = PARAMETERS[case](c, lib)
        return (
            described(c),
            result if not isinstance(result, lib.nn.Module) else result is c,
            list(c.state_dict()),
        )

    same(scenario)


PARAMETER_DICTS = {
    "get": lambda c, lib: c["a"].shape[0],
    "get missing": lambda c, lib: c["z"],
    "default": lambda c, lib: c.get("z", 5),
    "set": lambda c, lib: c.__setitem__("z", lib.ones(5)),
    "delete": lambda c, lib: c.__delitem__("a"),
    "pop": lambda c, lib: c.pop("b"),
    "update": lambda c, lib: c.update({"x": lib.ones(1)}),
    "update pairs": lambda c, lib: c.update([("x", lib.ones(1))]),
    "update triple": lambda c, lib: c.update([("x", 1, 2)]),
    "setdefault": lambda c, lib: [c.setdefault("a", 3).shape[0], c.setdefault("z", 3)],
    "clear": lambda c, lib: c.clear(),
    "copy": lambda c, lib: [*c.copy().keys(), c.copy()["a"] is c["a"]],
    "or": lambda c, lib: [*(c | lib.nn.ParameterDict({"x": 1})).keys()],
    "ior": lambda c, lib: len(c.__ior__(lib.nn.ParameterDict({"x": 1}))),
    "keys": lambda c, lib: [
        *c.keys(),
        *c,
        len(c),
        "a" in c,
        len(list(c.values())),
        [k for k, _ in c.items()],
    ],
}


@pytest.mark.parametrize("case", PARAMETER_DICTS)
def test_dict_of_parameters(case):
    def scenario(lib):
        c = lib.nn.ParameterDict({"a": lib.ones(2), "b": 5})
        result = PARAMETER_DICTS[case](c, lib)
        return [n for n, _ in c.named_parameters()], result, sorted(c.keys())

    same(scenario)


def test_parameter_dict_prints_its_values():
    c = scratchnet.nn.ParameterDict({"a": scratchnet.ones(2, 3), "b": 5})
    assert repr(c) == (
        "ParameterDict(\n    (a): Parameter containing: [scratchnet.float32 of size 2x3]\n    (b): Object "
        "of type: int\n)"
    )
