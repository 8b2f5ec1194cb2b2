"""`x[index]` and `x[index] = value`: what is picked, the gradient, and in which order the dimensions come."""

import copy
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, reject
from hypothesis import strategies as st

import scratchnet
from scratchnet.ops.indexing import AddAt
from scratchnet.testing import check_gradient
from scratchnet.testing.strategies import seeds, values
from tests.ops.expressions import agree

X = values((3, 4, 2), 0)
I, J = np.array([2, 0, 0, -1]), np.array([[1], [3]])
M = np.array([True, False, True])
V = values((4,), 1)

INDICES = [
    *("0", "-1", "3", "...", "None", "()", "1:", "::2", "-2:9", "2:1", "0, 1, 1", "0, 0, 0, 0", "..., 0"),
    *("0, ..., 1", "..., ...", "::-1", "::0", "1.0", "'a'", "True", "False", "None, 0, None", "F.tensor(1)"),
    *("np.int64(-2)", "np.array(1)", "1, None, :2", "i", "i, 0", "0, :, i", ":, i", "i, :, 0", "i[:2], :, i[:2]"),
    *("i, i", "j, i[:1], 0", "None, i", "i, None, i", "i, ..., 0", "[0, 2]", "[0, 2], [1, 1]", "[]", "[], 0"),
    *("range(2)", "(0, [1, 2])", "np.array([0, 1])", "j", "j, i", "[5]", "[-4]", "i.int()", "i.to(F.int16)"),
    *("i.double()", "i[:3], i[:2]", ":, :, i", "i, i, i, i", "i[0]", "i[0], i", "F.tensor(4)", "m", "m, 0", "0, m"),
    *("m, i[:2]", "m, [1, 2, 3]", "x > 0", "x[:, :, 0] > 0", "[True, False, True]", "F.tensor(True)"),
    *("..., x[0, 0] > 0", ":, F.ones(4, 2).bool(), 0", "m, :, F.ones(2).bool()", "True, i", "m[:2]", "m[None]"),
    *("np.array(True)", "i[:0]", "m & ~m", "None, ..., m, None", "x[..., 0] > 0, 1", "F.zeros(0, dtype=F.int64), 1"),
    *("slice(None), j",),
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES)
def test_reading(index):
    agree(f"x[{index}]", x=X, i=I, j=J, m=M)


@pytest.mark.parametrize("index", INDICES)
def test_assigning_a_number(index):
    agree(f"y = x * 2; y[{index}] = 7; y = y * x", x=X, i=I, j=J, m=M)


@pytest.mark.parametrize(
    "code",
    [
        *("y[0] = v[:2]", "y[0] = v[:3]", "y[:, 0] = y[:, 1] * 3", "y[0, :, 0] = v", "y[..., 0] = v"),
        *("y[0] = v[None, None, :2]", "y[i, :, 0] = v", "y[i, :, 0] = v[:3]", "y[[0]] = v[:2]"),
        *("y[[0, 1]] = v[:2].reshape(1, 1, 1, 2)", "y[i] = v[0]", "y[[2, 0, 1], 0, 0] = v[:3]"),
        *("y[[[0], [2]], [1, 2]] = v[:2]", "y[m] = v[:2]", "y[m, 0] = v[:2]", "y[x > 0] = v[1]"),
        *("y[x > 0] = (x * 3)[x > 0]", "y[x > 0] = v", "y[0] = v[:2].float()", "y[0] = v[:2].int()"),
        *("y[[0]] = v[:2].float()", "y[m] = v[0].float()", "y[m] = v[:2].float()", "y[[0]] = v[0].float()"),
        *("y[0] = True", "y[0] = [1, 2]", "y[0] = 'a'", "y[0] = None", "y[0] = np.ones(2)", "y[0] = np.float32(2)"),
        *("y[0] = np.float64(2)", "y[F.tensor(1)] = v[:2]", "y[True] = v[3]", "y[False] = v[3]", "y[i[:0]] = 1.0"),
        *("y[:0] = v", "y[5] = 0", "y[[5]] = 0", "y[0][1] = v[2]", "y.t_ = 0; y[1:][0, 0] = v[:2]"),
        *("y[:, [1, 0]][0] = v[:2]", "y[::2] = y[1]", "y = y.int(); y[0] = 2.7; y = y * x"),
    ],
)
def test_assigning(code):
    agree(f"y = x * 2; {code}; y = y * y", x=X, i=I, j=J, m=M, v=V)


@st.composite
def mixed_index(draw, shape):
    """Source text of an index, and the arrays that it names."""
    items, arrays, d = [], {}, 0
    common = draw(st.sampled_from([(2,), (1,), (2, 3), (3,), (0,)]))
    while d < len(shape):
        kind = draw(st.sampled_from(["int", "slice", "array", "array", "mask", "none", "bool", "stop"]))
        if kind == "stop":
            items.append("...")
            break
        if kind == "int" and shape[d]:
            items.append(str(draw(st.integers(-shape[d], shape[d] - 1))))
        elif kind == "array" and shape[d]:
            name, own = f"i{len(arrays)}", draw(st.sampled_from([common, common[-1:], (1,)]))
            n = int(np.prod(own))
            picked = draw(st.lists(st.integers(-shape[d], shape[d] - 1), min_size=n, max_size=n))
            arrays[name] = np.array(picked, np.int64).reshape(own)
            items.append(name)
        elif kind == "mask" and len(common) == 1:
            name = f"i{len(arrays)}"
            mask = np.zeros(shape[d], bool)
            mask[: common[0]] = True
            arrays[name] = mask
            items.append(name)
        elif kind in ("none", "bool"):
            items.append("None" if kind == "none" else draw(st.sampled_from(["True", "False"])))
            continue
        else:
            items.append(f"{draw(st.integers(0, 2))}::{draw(st.integers(1, 2))}")
        d += 1
    return f"x[{', '.join(items)},]", arrays


