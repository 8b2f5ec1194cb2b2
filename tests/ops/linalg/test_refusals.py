"""What linear algebra refuses, and how."""

import numpy as np
import pytest

import scratchnet as sn
from scratchnet import Tensor, linalg
from scratchnet.testing import check_against_torch

SQUARE_ONLY = ["inv", "det", "slogdet", "cholesky", "eigh", "eigvalsh"]


@pytest.mark.parametrize("name", [*SQUARE_ONLY, "qr", "svd", "svdvals", "pinv", "matrix_rank"])
def test_wrong_matrices(name):
    for A in (np.zeros(3), np.array(1.0), np.eye(2, dtype=np.int64), np.eye(2, dtype=np.float16)):
        check_against_torch(f"linalg.{name}", A, grad=False)
        with pytest.raises(RuntimeError, match=name if name not in ("eigvalsh", "svdvals") else name[:3]):
            getattr(linalg, name)(Tensor(A))
    if name in SQUARE_ONLY:
        check_against_torch(f"linalg.{name}", np.zeros((2, 3)))
    with pytest.raises(TypeError, match="must be Tensor"):
        getattr(linalg, name)(np.eye(2))


def test_singular_matrices():
    good, bad = np.eye(2), np.zeros((2, 2))
    for function in (linalg.inv, lambda A: linalg.solve(A, A), lambda A: linalg.matrix_power(A, -1), linalg.cholesky):
        with pytest.raises(linalg.LinAlgError, match=r"singular|not positive-definite"):
            function(Tensor(bad))
        with pytest.raises(RuntimeError):
            function(Tensor(np.stack([good, bad])))
    with pytest.raises(linalg.LinAlgError, match=r"Batch element 1"):
        linalg.inv(Tensor(np.stack([good, bad])))
    with pytest.raises(linalg.LinAlgError, match=r"Batch element \(0, 1\)"):
        linalg.cholesky(Tensor(np.stack([good, -good])[None]))
    for name in ("inv", "cholesky"):
        check_against_torch(f"linalg.{name}", bad)
        check_against_torch(f"linalg.{name}", np.stack([good, bad]))
    check_against_torch("linalg.solve", bad, good)
    check_against_torch("linalg.slogdet", bad, grad=False)


@pytest.mark.parametrize(
    "call",
    [
        ("solve", np.eye(2), np.zeros(3)), ("solve", np.zeros((2, 3)), np.zeros(2)),
        ("solve", np.stack([np.eye(2)] * 5), np.zeros((4, 2))), ("solve", np.eye(2), np.zeros(2, np.float32)),
        ("qr", np.zeros((2, 2)), "x"), ("eigh", np.eye(2), "X"),
        ("matrix_power", np.eye(2), 1.5), ("matrix_power", np.zeros((2, 3)), 2), ("matrix_power", np.zeros(3), 2),
        ("multi_dot", []), ("multi_dot", [np.zeros(3)]), ("multi_dot", [np.zeros((2, 3)), np.zeros((2, 2))]),
        ("multi_dot", [np.zeros((2, 3)), np.zeros(3), np.zeros((2, 2))]),
        ("multi_dot", [np.zeros((1, 2, 3)), np.zeros((3, 2))]),
        ("cross", np.zeros((2, 3)), np.zeros(3)), ("cross", np.zeros(2), np.zeros(2)),
        ("cross", np.zeros((3, 4)), np.zeros((3, 4))),
        ("matrix_norm", np.zeros((2, 3)), 3), ("matrix_norm", np.zeros((2, 3)), "x"), ("matrix_norm", np.zeros(3)),
        ("matrix_norm", np.zeros((2, 3)), "fro", (1, 1)), ("matrix_norm", np.zeros((2, 3)), "fro", 0),
        ("matrix_norm", np.zeros((2, 3), np.int32)),
        ("vector_norm", np.zeros((2, 3), np.int32)), ("vector_norm", np.zeros(3), "x"),
        ("vector_norm", np.zeros(3), 2, 5), ("norm", np.zeros((2, 3)), 0), ("norm", np.zeros((2, 3, 4)), 2),
    ],
    ids=lambda call: call[0],
)  # fmt: skip
def test_refusals(call):
    name, *args = call
    check_against_torch(f"linalg.{name}", *args)


def test_vector_norm_does_not_narrow():
    check_against_torch("linalg.vector_norm", np.zeros(3), dtype=sn.float32)
    check_against_torch("linalg.vector_norm", np.zeros(3), dtype=sn.int64)
