"""Weights that are normalised, of spectral norm 1, or orthogonal, as parametrizations."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from scratchnet import ops
from scratchnet.autograd.mode import no_grad
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn.module import Module
from scratchnet.nn.utils.parametrize import register_parametrization
from scratchnet.nn.utils.spectral_norm import check_iterations, divided, output_dim, random_direction, step
from scratchnet.nn.utils.weight_norm import as_matrix, norm_except_dim, normalized_weight
from scratchnet.ops.linalg.orthogonal import householder_product, matrix_exp
from scratchnet.ops.linalg.solving import solve

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]

M = TypeVar("M", bound=Module)


def _tensor_of(module: Module, name: str) -> Tensor:
    tensor = getattr(module, name, None)
    if not isinstance(tensor, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return tensor


# ---- weight normalisation --------------------------------------------------------------------------------
class _WeightNorm(Module):
    """(g, v) → g · v / ‖v‖"""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return normalized_weight(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except_dim(weight, self.dim), weight


class _FromHook:
    """Reads the names of the hook `nn.utils.weight_norm`: weight_g, weight_v."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, state_dict: dict, prefix: str, *_: Any) -> None:
        old = [f"{prefix}{self.name}_{part}" for part in "gv"]
        if all(key in state_dict for key in old):
            for i, key in enumerate(old):
                state_dict[f"{prefix}parametrizations.{self.name}.original{i}"] = state_dict.pop(key)


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Learn the length g and the direction v of a weight apart: w = g · v / ‖v‖.

    Salimans and Kingma, "Weight Normalization: A Simple Reparameterization to Accelerate Training of Deep Neural
    Networks", 2016.

    g is `parametrizations.weight.original0`, v `original1`; a state dict of the old `nn.utils.weight_norm` loads.

    Parameters
    ----------
    dim : int or None
        The dimension each of whose indices has a length of its own; None for one length of the whole weight.

    Raises
    ------
    ValueError
        If there is no such tensor.
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)
    module._register_load_state_dict_pre_hook(_FromHook(name))
    return module


# ---- spectral normalisation ------------------------------------------------------------------------------
class _SpectralNorm(Module):
    """W → W / σ(W); in training every use improves the singular vectors by some iterations of the power method."""

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        n = weight.ndim
        if not -n <= dim < n:
            raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}] but got {dim})")
        self.n_power_iterations, self.dim, self.eps = check_iterations(n_power_iterations), dim % n, eps
        if n > 1:
            matrix = as_matrix(weight, self.dim)
            u, v = (random_direction(weight, size, eps) for size in matrix.shape)
            self.register_buffer("_u", u)
            self.register_buffer("_v", v)
            self._iterate(matrix, 15)

    def _iterate(self, matrix: Tensor, times: int) -> None:
        for _ in range(times):
            step(matrix, self._v, self._u, self.eps)
            step(matrix.T, self._u, self._v, self.eps)

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._iterate(matrix, self.n_power_iterations)
        return divided(weight, matrix, self._u, self._v)

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def spectral_norm(
    module: M, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> M:
    """Divide a weight by its greatest singular value, σ = max ‖W h‖ / ‖h‖; a vector by its length.

    Miyato, Kataoka, Koyama and Yoshida, "Spectral Normalization for Generative Adversarial Networks", 2018.

    σ is estimated by the power method, 15 iterations at first and some more whenever the weight is read in training
    mode. A weight of more than two dimensions is taken as a matrix, with one row for each output.

    Parameters
    ----------
    n_power_iterations : int
    eps : float
        Least length that is divided by.
    dim : int, optional
        The dimension of the outputs: 0, but 1 for transposed convolutions.

    Raises
    ------
    ValueError, IndexError
        If there is no such tensor; if n_power_iterations is not positive; if there is no dimension `dim`.
    """
    weight = _tensor_of(module, name)
    dim = output_dim(module) if dim is None else dim
    return register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))


