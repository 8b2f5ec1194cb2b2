"""Linear algebra, with the names of torch.linalg: matrices, and batches of them in the last two dimensions."""

from scratchnet.ops.linalg.checks import LinAlgError
from scratchnet.ops.linalg.factorizations import cholesky, qr
from scratchnet.ops.linalg.norms import matrix_norm, norm, vector_norm
from scratchnet.ops.linalg.orthogonal import householder_product, matrix_exp
from scratchnet.ops.linalg.products import cross, diagonal, matrix_power, multi_dot, vecdot
from scratchnet.ops.linalg.solving import det, inv, slogdet, solve
from scratchnet.ops.linalg.spectral import eigh, eigvalsh, matrix_rank, pinv, svd, svdvals
from scratchnet.ops.matmul import matmul

__all__ = [
    "norm", "vector_norm", "matrix_norm", "diagonal", "det", "slogdet", "matrix_rank", "cholesky", "qr", "eigh",
    "eigvalsh", "svd", "svdvals", "solve", "inv", "pinv", "cross", "matmul", "vecdot", "multi_dot", "matrix_power",
    "matrix_exp", "householder_product", "LinAlgError",
]  # fmt: skip
