"""Sums of products over named dimensions: einsum, tensordot, kron, trace.

A contraction of two tensors is a matrix product, once their dimensions are sorted into four kinds:

    batch   in both, and in the result            a (batch, left, summed) @ b (batch, summed, right)
    left    in the first only                     → (batch, left, right)
    right   in the second only
    summed  in both, and not in the result

Everything here is built of differentiable operations, so there is no gradient to define.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Any

from scratchnet.autograd.tensor import Tensor, method
from scratchnet.ops.elementwise import check_tensor
from scratchnet.ops.matmul import matmul
from scratchnet.ops.subscripts import Labels, parse, to_equation

__all__ = ["einsum", "tensordot", "kron", "trace"]


def einsum(*args: Any) -> Tensor:
    """Multiply tensors and sum over the dimensions that the result lacks: the Einstein convention.

    y[output] = Σ over all other letters of Π_k operand_k[letters of k]

    Parameters
    ----------
    equation : str
        For each operand a letter for each dimension, separated by commas; then `->` and the letters of the
        result. Without `->` the result has, in alphabetical order, the letters that occur once. A letter
        twice in one operand means its diagonal. `...` stands for any number of dimensions, which broadcast.
    *operands : Tensor
        Also as a list; or in the form `einsum(x, [0, 1], y, [1, 2], [0, 2])`, with numbers below 52 as
        letters.

    Raises
    ------
    RuntimeError
        If the equation is not well-formed or does not fit the operands.

    Examples
    --------
    >>> from scratchnet import arange
    >>> x = arange(6.0).reshape(2, 3)
    >>> einsum("ij->ji", x).shape, einsum("ij,ij->i", x, x), einsum("ij,kj->ik", x, x).shape
    (scratchnet.Size([3, 2]), tensor([ 5., 50.]), scratchnet.Size([2, 2]))
    """
    if args and isinstance(args[0], Tensor):
        equation, operands = to_equation(args)
    elif len(args) < 2:
        raise ValueError("einsum(): must specify the equation string and at least one operand")
    elif not isinstance(args[0], str):
        raise TypeError(f"einsum(): argument 'equation' (position 1) must be str, not {type(args[0]).__name__}")
    else:
        equation, operands = args[0], list(args[1:])
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        operands = operands[0]
    inputs, output = parse(equation, [x.ndim for x in operands])
    terms = [_diagonal(x, labels, k) for k, (x, labels) in enumerate(zip(operands, inputs))]
    _check_sizes(terms)
    y, labels = terms[0]
    for k, (x, others) in enumerate(terms[1:], 2):
        wanted = set(output).union(*[later for _, later in terms[k:]])
        y, labels = contract(y, labels, x, others, wanted)
    y, labels = _sum_out(y, labels, set(output))
    return _ordered(y, labels, output)


def contract(a: Tensor, left: Labels, b: Tensor, right: Labels, wanted: set) -> tuple[Tensor, Labels]:
    """The product of two labelled tensors, summed over the labels that are not wanted; and its labels."""
    a, left, b, right = *_without_broadcast(a, left, b, right), *_without_broadcast(b, right, a, left)
    a, left = _sum_out(a, left, wanted | set(right))
    b, right = _sum_out(b, right, wanted | set(left))
    both = [l for l in left if l in right]
    batch, summed = [l for l in both if l in wanted], [l for l in both if l not in wanted]
    only_a, only_b = [l for l in left if l not in both], [l for l in right if l not in both]
    sizes = dict(zip(left, a.shape)) | dict(zip(right, b.shape))

    def size(labels: list) -> list[int]:
        return [sizes[l] for l in labels]

    if not summed:
        a = _ordered(a, left, batch + only_a).reshape([*size(batch + only_a), *[1] * len(only_b)])
        b = _ordered(b, right, batch + only_b).reshape([*size(batch), *[1] * len(only_a), *size(only_b)])
        return a * b, batch + only_a + only_b
    n, k, m = (math.prod(size(labels)) for labels in (only_a, summed, only_b))
    a = _ordered(a, left, batch + only_a + summed).reshape(*size(batch), n, k)
    b = _ordered(b, right, batch + summed + only_b).reshape(*size(batch), k, m)
    return matmul(a, b).reshape(size(batch + only_a + only_b)), batch + only_a + only_b


def _without_broadcast(x: Tensor, labels: Labels, other: Tensor, others: Labels) -> tuple[Tensor, Labels]:
    """Drop dimensions of size 1 that the other tensor has in another size: they repeat what is there."""
    sizes = dict(zip(others, other.shape))
    dropped = [d for d, l in enumerate(labels) if x.shape[d] == 1 and sizes.get(l, 1) != 1]
    if not dropped:
        return x, labels
    return x.squeeze(tuple(dropped)), [l for d, l in enumerate(labels) if d not in dropped]


def _sum_out(x: Tensor, labels: Labels, wanted: set) -> tuple[Tensor, Labels]:
    dims = [d for d, l in enumerate(labels) if l not in wanted]
    return (x.sum(dims), [l for l in labels if l in wanted]) if dims else (x, labels)


def _ordered(x: Tensor, labels: Labels, order: Labels) -> Tensor:
    """x with its dimensions in the given order."""
    return x if labels == order else x.permute([labels.index(l) for l in order])


def _diagonal(x: Tensor, labels: Labels, operand: int) -> tuple[Tensor, Labels]:
    """Where a label is repeated, the diagonal of its two dimensions, at the end."""
    for label in labels:
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            if x.shape[first] != x.shape[second]:
                raise RuntimeError(
                    f"einsum(): subscript {label} is repeated for operand {operand} but the sizes don't "
                    "match, "
                    f"{x.shape[second]} != {x.shape[first]}"
                )
            x = x.diagonal(0, first, second)
            labels = [l for d, l in enumerate(labels) if d not in (first, second)] + [label]
    return x, labels


def _check_sizes(terms: list[tuple[Tensor, Labels]]) -> None:
    seen: dict[Hashable, int] = {}
    for k, (x, labels) in enumerate(terms):
        for label, size in zip(labels, x.shape):
            before = seen.get(label, 1)
            if before != 1 and size not in (1, before):
                raise RuntimeError(
                    f"einsum(): subscript {label} has size {size} for operand {k} which does not broadcast "
                    "with "
                    f"previously seen size {before}"
                )
            seen[label] = before if size == 1 else size


def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Contract several dimensions: y[i…, j…] = Σ_k… a[i…, k…] · b[k…, j…].

    Parameters
    ----------
    a, b : Tensor
    dims : int or pair of lists of ints
        How many dimensions, the last of `a` with the first of `b`; or which of `a` with which of `b`.

    Raises
    ------
    RuntimeError
        If the sizes of dimensions that are contracted differ.
    """
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.ndim, b.ndim):
            raise RuntimeError(
                f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims} for {a.ndim} and {b.ndim} dimensions"
            )
        dims = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    of_a, of_b = ([d] if isinstance(d, int) else list(d) for d in dims)
    if len(of_a) != len(of_b):
        raise RuntimeError(f"tensordot: both dimension lists should have same length, got {of_a} and {of_b}")
    if a.dtype != b.dtype:
        raise RuntimeError(f"tensordot: both inputs should have same dtype, got {a.dtype} and {b.dtype}")
    left: Labels = [("a", d) for d in range(a.ndim)]
    right: Labels = [("b", d) for d in range(b.ndim)]
    for d, e in zip(of_a, of_b):
        if a.shape[d] != b.shape[e] and 1 not in (a.shape[d], b.shape[e]):
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {a.shape[d]} in dim {d} and second "
                "has size "
                f"{b.shape[e]} in dim {e}"
            )
        right[e] = left[d]
    wanted = {l for l in left if l not in right} | {l for l in right if l not in left}
    return contract(a, left, b, right, wanted)[0]


@method()
def kron(input: Tensor, other: Tensor) -> Tensor:
    """The Kronecker product: every element of `input` times the whole of `other`, as blocks.

    y[i·m + k, j·n + l] = input[i, j] · other[k, l] for `other` of shape (m, n), and so in any number of
    dimensions.
    """
    check_tensor(input, "kron")
    check_tensor(other, "kron", "other")
    ndim = max(input.ndim, other.ndim)
    outer = (1,) * (ndim - input.ndim) + tuple(input.shape)
    inner = (1,) * (ndim - other.ndim) + tuple(other.shape)
    product = input.reshape(_interleave(outer, (1,) * ndim)) * other.reshape(_interleave((1,) * ndim, inner))
    return product.reshape([n * m for n, m in zip(outer, inner)])


def _interleave(a: Sequence[int], b: Sequence[int]) -> list[int]:
    return [size for pair in zip(a, b) for size in pair]


@method()
def trace(input: Tensor) -> Tensor:
    """Σ_i input[i, i] of a matrix."""
    check_tensor(input, "trace")
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    if input.array.dtype.kind == "b":
        raise NotImplementedError("\"trace\" not implemented for 'Bool'")
    return input.diagonal().sum()