# ---- orthogonal matrices ---------------------------------------------------------------------------------
class _Orthogonal(Module):
    """X → Q with QᵀQ = I (tall or square) or QQᵀ = I (wide).

    matrix_exp    Q = exp(A), A = L − Lᵀ of the lower triangle L of X, the first columns of it
    cayley        Q = (I + A/2) (I − A/2)⁻¹
    householder   Q = H₁ H₂ …, Hᵢ = I − τᵢ vᵢ vᵢᵀ, vᵢ the i-th column below the diagonal of X (1 on it)

    With `base` B ("trivialization"): B Q, where X starts so that Q = I.
    """

    def __init__(self, weight: Tensor, orthogonal_map: str, *, use_trivialization: bool = True) -> None:
        super().__init__()
        self.shape, self.orthogonal_map = weight.shape, orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Tensor) -> Tensor:
        wide = X.shape[-2] < X.shape[-1]
        X = X.mT if wide else X
        Q = self._product(X) if self.orthogonal_map == "householder" else self._of_skew(X)
        if hasattr(self, "base"):
            Q = self.base @ Q
        return Q.mT if wide else Q

    def _of_skew(self, X: Tensor) -> Tensor:
        n, k = X.shape[-2:]
        X = X.tril()
        if n != k:
            X = ops.cat([X, X.new_zeros((*X.shape[:-1], n - k))], -1)
        A = X - X.mT
        if self.orthogonal_map == "matrix_exp":
            return matrix_exp(A)[..., :k]
        one = ops.eye(n, dtype=A.dtype)
        return solve(one - A / 2, one + A / 2)[..., :k]

    def _product(self, X: Tensor) -> Tensor:
        A = X.tril(-1)
        signs = np.trunc(np.diagonal(X.array, axis1=-2, axis2=-1))  # which of the two directions; not learned
        return householder_product(A, 2 / (1 + (A * A).sum(-2))) * Tensor(signs[..., None, :])

    def right_inverse(self, Q: Tensor) -> Tensor:
        if Q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {tuple(self.shape)}. Got a tensor of shape {tuple(Q.shape)}."
            )
        q = Q.array if Q.shape[-2] >= Q.shape[-1] else Q.array.swapaxes(-1, -2)
        if hasattr(self, "base"):
            self.base = Tensor(_completed(q))
            x = np.zeros_like(q)
            x[(..., *_diagonal(x))] = -1  # for the reflections: of 0 with this sign they are I
        elif self.orthogonal_map == "householder":
            x = _reflectors(q)
        else:
            raise NotImplementedError(
                "It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
                "use_trivialization=False."
            )
        return Tensor(x if q is Q.array else x.swapaxes(-1, -2))


def _completed(q: Any) -> Any:
    """A square orthogonal matrix that begins with the columns of q, orthogonalised."""
    n, k = q.shape[-2:]
    if n == k and np.allclose(q.swapaxes(-1, -2) @ q, np.eye(n), atol=10 * n * np.finfo(q.dtype).eps):
        return q.copy()
    if n != k:
        q = np.concatenate([q, ops.randn(*q.shape[:-1], n - k, dtype=q.dtype).array], -1)
    q, r = np.linalg.qr(q)
    return q * np.sign(np.diagonal(r, axis1=-2, axis2=-1))[..., None, :]


def _diagonal(x: Any) -> Any:
    return np.diag_indices(x.shape[-1])


def _reflectors(q: Any) -> Any:
    """The Householder vectors of q = QR below the diagonal, and on it the sign that makes R's positive."""
    h, tau = np.linalg.qr(q, mode="raw")
    x = h.swapaxes(-1, -2).copy()  # LAPACK's layout is by columns
    where = (..., *_diagonal(x))
    x[where] = np.where(tau == 0, -1, 1) * np.sign(x[where])  # τ = 0: LAPACK did not reflect, but `forward` will
    return x


def orthogonal(
    module: M, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> M:
    """Keep a matrix orthogonal while it is learned: QᵀQ = I, or QQᵀ = I if it is wider than tall.

    Lezcano-Casado, "Trivializations for Gradient-Based Optimization on Manifolds", 2019.

    Parameters
    ----------
    orthogonal_map : "matrix_exp", "cayley" or "householder", optional
        How an unconstrained matrix becomes an orthogonal one: exp(A) or (I + A/2)(I − A/2)⁻¹ of a skew-symmetric
        matrix, or a product of reflections. By default the first for square matrices, the last for others.
    use_trivialization : bool
        Multiply by a constant orthogonal matrix (the buffer `parametrizations.weight.0.base`), so that the map is
        used near the identity and any orthogonal value can be assigned.

    Raises
    ------
    ValueError
        If there is no such tensor or map, or the tensor is no matrix or batch of them.
    """
    weight = _tensor_of(module, name)
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.shape[-2] == weight.shape[-1] else "householder"
    if orthogonal_map not in ("matrix_exp", "cayley", "householder"):
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    with no_grad():
        parametrization = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    return register_parametrization(module, name, parametrization, unsafe=True)
