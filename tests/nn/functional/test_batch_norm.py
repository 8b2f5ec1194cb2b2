"""Batch and instance norm: gradients to second order, kernel against definition, torch, running statistics, refusals."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
import scratchnet.nn.functional as F
from scratchnet import Tensor, nn
from scratchnet.autograd import checkpoint
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds
from tests.nn.functional.test_norm import AFFINE, CLOSE, by_position, parameters


@st.composite
def batches(draw):
    """[N, C, ...] with two or more values in each channel, a seed, and which of weight and bias there are."""
    sides = draw(st.lists(st.integers(1, 3), max_size=2))
    shape = (draw(st.integers(2, 4)), draw(st.integers(1, 3)), *sides)
    return shape, draw(seeds()), draw(AFFINE)


@given(batches(), st.booleans())
def test_gradients_of_batch_norm(batch, training):
    shape, seed, names = batch
    mean, var = Tensor(values(shape[1:2], seed + 5)), Tensor(values(shape[1:2], seed + 6) ** 2 + 0.5)
    norm = by_position(
        F.batch_norm, names, running_mean=mean, running_var=var, training=training, momentum=0.0, eps=0.1
    )
    check_gradient(norm, values(shape, seed), *parameters(shape[1], names, seed + 1).values())


@given(batches(), st.booleans())
def test_the_kernel_of_batch_norm_equals_the_definition(fused_equals_composed, batch, training):
    shape, seed, names = batch
    mean, var = Tensor(values(shape[1:2], seed + 5)), Tensor(values(shape[1:2], seed + 6) ** 2 + 0.5)
    norm = by_position(F.batch_norm, names, running_mean=mean, running_var=var, training=training)
    fused_equals_composed(norm, values(shape, seed), *parameters(shape[1], names, seed + 1).values(), **CLOSE)


@given(batches(), st.booleans(), st.booleans(), st.sampled_from([np.float32, np.float64]), st.floats(0, 1))
def test_batch_norm_against_torch(batch, training, running, dtype, momentum):
    """The running statistics after the call are compared too: they are arguments."""
    check_running("batch_norm", batch, training, running, dtype, momentum, training=training)


def check_running(name, batch, own, running, dtype, momentum, **mode):
    """The function against torch's, with or without running averages."""
    shape, seed, names = batch
    if names == ("bias",):  # torch 2.13 leaves the bias out of evaluation without a weight
        names = ("weight", "bias")
    x, c = values(shape, seed, dtype=dtype), shape[1]
    mean, var = values((c,), seed + 5, dtype=dtype), np.square(values((c,), seed + 6, dtype=dtype)) + dtype(0.5)
    state = (mean, var) if running or not own else (None, None)
    rest = {name: value.astype(dtype) for name, value in parameters(c, names, seed + 1).items()}

    def call(library):
        def norm(x, mean, var, **kwargs):
            mean, var = (v if v is None else v.detach() for v in (mean, var))
            y = getattr(library.nn.functional, name)(x, mean, var, momentum=momentum, eps=1e-3, **mode, **kwargs)
            return y, mean, var

        return norm

    tolerance = dict(rtol=1e-3, atol=1e-4) if dtype == np.float32 else CLOSE
    check_against_torch(call(scratchnet), x, *state, torch_fn=call(torch), **rest, **tolerance)


@st.composite
def images(draw):
    """[N, C, ...] with two or more values in each channel of each image, a seed, and which of weight and bias there are."""
    shape, seed, names = draw(batches())
    return (*shape[:2], draw(st.integers(2, 3)), *shape[2:3]), seed, names


@given(images(), st.booleans())
def test_gradients_of_instance_norm(fused_equals_composed, batch, own):
    shape, seed, names = batch
    mean, var = Tensor(values(shape[1:2], seed + 5)), Tensor(values(shape[1:2], seed + 6) ** 2 + 0.5)
    norm = by_position(
        F.instance_norm, names, running_mean=mean, running_var=var, use_input_stats=own, momentum=0.0, eps=0.1
    )
    arrays = values(shape, seed), *parameters(shape[1], names, seed + 1).values()
    check_gradient(norm, *arrays)
    fused_equals_composed(norm, *arrays, **CLOSE)


@given(images(), st.booleans(), st.booleans(), st.sampled_from([np.float32, np.float64]), st.floats(0, 1))
def test_instance_norm_against_torch(batch, own, running, dtype, momentum):
    check_running("instance_norm", batch, own, running, dtype, momentum, use_input_stats=own)