@given(shape=st.lists(st.integers(0, 4), min_size=1, max_size=4).map(tuple), seed=seeds(), data=st.data())
def test_mixed(shape, seed, data):
    code, arrays = data.draw(mixed_index(shape))
    x = values(shape, seed)
    agree(code, x=x, **arrays)
    agree(f"y = x * 2; {code.replace('x[', 'y[', 1)} = x.sum(); y = y * x", x=x, **arrays)


@given(seed=seeds(), data=st.data())
def test_gradients(seed, data):
    shape = data.draw(st.sampled_from([(3,), (2, 3), (2, 2, 3)]))
    code, arrays = data.draw(mixed_index(shape))
    read = eval(f"lambda x, {', '.join([*arrays, '*_'])}: {code}")
    try:
        read(scratchnet.zeros(shape), *map(scratchnet.tensor, arrays.values()))
    except IndexError:  # that torch refuses too is tested above
        reject()
    check_gradient(read, values(shape, seed), *arrays.values())


@pytest.mark.parametrize(
    ("index", "shape"),
    [
        ((I[:2], 0), (2,)),
        ((0, slice(None), [1, 0]), (4, 2)),
        (M, (2, 4, 2)),
        (1, (4, 2)),
        ((slice(None), J), (2, 1, 2)),
    ],
)
def test_assignment_gradients(index, shape):
    def assigned(x, v):
        y = x * 1
        y[index] = v
        return y

    check_gradient(assigned, X, values(shape, 3))


@given(rows=st.integers(1, 3), seed=seeds())
def test_repeated_indices_are_summed(rows, seed):
    """Against one addition after the other."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((6, rows, 2))
    index, other = rng.integers(-3, 3, (6, 1)), rng.integers(0, 4, (2,))
    expected = np.zeros((3, rows, 4))
    source = rng.standard_normal((6, 2, rows))
    np.add.at(expected, (index, slice(None), other), source)
    y = AddAt((0, 2), (3, rows, 4))(scratchnet.tensor(source), scratchnet.tensor(index), scratchnet.tensor(other))
    np.testing.assert_allclose(y.array, expected)
    assert x.shape[1] == rows


@pytest.mark.parametrize(
    "index", ["[[0, 1], [1, 2]]", "[0, slice(1)]", "[None, 0]", "F.tensor([1, 0, 1], dtype=F.uint8)"]
)
def test_deprecated_indices(index):
    """Lists that stand for tuples, and masks of uint8: they mean what they mean in torch, and warn."""
    x = scratchnet.tensor(X)
    with pytest.warns(UserWarning, match="deprecated"):
        ours = eval(f"x[{index}]", {"x": x, "F": scratchnet})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = eval(f"x[{index}]", {"x": torch.tensor(X), "F": torch})
    np.testing.assert_array_equal(ours.array, theirs.numpy())


def test_views_and_copies():
    x = scratchnet.zeros(3, 4)
    for index in (0, slice(1, 2), (0, 1), (..., 0), None, scratchnet.tensor(1), ()):
        assert np.shares_memory(x[index].array, x.array)
        assert x[index]._base is x
    for index in ([0], scratchnet.tensor([1]), x == 0, True):
        assert not np.shares_memory(x[index].array, x.array)


def test_index_changed_in_place_is_noticed():
    x, i = scratchnet.tensor(X, requires_grad=True), scratchnet.tensor([0, 1])
    y = x[i].sum()
    i.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace"):
        y.backward()


def test_leaf_is_not_assigned_to():
    agree("x[0] = 1; y = x", x=X)
    agree("x[[0]] = 1; y = x", x=X)
    x = scratchnet.tensor(X, requires_grad=True)
    with scratchnet.no_grad():
        x[0] = 1
        x[[1]] = 2
    assert x.is_leaf
    assert x._version == 2
    with pytest.raises(RuntimeError, match="single memory location"):
        scratchnet.zeros(1).expand(3)[[0]] = 1


def test_as_a_sequence():
    agree("[r for r in x]", x=X)
    agree("list(x.sum())", x=X)
    agree("len(x), len(x[:0])", x=X)
    agree("len(x.sum())", x=X)
    agree("(7.0 in x, x[0, 0, 0].item() in x, x[0] in x, F.tensor(9.0) in x)", grad=False, x=X)
    agree("'a' in x", x=X)
    agree("[1.0] in x", x=X)
    rows = list(scratchnet.tensor(X))
    assert copy.copy(rows[0].array).shape == (4, 2)


def test_by_hand():
    """Element 0 is picked twice, 2 once: the gradients of the two picks add up."""
    x = scratchnet.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x[[0, 2, 0]]
    assert y.tolist() == [1, 3, 1]
    (y * scratchnet.tensor([1.0, 10.0, 100.0])).sum().backward()
    assert x.grad.tolist() == [101, 0, 10]
    z = scratchnet.zeros(2, 3, 4)
    assert z[0, :, [1, 2]].shape == (3, 2)  # an int is no index array: NumPy would say (2, 3)
    assert z[[0, 1], :, [1, 2]].shape == (2, 3)
