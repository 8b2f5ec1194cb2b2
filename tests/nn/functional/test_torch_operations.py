"""torch's own list of calls of functions for networks: the same values, gradients and refusals here."""

import pytest
import torch

import scratchnet
from scratchnet import nn
from scratchnet.testing import check_against_torch
from scratchnet.testing.to_torch import from_torch
from tests.torch_lists import chunking, entries, names

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

FILE, PREFIX = "common_methods_invocations", "nn.functional."
NAMES = sorted(set(names(FILE, r"""Info\(\s*["']nn\.functional\.(\w+)["']""")))
DTYPES = (torch.float64, torch.int64)

# What is in torch's list and is no such call.
NOT_CALLED_SO = {
    "embedding": "the list gives weight and indices in another order than the function",
}

TOLERANCES = {
    "hardsigmoid": dict(rtol=1e-7),  # torch's gradient has 1/6 in single precision
}


def variants(name):
    """torch's entries for a function: several, if some of its calls are tested in another manner."""
    return [op for op in entries(FILE, "op_db") if op.name == PREFIX + name and set(DTYPES) & op.dtypes]


def inputs(value):
    """What `check_against_torch` takes: arrays where a gradient is asked for, our tensors elsewhere."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(inputs, value))
    return value.detach().numpy() if isinstance(value, torch.Tensor) and value.requires_grad else from_torch(value)


def our_option(value):
    if isinstance(value, torch.nn.PairwiseDistance):
        return nn.PairwiseDistance()
    return chunking(value) if isinstance(value, torch.nn.LinearCrossEntropyOptions) else value


def check_same(name, sample):
    def ours(*args, **kwargs):
        scratchnet.manual_seed(1)
        return getattr(nn.functional, name)(*args, **{key: our_option(value) for key, value in kwargs.items()})

    def theirs(*args, **kwargs):
        torch.manual_seed(1)
        return getattr(torch.nn.functional, name)(*args, **kwargs)

    args, kwargs = inputs((sample.input, *sample.args)), {key: inputs(x) for key, x in sample.kwargs.items()}
    check_against_torch(ours, *args, torch_fn=theirs, **TOLERANCES.get(name, {}), **kwargs)


@pytest.mark.parametrize("name", sorted({*NAMES} - {*NOT_CALLED_SO}))
def test_does_what_torchs_does(name):
    for op in variants(name):
        dtype = next(d for d in DTYPES if d in op.dtypes)
        torch.manual_seed(0)
        differentiable = op.supports_autograd and dtype.is_floating_point
        for i, sample in enumerate(op.sample_inputs("cpu", dtype, requires_grad=differentiable)):
            try:
                check_same(name, sample)
            except Exception as error:
                error.add_note(f"call {i} of {name}, variant {op.variant_test_name!r}: {sample.summary()}")
                raise


@pytest.mark.parametrize("name", sorted({*NAMES} - {*NOT_CALLED_SO}))
def test_refuses_what_torch_refuses(name):
    for op in variants(name):
        for case in op.error_inputs("cpu") if op.error_inputs_func else ():
            check_same(name, case.sample_input)


def test_the_list_is_read_in_full():
    listed = {op.name.removeprefix(PREFIX) for op in entries(FILE, "op_db") if op.name.startswith(PREFIX)}
    assert listed == {*NAMES} and {*NOT_CALLED_SO} <= listed