def test_an_example_by_hand():
    """Channel values 1 and 3: mean 2, biased variance 1, unbiased 2."""
    x = Tensor(np.array([[1.0], [3.0]]), True)
    mean, var = Tensor(np.zeros(1)), Tensor(np.ones(1))
    y = F.batch_norm(x, mean, var, training=True, momentum=0.5, eps=1e-30)
    assert y.tolist() == [[-1], [1]] and mean.tolist() == [1] and var.tolist() == [1.5]
    y.backward(Tensor(np.array([[1.0], [0.0]])))
    np.testing.assert_allclose(x.grad.array, 0, atol=1e-15)  # two values can only be −1 and 1


def test_checkpointing_a_batch_norm():
    layer, x = nn.BatchNorm1d(3).double(), Tensor(values((4, 3), 0), True)
    expected = scratchnet.autograd.grad((layer(x) ** 3).sum(), [x, layer.weight])
    layer.reset_running_stats()
    actual = scratchnet.autograd.grad((checkpoint(layer, x) ** 3).sum(), [x, layer.weight])
    for a, b in zip(actual, expected):
        np.testing.assert_allclose(a.array, b.array)


X = values((3, 4), 0, dtype=np.float32)
V = values((2, 4, 3), 0, dtype=np.float32)
C3, C4 = np.zeros(3, np.float32), np.ones(4, np.float32)


@pytest.mark.parametrize(
    "args, kwargs",
    [
        ((X, None, None), {}),
        ((X, C4, None), {}),
        ((X, C4, None), dict(training=True)),
        ((X, None, C4), dict(training=True)),
        ((X, None, None), dict(training=True)),
        ((X[:1], None, None), dict(training=True)),
        ((X[0], None, None), dict(training=True)),
        ((X[:0], None, None), dict(training=True)),
        ((X[:0], C4, C4), {}),
        ((X, C3, C4), {}),
        ((X, C4, C3), dict(training=True)),
        ((X, C4, C4), dict(weight=C3)),
        ((X, C4, C4), dict(bias=C3, weight=C4)),
        ((X.astype(np.float64), C4, C4), {}),
        ((X, C4.astype(np.float64), C4.astype(np.float64)), {}),
        ((X.astype(np.int64), None, None), dict(training=True)),
    ],
)
def test_batch_norm_refuses_what_torch_refuses(args, kwargs):
    def call(library):
        return lambda x, *rest, **more: library.nn.functional.batch_norm(x, *rest, **more)

    check_against_torch(call(scratchnet), *args, torch_fn=call(torch), grad=False, **kwargs)


@pytest.mark.parametrize(
    "args, kwargs",
    [
        ((X,), {}),
        ((X[:, :, None],), {}),
        ((X[0],), {}),
        ((V, C4), {}),
        ((V, C4, None), dict(use_input_stats=False)),
        ((V, C3, C3), {}),
        ((V, None, None, C3), {}),
        ((V, None, None, C4, C3), {}),
        ((V, None, None, C4.astype(np.float64)), {}),
        ((V[:0],), {}),
        ((V.astype(np.int64),), {}),
    ],
)
def test_instance_norm_refuses_what_torch_refuses(args, kwargs):
    def call(library):
        return lambda x, *rest, **more: library.nn.functional.instance_norm(x, *rest, **more)

    check_against_torch(call(scratchnet), *args, torch_fn=call(torch), grad=False, **kwargs)


LAYERS = [
    ("BatchNorm1d(4)", (5, 4)),
    ("BatchNorm1d(4)", (3, 4, 2)),
    ("BatchNorm1d(4, eps=0.1, momentum=None)", (5, 4)),
    ("BatchNorm1d(4, affine=False)", (5, 4)),
    ("BatchNorm1d(4, track_running_stats=False)", (5, 4)),
    ("BatchNorm1d(4, bias=False)", (5, 4)),
    ("BatchNorm2d(4)", (3, 4, 2, 3)),
    ("BatchNorm2d(4, momentum=0.7, affine=False, track_running_stats=False)", (3, 4, 2, 3)),
    ("BatchNorm3d(4)", (3, 4, 2, 3, 1)),
    ("BatchNorm3d(4, bias=False, momentum=None)", (3, 4, 2, 3, 1)),
    ("SyncBatchNorm(4)", (5, 4)),
    ("SyncBatchNorm(4, eps=0.1, momentum=None)", (5, 4, 2)),
    ("InstanceNorm1d(4)", (3, 4, 5)),
    ("InstanceNorm1d(4, affine=True)", (4, 5)),
    ("InstanceNorm2d(4, affine=True, track_running_stats=True)", (3, 4, 2, 3)),
    ("InstanceNorm2d(4, eps=0.1, momentum=0.7, track_running_stats=True)", (4, 2, 3)),
    ("InstanceNorm3d(4, affine=True, bias=False)", (3, 4, 2, 1, 3)),
    ("InstanceNorm3d(4)", (4, 2, 2, 3)),
]


