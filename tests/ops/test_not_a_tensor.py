"""Functions of tensors refuse what is none with a TypeError that names the function, and not from somewhere inside."""

import inspect

import pytest
import torch

import scratchnet

TENSORS = {"input", "other", "condition", "A", "B", "x", "y", "tensor", "mask", "index", "source", "src", "vec", "mat2"}


def functions_of_tensors():
    """(public name, function, how many arguments it needs, place of a Tensor among them, its name)"""
    for prefix, ours, torchs in (("", scratchnet, torch), ("linalg.", scratchnet.linalg, torch.linalg)):
        for name in dir(ours):
            function = getattr(ours, name)
            if name.startswith("_") or not hasattr(torchs, name) or not inspect.isfunction(function):
                continue
            needed = [p.name for p in inspect.signature(function).parameters.values() if p.default is p.empty and p.kind < 2]
            for i, argument in enumerate(needed):
                if argument in TENSORS:
                    yield prefix + name, function, len(needed), i, argument


def test_what_is_no_tensor_is_a_type_error():
    ones = scratchnet.ones(2, 3)
    wrong, count = [], 0
    for name, function, n, i, argument in functions_of_tensors():
        arguments = [ones] * n
        arguments[i] = "abc"
        count += 1
        try:
            function(*arguments)
        except TypeError as error:
            if str(error).startswith(("'str' object", "object of type")):
                wrong.append(f"{name}({argument}='abc'): {error}")
        except (RuntimeError, IndexError):
            pass  # another argument was refused first
        except Exception as error:
            wrong.append(f"{name}({argument}='abc'): {type(error).__name__}: {error}")
    assert not wrong, "\n".join(wrong)
    assert count > 200


@pytest.mark.parametrize("place", [3, 2.5, ("cpu",)])
def test_devices(place):
    with pytest.raises(TypeError, match="device"):
        scratchnet.zeros(2, device=place)
    with pytest.raises(TypeError, match="device"):
        scratchnet.device(place)


@pytest.mark.parametrize("size", [scratchnet.ones(2, 3), "ab", None, 2.5])
def test_sizes(size):
    x = scratchnet.ones(6)
    for function in (x.reshape, x.view, x.expand, x.repeat, x.tile, scratchnet.zeros, x.new_empty):
        with pytest.raises(TypeError):
            function(size, size)
