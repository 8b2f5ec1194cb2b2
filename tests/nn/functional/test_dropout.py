"""Dropout: what is dropped, how often, with which gradient; the same seed drops the same as torch."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
import scratchnet.nn.functional as F
from scratchnet import Tensor
from scratchnet.autograd import checkpoint
from scratchnet.testing import check_gradient, values
from scratchnet.testing.strategies import seeds, shapes

CASES = {
    "dropout": (50, 40),
    "dropout1d": (30, 40, 2),
    "dropout2d": (30, 40, 2, 2),
    "dropout3d": (30, 40, 2, 1, 2),
    "alpha_dropout": (50, 40),
    "feature_alpha_dropout": (30, 40, 2, 2),
}
ALL = pytest.mark.parametrize("name, shape", CASES.items())
NO_MEAN = pytest.mark.parametrize("name, shape", [item for item in CASES.items() if "alpha" not in item[0]])


@NO_MEAN
def test_elements_are_dropped_or_scaled(name, shape):
    """Each is 0 or x / (1 − p); the number dropped lies within five standard deviations of its expectation."""
    scratchnet.manual_seed(0)
    x = Tensor(np.ones(shape, np.float32), True)
    y = getattr(F, name)(x, 0.3)
    assert set(np.unique(y.array)) == {np.float32(0), np.float32(1) / np.float32(0.7)}
    groups = y.array.reshape(*shape[:2], -1)
    assert (groups == groups[..., :1]).all()  # whole channels
    n = groups[..., 0].size
    assert abs((groups[..., 0] == 0).sum() - 0.3 * n) < 5 * np.sqrt(n * 0.3 * 0.7)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.array, y.array)


@ALL
@given(seeds(), st.sampled_from([0.1, 0.5, 0.9, 1.0]), st.sampled_from([np.float32, np.float64]), st.booleans())
def test_the_same_seed_drops_what_torch_drops(name, shape, seed, p, dtype, inplace):
    x = values(shape[:1] + shape[1:2] + tuple(2 for _ in shape[2:]), seed % 99, dtype=dtype)
    ours, theirs = Tensor(x.copy(), True), torch.tensor(x, requires_grad=True)
    results = []
    for library, leaf in ((scratchnet, ours), (torch, theirs)):
        library.manual_seed(seed % 2**32)
        y = getattr(library.nn.functional, name)(leaf * 1, p, True, inplace)
        y.backward(gradient=leaf.detach() * 2)
        results += [y.detach().numpy() if library is torch else y.detach().array, library.rand(1).item()]
    np.testing.assert_allclose(results[0], results[2], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(ours.grad.array, theirs.grad.numpy(), rtol=1e-6, atol=1e-6)
    assert results[1] == results[3]  # and the stream goes on alike


@pytest.mark.parametrize("size", [4096, 100_001])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_ones_are_torchs(size, dtype):
    for library in (scratchnet, torch):
        library.manual_seed(5)
    x = values((size,), 0, dtype=dtype)
    y, z = F.dropout(Tensor(x), 0.3), torch.nn.functional.dropout(torch.tensor(x), 0.3)
    np.testing.assert_allclose(y.array, z.numpy(), rtol=1e-6)


@pytest.mark.parametrize("name", ["dropout", "alpha_dropout", "feature_alpha_dropout"])
@pytest.mark.parametrize("layout", ["x.t()", "x[:, ::2].t()", "x[:, :1].expand(64, 80)", "x.reshape(16, 4, 80).permute(2, 0, 1)"])
def test_masks_are_drawn_in_the_order_of_memory(name, layout):
    """As torch does: a transposed input gets its numbers column by column, whatever code scales it."""
    results = []
    for library in (scratchnet, torch):
        library.manual_seed(6)
        x = eval(layout, {"x": library.ones(64, 80)})
        results.append(getattr(library.nn.functional, name)(x, 0.4, training=True).numpy())
    np.testing.assert_allclose(*results, rtol=1e-6)


@pytest.mark.parametrize("name", ["alpha_dropout", "feature_alpha_dropout"])
def test_mean_and_variance_stay(name):
    scratchnet.manual_seed(1)
    x = Tensor(np.random.default_rng(0).standard_normal((400, 500)))
    y = getattr(F, name)(x, 0.4, training=True).array
    assert abs(y.mean()) < 0.02 and abs(y.var() - 1) < 0.02


@ALL
def test_nothing_happens_outside_of_training(name, shape):
    x = Tensor(values(shape, 0))
    assert getattr(F, name)(x, 0.5, training=False) is x and getattr(F, name)(x, 0.0, training=True) is x
    assert not getattr(F, name)(x, 1.0, training=True).array.any()
    empty = scratchnet.zeros(0, 3, 2)
    assert F.dropout1d(empty) is empty


@ALL
@given(shapes(5, 5, 1, 2), seeds())
def test_gradients(name, shape, sizes, seed):
    def drop(x):
        scratchnet.manual_seed(3)  # and the layout of x decides which element gets which number
        return getattr(F, name)(x.contiguous(), 0.4, training=True)

    check_gradient(drop, values(sizes[: len(shape)], seed))


@ALL
def test_infinity_is_not_dropped(name, shape):
    """∞ · 0 is NaN, in torch too: a diverging network is seen to diverge."""
    scratchnet.manual_seed(0)
    y = getattr(F, name)(Tensor(np.full(shape, np.inf)), 0.5, training=True).array
    assert np.isnan(y).any() and np.isinf(y).any() and not np.isfinite(y).any()


def test_a_checkpoint_drops_the_same_again():
    scratchnet.manual_seed(0)
    x = Tensor(np.ones(50), True)
    y = checkpoint(lambda x: F.dropout(x) * 2, x)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.array, y.array)


def test_in_place():
    x = scratchnet.ones(100)
    assert F.dropout(x, 0.5, inplace=True) is x and set(x.tolist()) == {0, 2}


def test_refusals():
    for library, x in ((scratchnet, scratchnet.ones(3)), (torch, torch.ones(3))):
        for p in (-0.1, 1.1):
            for name in CASES:
                with pytest.raises(ValueError, match="dropout probability has to be between 0 and 1"):
                    getattr(library.nn.functional, name)(x, p)
            with pytest.raises(ValueError, match="dropout probability has to be between 0 and 1"):
                library.nn.Dropout(p)
        with pytest.raises(RuntimeError):
            library.nn.functional.dropout(x.long(), 0.5)
        assert library.nn.functional.dropout(x.long(), 0.5, training=False).dtype == library.int64
        with pytest.raises(RuntimeError, match="dropout1d: Expected 2D or 3D input"):
            library.nn.functional.dropout1d(x)
        with pytest.raises(RuntimeError, match="at least 2 dimensions"), pytest.warns(UserWarning, match="dropout2d"):
            library.nn.functional.dropout2d(x)
        with pytest.raises(RuntimeError, match="at least 2 dimensions"):
            library.nn.functional.feature_alpha_dropout(x, training=True)


@pytest.mark.parametrize("name, shape", [("dropout1d", (3, 5)), ("dropout2d", (4, 3, 5)), ("dropout3d", (4, 3, 2, 2))])
def test_other_numbers_of_dimensions(name, shape):
    """Samples without a batch; and what torch takes with a warning."""
    x = np.ones(shape, np.float32)
    results = []
    for library, wrap in ((scratchnet, Tensor), (torch, torch.from_numpy)):
        library.manual_seed(4)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            results.append(np.asarray(getattr(library.nn.functional, name)(wrap(x), 0.5).tolist()))
        assert len(caught) == (name == "dropout2d")
    assert np.array_equal(*results)


LAYERS = ["Dropout()", "Dropout(0.2, inplace=True)", "Dropout1d()", "Dropout2d(p=0.1)", "Dropout3d(0.1)", "AlphaDropout()",
          "FeatureAlphaDropout(0.3)"]  # fmt: skip


@pytest.mark.parametrize("text", LAYERS)
def test_layer(text):
    layer, theirs = eval(text, vars(scratchnet.nn)), eval(text, vars(torch.nn))
    assert repr(layer) == repr(theirs)
    shape = (8, 8, *(2 for _ in range(int(text[7]) if text[7].isdigit() else 1)))
    x = scratchnet.ones(*shape)
    assert layer.eval()(x) is x
    for library in (scratchnet, torch):
        library.manual_seed(2)
    np.testing.assert_allclose(layer.train()(x).array, theirs(torch.ones(*shape)).numpy(), rtol=1e-6)


def test_whole_samples():
    """The branch of a residual block is dropped for some samples, and scaled for the others."""
    x = Tensor(np.ones((400, 3, 2)))
    assert F.drop_path(x, 0.3) is x
    y = F.drop_path(x, 0.3, training=True).array
    assert set(np.unique(y)) == {0, 1 / 0.7} and (y == y[:, :1, :1]).all()
    assert abs((y[:, 0, 0] == 0).mean() - 0.3) < 0.12
    assert repr(scratchnet.nn.DropPath(0.2)) == "DropPath(p=0.2, inplace=False)"
    assert scratchnet.nn.DropPath(0.2).eval()(x) is x
    with pytest.raises(RuntimeError, match="drop_path"):
        F.drop_path(scratchnet.ones(()), training=True)


def test_deeper_blocks_are_dropped_more_often():
    assert [F.scheduled_drop_probability(0.2, i, 5) for i in range(5)] == pytest.approx([0, 0.05, 0.1, 0.15, 0.2])
    assert F.scheduled_drop_probability(0.2, 0, 1) == 0.2
    with pytest.raises(ValueError, match="block from 0 to 4"):
        F.scheduled_drop_probability(0.2, 5, 5)


def test_squares_of_pixels():
    scratchnet.manual_seed(0)
    x = Tensor(np.ones((20, 5, 16, 12)), True)
    y = F.drop_block2d(x, 0.2, 3)
    mask = y.array > 0
    assert 0.1 < 1 - mask.mean() < 0.25
    np.testing.assert_allclose(y.array.sum(), x.array.size, rtol=1e-6)
    holes = ~mask
    corners = holes[..., :-2, :-2] & holes[..., 1:-1, :-2] & holes[..., 2:, :-2]
    assert corners.any() and (holes.sum((2, 3)) != 1).all()  # never a single pixel
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.array, y.array)
    z = scratchnet.ones(2, 3, 4, 4)
    layer = scratchnet.nn.DropBlock2d(0.5, 9)  # larger than the image
    assert layer.eval()(z) is z and set(np.unique(layer.train()(z).array > 0)) <= {False, True}
    assert repr(layer) == "DropBlock2d(p=0.5, block_size=9, inplace=False)"
    assert F.drop_block2d(z, 0.5, 2, inplace=True) is z
    for bad in (lambda: F.drop_block2d(z, 1.5, 2), lambda: F.drop_block2d(z[0], 0.5, 2)):
        with pytest.raises(ValueError, match="drop_block2d"):
            bad()


def test_cubes_of_voxels():
    """Two places for a cube: whatever is dropped, a whole cube is."""
    y = F.drop_block3d(Tensor(np.ones((200, 1, 2, 3, 2))), 0.5, 2).array[:, 0]
    kept = y > 0
    assert 0.3 < 1 - kept.mean() < 0.7
    first, last = (~kept[:, :, rows].any((1, 2, 3)) for rows in (slice(0, 2), slice(1, 3)))
    assert ((first | last) == ~kept.all((1, 2, 3))).all()
    assert repr(scratchnet.nn.DropBlock3d(0.1, 3)) == "DropBlock3d(p=0.1, block_size=3, inplace=False)"
    counts = F.drop_block3d(Tensor(np.ones((4, 1, 2, 3, 2), int)), 0.5, 2)
    assert counts.dtype == np.float32 and counts.sum().item() == pytest.approx(48)  # as x · mask · scale of torch
    with pytest.raises(ValueError, match=r"drop_block3d: input should be 5 dimensional, \[N, C, D, H, W\]"):
        F.drop_block3d(Tensor(np.ones((1, 1, 2, 2))), 0.1, 1)


def test_depth_of_a_whole_batch():
    x = Tensor(np.ones((3, 2)))
    seen = {tuple(np.unique(F.stochastic_depth(x, 0.25, "batch").array)) for _ in range(40)}
    assert seen == {(0.0,), (1 / 0.75,)}
    scratchnet.manual_seed(1)
    rows = F.stochastic_depth(x, 0.5, "row").array
    scratchnet.manual_seed(1)
    np.testing.assert_array_equal(rows, F.drop_path(x, 0.5, training=True).array)
    layer = scratchnet.nn.StochasticDepth(0.25, "batch")
    assert repr(layer) == "StochasticDepth(p=0.25, mode=batch)" and layer.eval()(x) is x
    with pytest.raises(ValueError, match="mode has to be either 'batch' or 'row', but got 'column'"):
        F.stochastic_depth(x, 0.5, "column")


def test_traditional_dropout_scales_when_it_is_used():
    """The mask of dropout; a factor 1 − p less while training, and 1 − p when used."""
    x = values((4, 5), 0)
    layer = scratchnet.nn.TraditionalDropout(0.25)
    results = []
    for function in (lambda x: 0.75 * F.dropout(x, 0.25), layer):
        scratchnet.manual_seed(3)
        leaf = Tensor(x, True)
        y = function(leaf)
        y.sum().backward()
        results.append((y.array, leaf.grad.array))
    np.testing.assert_allclose(*results, rtol=1e-14)
    np.testing.assert_array_equal(layer.eval()(Tensor(x)).array, 0.75 * x)
    z = Tensor(x.copy())
    assert F.traditional_dropout(z, 0.25, False, inplace=True) is z and np.array_equal(z.array, 0.75 * x)
    assert not F.traditional_dropout(Tensor(x), 1.0).array.any()
    with pytest.raises(ValueError, match="between 0 and 1"):
        F.traditional_dropout(z, 1.5, False)
