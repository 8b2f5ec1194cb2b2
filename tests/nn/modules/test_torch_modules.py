"""torch's own list of module configurations: the same outputs, gradients, states, names and refusals here."""

import warnings

import pytest
import torch

import scratchnet
from scratchnet import nn
from scratchnet.testing import check_layer
from scratchnet.testing.to_torch import from_torch
from tests.torch_lists import chunking, database, names

FILE = "common_modules"
NAMES = names(FILE, r"ModuleInfo\(torch\.nn\.(\w+)")
MODES = pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])

# Of lists that are long, as products of options are, the first n and every n-th after them; the slow test takes all. The
# options have other numbers of values than n, and so each value is met.
STEPS = {"LinearCrossEntropyLoss": 7, "CrossEntropyLoss": 4, "Transformer": 5, "TransformerDecoderLayer": 5, "CTCLoss": 3}


def configurations(name, training, dtype=torch.float64, errors=False):
    """torch's configurations of a module, with the same numbers each time; or those that it refuses."""
    info = database(FILE, "module_db")[name]
    listed = info.module_error_inputs_func if errors else info.module_inputs_func
    torch.manual_seed(0)
    return [] if listed is None else listed(info, device="cpu", dtype=dtype, requires_grad=True, training=training)


def our(value):
    """An argument in our terms."""
    if isinstance(value, torch.nn.TransformerEncoderLayer):
        options = dict(dropout=value.dropout.p, activation=our(value.activation), batch_first=value.self_attn.batch_first,
                       norm_first=value.norm_first, bias=value.linear1.bias is not None)  # fmt: skip
        attention = value.self_attn
        return nn.TransformerEncoderLayer(attention.embed_dim, attention.num_heads, value.linear1.out_features, **options)
    if isinstance(value, torch.nn.LinearCrossEntropyOptions):
        return chunking(value)
    return getattr(nn.functional, value.__name__) if callable(value) else from_torch(value)


def our_call(given):
    return [our(value) for value in given.args], {key: our(value) for key, value in given.kwargs.items()}


def inputs(value):
    """What `check_layer` takes: arrays where a gradient is asked for, our tensors elsewhere."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(inputs, value))
    return value.detach().numpy() if isinstance(value, torch.Tensor) and value.requires_grad else from_torch(value)


def both(name, given):
    args, kwargs = our_call(given)
    return getattr(nn, name)(*args, **kwargs).double(), getattr(torch.nn, name)(*given.args, **given.kwargs).double()


def check(name, case, training):
    args = [inputs(x) for x in case.forward_input.args]
    options = {key: inputs(x) for key, x in case.forward_input.kwargs.items()}
    ours, theirs = both(name, case.constructor_input)
    if name.startswith("Lazy"):
        theirs(*case.forward_input.args)
        ours(*our_call(case.forward_input)[0])
    scratchnet.manual_seed(1), torch.manual_seed(1)
    check_layer(ours, theirs, *args, train=training, **options)
    assert repr(ours) == repr(theirs)


def check_all(name, training, step):
    cases = list(configurations(name, training))
    assert cases
    for i, case in enumerate(cases):
        if i > step and i % step:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                check(name, case, training)
        except Exception as error:
            error.add_note(f"configuration {i} of {name}, {case.desc!r}")
            raise


@pytest.mark.parametrize("name", NAMES)
@MODES
def test_does_what_torchs_does(name, training):
    check_all(name, training, STEPS.get(name, 1))


@pytest.mark.slow
@pytest.mark.parametrize("name", STEPS)
@MODES
def test_all_configurations(name, training):
    check_all(name, training, 1)


def refusal(library, name, case, translate):
    """What is raised: when making the module, or when calling it."""
    try:
        args, kwargs = translate(case.module_error_input.constructor_input)
        module = getattr(library.nn, name)(*args, **kwargs)
        if case.error_on.name == "FORWARD_ERROR":
            args, kwargs = translate(case.module_error_input.forward_input)
            module(*args, **kwargs)
    except Exception as error:
        return type(error)
    return None


@pytest.mark.parametrize("name", NAMES)
def test_refuses_what_torch_refuses(name):
    for i, case in enumerate(configurations(name, True, torch.float32, errors=True)):
        kind = refusal(torch, name, case, lambda given: (given.args, given.kwargs))
        assert kind is case.error_type
        assert refusal(scratchnet, name, case, our_call) is kind, f"case {i}: torch raises {kind}"


def test_the_list_is_read_in_full():
    assert list(database(FILE, "module_db")) == NAMES