@pytest.mark.parametrize("text, shape", LAYERS)
def test_layer(check_module, text, shape):
    check_module(text, values(shape, 0), **CLOSE)


def test_momentum_none_is_the_mean_of_all_batches():
    ours, theirs = nn.BatchNorm1d(2, momentum=None), torch.nn.BatchNorm1d(2, momentum=None)
    for seed in range(4):
        x = values((5, 2), seed, dtype=np.float32)
        ours(Tensor(x)), theirs(torch.from_numpy(x))
    np.testing.assert_allclose(ours.running_mean.array, theirs.running_mean.numpy(), rtol=1e-5)
    np.testing.assert_allclose(ours.running_var.array, theirs.running_var.numpy(), rtol=1e-5)
    assert ours.num_batches_tracked.item() == 4
    ours.reset_running_stats()
    assert ours.num_batches_tracked.item() == 0 and ours.running_var.tolist() == [1, 1]


@pytest.mark.parametrize(
    "text, shape", [("BatchNorm2d(4)", (3, 4)), ("BatchNorm1d(4)", (1, 1, 1, 4)), ("BatchNorm1d(3)", (3, 4))]
)
def test_layers_refuse_what_torch_refuses(text, shape):
    for library, x in ((nn, scratchnet.ones(shape)), (torch.nn, torch.ones(shape))):
        with pytest.raises((ValueError, RuntimeError)) as caught:
            eval(text, vars(library))(x)
        assert caught.type is (RuntimeError if text == "BatchNorm1d(3)" else ValueError)


@pytest.mark.parametrize(
    "text, shape",
    [
        ("InstanceNorm1d(4)", (4,)),
        ("InstanceNorm2d(4)", (4, 2)),
        ("InstanceNorm3d(4)", (4, 2, 2)),
        ("InstanceNorm2d(3, affine=True)", (2, 4, 2, 2)),
        ("SyncBatchNorm(3)", (3,)),
        ("SyncBatchNorm(0)", (2, 0)),
    ],
)
def test_layers_refuse_inputs_that_do_not_fit(text, shape):
    for library, x in ((nn, scratchnet.ones(shape)), (torch.nn, torch.ones(shape))):
        with pytest.raises(ValueError):
            eval(text, vars(library))(x)


def test_instance_norm_without_parameters_takes_any_number_of_channels():
    for library, x in ((nn, scratchnet.ones(2, 4, 3)), (torch.nn, torch.ones(2, 4, 3))):
        with pytest.warns(UserWarning, match="num_features"):
            assert library.InstanceNorm1d(3)(x).shape == x.shape


def test_old_checkpoints_of_instance_norm():
    for library in (nn, torch.nn):
        state = library.InstanceNorm1d(3, track_running_stats=True).state_dict()
        state._metadata.clear()
        with pytest.raises(RuntimeError, match="Unexpected running stats"):
            library.InstanceNorm1d(3).load_state_dict(state)


def test_converting_to_synchronised_layers():
    results = []
    for library in (nn, torch.nn):
        net = library.Sequential(library.Linear(2, 3), library.Sequential(library.BatchNorm1d(3, eps=0.1)))
        converted = library.SyncBatchNorm.convert_sync_batchnorm(net.eval())
        assert converted is net and type(net[1][0]) is library.SyncBatchNorm and not net[1][0].training
        results.append((repr(net), list(net.state_dict())))
    assert results[0] == results[1]
    layer = nn.BatchNorm1d(3)
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(layer)
    assert converted.weight is layer.weight and converted.running_var is layer.running_var
    assert nn.SyncBatchNorm.convert_sync_batchnorm(converted, "group").process_group == "group"
    other = nn.Sequential(nn.BatchRenorm2d(3))
    assert type(nn.SyncBatchNorm.convert_sync_batchnorm(other)[0]) is nn.BatchRenorm2d


def test_checkpointing_updates_the_running_statistics_as_in_torch():
    """Twice: when the layer runs, and when backward runs it again."""
    x = values((4, 3), 0, dtype=np.float32)
    ours, theirs = nn.BatchNorm1d(3), torch.nn.BatchNorm1d(3)
    (checkpoint(ours, Tensor(x, True)) ** 3).sum().backward()
    leaf = torch.tensor(x, requires_grad=True)
    (torch.utils.checkpoint.checkpoint(theirs, leaf, use_reentrant=False) ** 3).sum().backward()
    for key, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[key].array, value.numpy(), rtol=1e-5, err_msg=key)


def test_nothing_at_all():
    """torch refuses one dimension, but not with nothing in it."""
    nothing = np.zeros(0)
    check_against_torch("nn.functional.batch_norm", nothing, nothing, nothing, training=True)
    check_against_torch("nn.functional.batch_norm", nothing, nothing, nothing)
