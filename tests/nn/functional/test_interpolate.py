"""Resizing: gradients to second order, torch, by hand, refusals."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
import scratchnet.nn.functional as F
from scratchnet import Tensor
from scratchnet.testing import check_against_torch, check_gradient, values
from scratchnet.testing.strategies import seeds

MODES = {
    1: ("nearest", "nearest-exact", "linear", "area"),
    2: ("nearest", "nearest-exact", "bilinear", "bicubic", "area"),
    3: ("nearest", "nearest-exact", "trilinear", "area"),
}
SMOOTH = ("linear", "bilinear", "trilinear", "bicubic")


@st.composite
def resizings(draw, by_factor=None):
    """A shape, arguments of `interpolate` and a seed."""
    dims = draw(st.integers(1, 3))
    mode = draw(st.sampled_from(MODES[dims]))
    n = [draw(st.integers(1, 9 if dims < 3 else 4)) for _ in range(dims)]
    kwargs = {"mode": mode}
    if draw(st.booleans()) if by_factor is None else by_factor:
        # neither the same size nor twice: there torch's gradient to the nearest pixel is not that of its values
        factors = st.sampled_from([0.5, 0.7, 1.7, 2.6, 3.0])
        kwargs["scale_factor"] = tuple(max(draw(factors), 1 / k) for k in n)
        kwargs["recompute_scale_factor"] = draw(st.sampled_from([None, False, True]))
    else:
        kwargs["size"] = tuple(draw(st.integers(1, 12 if dims < 3 else 5)) for _ in n)
    if mode in SMOOTH:
        kwargs["align_corners"] = draw(st.sampled_from([None, False, True]))
    return (draw(st.integers(1, 2)), draw(st.integers(1, 3)), *n), kwargs, draw(seeds())


@given(resizings())
def test_gradients(resizing):
    shape, kwargs, seed = resizing
    check_gradient(lambda x: F.interpolate(x, **kwargs), values(shape, seed))


@given(resizings(by_factor=False), st.sampled_from([np.float32, np.float64]))
def test_sizes_against_torch(resizing, dtype):
    shape, kwargs, seed = resizing
    check_against_torch("nn.functional.interpolate", values(shape, seed, dtype=dtype), **kwargs, rtol=1e-5, atol=2e-5)


@given(resizings(by_factor=True))
def test_scale_factors_against_torch(resizing):
    shape, kwargs, seed = resizing
    x = values(shape, seed, dtype=np.float32)
    # torch rounds the factor otherwise in the gradient to the nearest pixel of signals and volumes
    grad = not (kwargs["mode"].startswith("nearest") and any(m in (n, 2 * n) for n, m in zip(shape[2:], _sizes(x, kwargs))))
    check_against_torch("nn.functional.interpolate", x, **kwargs, grad=grad, rtol=1e-5, atol=2e-5)


def _sizes(x, kwargs):
    return F.interpolate(Tensor(x), **kwargs).shape[2:]


@given(
    st.integers(1, 12), st.integers(2, 12), st.integers(1, 12), st.integers(2, 12),
    st.sampled_from(["bilinear", "bicubic", "lanczos"]), st.booleans(), seeds(),
)  # fmt: skip
def test_antialiasing(h, w, rows, columns, mode, align, seed):
    """Not to a single column: torch 2.13 then gives every row the values of the first."""
    kwargs = dict(size=(rows, columns), mode=mode, antialias=True)
    if mode != "lanczos":
        kwargs["align_corners"] = align
    x = values((2, 2, h, w), seed)
    check_against_torch("nn.functional.interpolate", x, **kwargs, rtol=1e-7, atol=1e-9)
    check_gradient(lambda x: F.interpolate(x, **kwargs), x[:1, :1])


@pytest.mark.parametrize("sizes", [((2,), (2.1,)), ((7, 9), (1.1, 2.1)), ((5, 4), (2.0, 1.0)), ((6, 3), (2.15, 0.9))])
def test_nearest_pixels_where_the_factor_is_nearly_whole(sizes):
    n, factors = sizes
    x = values((1, 2, *n), 0, dtype=np.float32)
    for mode in ("nearest", "nearest-exact"):
        check_against_torch("nn.functional.interpolate", x, scale_factor=factors, mode=mode, grad=False)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(3, 5), (13, 16)])
def test_bytes(mode, size):
    """torch computes with 16 bits, and rounds twice: it may be one off, and two where weights are negative."""
    x = np.random.default_rng(0).integers(0, 256, (2, 3, 8, 9)).astype(np.uint8)
    actual = F.interpolate(Tensor(x), size, mode=mode)
    expected = torch.nn.functional.interpolate(torch.from_numpy(x), size, mode=mode).numpy()
    assert actual.dtype == np.uint8
    assert np.abs(actual.array.astype(int) - expected).max() <= {"bilinear": 1, "bicubic": 2}.get(mode, 0)


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic", "area"])
def test_half_precision(mode):
    x = values((2, 3, 8, 9), 0, dtype=np.float16)
    check_against_torch("nn.functional.interpolate", x, (5, 11), mode=mode, rtol=4e-3, atol=4e-3)


def test_what_is_not_finite():
    x = values((1, 1, 6, 7), 0)
    x[0, 0, 2, 3], x[0, 0, 4, 4] = np.nan, np.inf
    for mode in ("nearest", "bilinear", "area"):
        check_against_torch("nn.functional.interpolate", x, (9, 4), mode=mode, grad=False)


def test_by_hand():
    x = Tensor(np.array([[[0.0, 4, 8]]]), True)
    assert F.interpolate(x, scale_factor=2).tolist() == [[[0, 0, 4, 4, 8, 8]]]
    # centres at -1/4, 1/4, 3/4, 5/4, 7/4, 9/4 of the input's
    y = F.interpolate(x, scale_factor=2, mode="linear")
    assert y.tolist() == [[[0, 1, 3, 5, 7, 8]]]
    y.sum().backward()
    assert x.grad.tolist() == [[[2, 2, 2]]]
    assert F.interpolate(x, 5, mode="linear", align_corners=True).tolist() == [[[0, 2, 4, 6, 8]]]
    assert F.interpolate(x, 2, mode="area").tolist() == [[[2, 6]]]


@given(resizings())
def test_the_adjoint_is_the_gradient(resizing):
    """⟨M x, g⟩ = ⟨x, Mᵀ g⟩"""
    shape, kwargs, seed = resizing
    x = Tensor(values(shape, seed), True)
    y = F.interpolate(x, **kwargs)
    g = values(y.shape, seed + 1)
    y.backward(Tensor(g))
    np.testing.assert_allclose((x.array * x.grad.array).sum(), (y.array * g).sum(), rtol=1e-9, atol=1e-9)


X = values((2, 3, 5, 6), 0, dtype=np.float32)


@pytest.mark.parametrize(
    "x, kwargs",
    [
        (X, dict()),
        (X, dict(size=3, scale_factor=2)),
        (X, dict(size=(3,))),
        (X, dict(size=(3, 4, 5))),
        (X, dict(scale_factor=(1, 2, 3))),
        (X, dict(size=0)),
        (X, dict(size=-1)),
        (X, dict(scale_factor=0.1)),
        (X, dict(scale_factor=0)),
        (X, dict(scale_factor=-1.0)),
        (X, dict(size=2.5)),
        (X, dict(size=(2.5, 2))),
        (X, dict(size="a")),
        (X, dict(scale_factor="a")),
        (X, dict(scale_factor=2, align_corners=True)),
        (X, dict(scale_factor=2, mode="area", align_corners=False)),
        (X, dict(scale_factor=2, mode="quadratic")),
        (X, dict(scale_factor=2, mode="linear")),
        (X, dict(scale_factor=2, mode="trilinear")),
        (X, dict(size=3, recompute_scale_factor=True)),
        (X, dict(size=3, recompute_scale_factor=False)),
        (X, dict(scale_factor=[2, 3.5])),
        (X, dict(size=3, antialias=True)),
        (X[0], dict(size=3, mode="bilinear", antialias=True)),
        (X[0], dict(size=3, mode="bicubic")),
        (X, dict(size=3, mode="lanczos")),
        (X, dict(size=3, mode="lanczos", antialias=True, align_corners=True)),
        (X[0, 0], dict(size=3)),
        (X[0, 0, 0], dict(size=3)),
        (X[None, None], dict(size=3)),
        (X[:0], dict(size=3)),
        (X[:, :0], dict(size=3)),
        (X[:, :, :0], dict(size=3)),
        (X[:0], dict(size=3, mode="bilinear")),
        (X[:, :0], dict(size=3, mode="bicubic")),
        ((9 * X).astype(np.int64), dict(size=3)),
        ((9 * X).astype(np.int64), dict(size=3, mode="bilinear")),
        (X > 0, dict(size=3)),
        (np.abs(9 * X[0]).astype(np.uint8), dict(size=3, mode="linear")),
        (X.astype(np.float16), dict(size=3, mode="bilinear", antialias=True)),
        (X[::2, :, ::-1].swapaxes(2, 3), dict(size=(4, 7), mode="bilinear")),
    ],
)
def test_refusals_are_those_of_torch(x, kwargs):
    check_against_torch("nn.functional.interpolate", np.ascontiguousarray(x), **kwargs)


@pytest.mark.parametrize("name", ["upsample", "upsample_nearest", "upsample_bilinear"])
def test_old_names(name):
    for library, x in ((scratchnet, Tensor(X)), (torch, torch.from_numpy(X))):
        with pytest.warns(UserWarning, match="deprecated"):
            y = getattr(library.nn.functional, name)(x, scale_factor=2)
        expected = torch.nn.functional.interpolate(
            torch.from_numpy(X), scale_factor=2, **dict(mode="bilinear", align_corners=True) if "bil" in name else {}
        )
        np.testing.assert_allclose(np.asarray(y.array if library is scratchnet else y), expected.numpy(), 1e-5, 1e-6)
