"""Products of groups of matrices, of different sizes: what a mixture of experts computes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NoReturn

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.arguments import require_float, require_same_dtype
from scratchnet.ops.dtypes import as_dtype


def grouped_mm(
    mat_a: Tensor,
    mat_b: Tensor,
    *,
    offs: Tensor | None = None,
    bias: Tensor | None = None,
    out_dtype: Any = None,
) -> Tensor:
    """A product of matrices for each of G groups, where `offs` says which rows or columns belong to which.

        mat_a            mat_b            result       what is cut by offs
        [M, K]           [G, K, N]        [M, N]       the rows of mat_a: tokens, each for its expert
        [G, M, K]        [K, N]           [M, N]       the columns of mat_b
        [M, K]           [K, N]           [G, M, N]    K of both: the gradient to the experts' weights
        [G, M, K]        [G, K, N]        [G, M, N]    nothing

    Parameters
    ----------
    offs : [G], int32, optional
        Where each group ends. What lies after the last end is left out: its results are 0.
    bias
        Not supported, as in torch. (Rows need not be aligned, though, and float64 is served too.)
    out_dtype : dtype, optional
        Compute in this one.

    Raises
    ------
    RuntimeError
        If shapes or dtypes do not fit, if there should be `offs` and are not, or the other way round.
    """
    require_same_dtype("grouped_mm", mat_a=require_float(mat_a, "grouped_mm", "mat_a"), mat_b=mat_b)
    if bias is not None:
        raise RuntimeError("grouped_mm: bias is not supported yet")
    groups = _check(mat_a, mat_b, offs)
    if out_dtype is not None:
        mat_a, mat_b = mat_a.to(as_dtype(out_dtype)), mat_b.to(as_dtype(out_dtype))
    if offs is None:
        return ops.matmul(mat_a, mat_b)
    ends = [0, *(int(end) for end in offs.array)]
    parts = [slice(start, max(start, end)) for start, end in pairwise(ends)]
    if mat_a.ndim == mat_b.ndim == 2:
        return ops.stack([ops.matmul(mat_a[:, part], mat_b[part]) for part in parts])
    if mat_a.ndim == 2:
        blocks, dim, whole = [ops.matmul(mat_a[parts[g]], mat_b[g]) for g in range(groups)], 0, mat_a.shape[0]
    else:
        blocks, dim, whole = [ops.matmul(mat_a[g], mat_b[:, parts[g]]) for g in range(groups)], 1, mat_b.shape[1]
    result = ops.cat(blocks, dim)
    missing = [*result.shape]
    missing[dim] = whole - missing[dim]
    return ops.cat([result, result.new_zeros(missing)], dim) if missing[dim] else result


def _check(a: Tensor, b: Tensor, offs: Tensor | None) -> int:
    """The number of groups."""
    shapes = f"mat_a of shape {tuple(a.shape)} and mat_b of shape {tuple(b.shape)}"
    if a.ndim not in (2, 3) or b.ndim not in (2, 3):
        raise RuntimeError(f"grouped_mm: mat_a and mat_b have to be 2d or 3d, got {shapes}")
    if a.shape[-1] != b.shape[-2]:
        raise RuntimeError(f"grouped_mm: contraction dimension of mat_a and mat_b must match, got {shapes}")
    if (offs is None) != (a.ndim == b.ndim == 3):
        raise RuntimeError(f"grouped_mm: expected offs if and only if a matrix is 2d, got {shapes} and offs={offs}")
    sizes = [x.shape[0] for x in (a, b) if x.ndim == 3]
    if offs is not None:
        if offs.ndim != 1 or offs.dtype.name != "int32":
            raise RuntimeError(f"grouped_mm: expected offs [G] of dtype int32, got {offs.dtype} of shape {tuple(offs.shape)}")
        sizes.append(len(offs))
        cut = a.shape[0] if b.ndim == 3 else b.shape[-1] if a.ndim == 3 else a.shape[-1]
        ends = offs.array
        if (ends[1:] < ends[:-1]).any() or (len(ends) and (ends[0] < 0 or ends[-1] > cut)):
            raise RuntimeError(f"grouped_mm: expected offs to rise, from 0 to {cut} at most, got {ends.tolist()}")
    if len(set(sizes)) > 1:
        raise RuntimeError(f"grouped_mm: expected one number of groups, got {shapes} and offs {offs}")
    return sizes[0]


def _no_float8(function: str) -> NoReturn:
    raise NotImplementedError(f"{function}: there are no 8-bit floating-point numbers here, whose scales this applies")


def scaled_mm(
    mat_a: Tensor,
    mat_b: Tensor,
    scale_a: Any,
    scale_recipe_a: Any,
    scale_b: Any,
    scale_recipe_b: Any,
    swizzle_a: Any = None,
    swizzle_b: Any = None,
    bias: Tensor | None = None,
    output_dtype: Any = None,
    contraction_dim: Any = (),
    use_fast_accum: bool = False,
) -> NoReturn:
    """Raises NotImplementedError: a product of 8-bit floating-point matrices, which do not exist here."""
    _no_float8("scaled_mm")


def scaled_grouped_mm(
    mat_a: Tensor,
    mat_b: Tensor,
    scale_a: Any,
    scale_recipe_a: Any,
    scale_b: Any,
    scale_recipe_b: Any,
    swizzle_a: Any = None,
    swizzle_b: Any = None,
    bias: Tensor | None = None,
    offs: Tensor | None = None,
    output_dtype: Any = None,
    contraction_dim: Any = (),
    use_fast_accum: bool = False,
) -> NoReturn:
    """Raises NotImplementedError: as `scaled_mm`, for groups."""
    _no_float8("scaled_grouped_mm")
