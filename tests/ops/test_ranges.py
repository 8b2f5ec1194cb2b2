"""Numbers at equal distances, and what marks positions in matrices."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scratchnet
from tests.ops.expressions import agree


@pytest.mark.parametrize(
    "code",
    [
        *("arange(5)", "arange(2, 5)", "arange(1, 2, 0.25)", "arange(5.0, 2, -1)", "arange(0)", "arange(3, 3)"),
        *("arange(5, 2)", "arange(2, 5, 0)", "arange(2, 5, -1)", "arange(-3)", "arange(end=3)"),
        *("arange(start=1, end=7, step=2)", "arange(7, step=3)", "arange(True)", "arange(0, 1, 0.1)"),
        *("arange(F.tensor(3))", "arange(F.tensor(0.5), 3)", "arange(2**53, 2**53 + 3)", "arange(float('nan'))"),
        *("arange(0, float('inf'))", "arange(3, dtype=F.float64)", "arange(0, 2.5, 1, dtype=F.int64)"),
        *("arange(0.5, 3, dtype=F.int64)", "arange(3, dtype=F.float16)", "arange(3, dtype=F.uint8)"),
        *("arange(3, dtype=F.bool)", "arange('a')", "arange(1, 2, 3, 4)", "arange()"),
        *("arange(3, requires_grad=True)", "arange(3.0, requires_grad=True)", "arange(10, 0, -3)"),
        *("arange(0, 1, 0.3)", "arange(-1, 1, 0.5, dtype=F.int32)", "arange(np.int64(3))", "linspace(0, 1, 5)"),
        *("linspace(3, -10, 7)", "linspace(0, 1, 1)", "linspace(0, 1, 0)", "linspace(0, 1, -1)", "linspace(0, 1)"),
        *("linspace(-1, 1, 101)", "linspace(0, 10, 4, dtype=F.int64)"),
        *("linspace(start=0.1, end=0.3, steps=6, dtype=F.float64)", "linspace(F.tensor(0.5), 1, 3)"),
        *("linspace(2, 2, 4)", "linspace(0, 1, 2.5)", "linspace('a', 1, 2)"),
        *("linspace(0, 1, 3, requires_grad=True)", "linspace(5, -3, 10, dtype=F.int32)", "logspace(0, 2, 3)"),
        *("logspace(0, 2, 3, base=2)", "logspace(-5, 5, 11, dtype=F.float64)", "logspace(0, 3, 4, dtype=F.int64)"),
        *("logspace(0, 1, -1)", "eye(3)", "eye(2, 3)", "eye(0)", "eye(-1)", "eye(2, -1)", "eye(2, dtype=F.bool)"),
        *("eye(3, 1, requires_grad=True)", "eye(2.0)", "eye(n=2, m=4)", "tril_indices(3, 4)"),
        *("tril_indices(3, 4, 1)", "tril_indices(3, 3, -1, dtype=F.int32)", "tril_indices(-1, 4)"),
        *("tril_indices(0, 4)", "triu_indices(3, 4)", "triu_indices(3, 4, offset=2)", "triu_indices(4, 2, -2)"),
        *("triu_indices(2, -1)",),
    ],
)
def test_against_torch(code):
    agree(f"F.{code}")


@given(
    start=st.floats(-5, 5),
    end=st.floats(-5, 5),
    steps=st.integers(0, 40),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_linspace(start, end, steps, dtype):
    agree(f"F.linspace({start}, {end}, {steps}, dtype=F.{dtype})")


@given(start=st.integers(-8, 8), length=st.integers(0, 20), step=st.sampled_from([1, 2, -3, 0.1, 0.7, -1.5]))
def test_arange(start, length, step):
    agree(f"F.arange({start}, {start} + {length} * {step}, {step})")


def test_by_hand():
    assert scratchnet.arange(1, 2, 0.25).tolist() == [1, 1.25, 1.5, 1.75]
    assert scratchnet.linspace(0, 1, 5).tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert scratchnet.tril_indices(2, 3).tolist() == [[0, 1, 1], [0, 0, 1]]
