"""Batches of sequences of several lengths: padded to one length, or packed without padding.

Packed, the first elements of all sequences come first, then the second elements of those that have one, and so on:
abc and x, longest first, are a x b c, and `batch_sizes` is 2 1 1, the number of elements at every step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.ops.elementwise import check_tensor


class _Fields(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Fields):
    """Sequences without padding, as `pack_sequence` and `pack_padded_sequence` make them.

    Attributes
    ----------
    data : [S, *], the elements, step by step
    batch_sizes : [T], int64, how many sequences have an element at each step; S in all
    sorted_indices : [N] or None, which sequence of the batch is the longest, the next, ...
    unsorted_indices : [N] or None, the place of each sequence of the batch among them
    """

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        if batch_sizes is None:
            if not (isinstance(data, list | tuple) and len(data) == 2):
                raise AssertionError("PackedSequence: without batch_sizes, expected data to be (data, batch_sizes)")
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """With `data` of another dtype or device, as `Tensor.to`; this one if nothing is to be done."""
        data = self.data.to(*args, **kwargs)
        return self if data is self.data else type(self)(data, *self[1:])

    def cpu(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """With `data` on the processor, as `Tensor.to`."""
        return self.to(*args, **{"device": "cpu", **kwargs})

    @property
    def is_cuda(self) -> bool:
        return self.data.is_cuda

    def is_pinned(self) -> bool:
        return False

    def pin_memory(self) -> PackedSequence:
        raise NotImplementedError("PackedSequence.pin_memory: there is no pinned memory here")

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        return self.to(*args, **{"device": "cuda", **kwargs})


def _as(dtype: type, name: str) -> Callable[[PackedSequence], PackedSequence]:
    def convert(self: PackedSequence) -> PackedSequence:
        return self.to(np.dtype(dtype))

    convert.__name__, convert.__doc__ = name, f"With `data` of dtype {np.dtype(dtype)}."
    return convert


for _name, _dtype in dict(
    double=np.float64, float=np.float32, half=np.float16, long=np.int64, int=np.int32, short=np.int16, char=np.int8,
    byte=np.uint8,
).items():  # fmt: skip
    setattr(PackedSequence, _name, _as(_dtype, _name))


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes another: q[p[i]] = i."""
    return None if permutation is None else Tensor(np.argsort(permutation.array))


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Leave out the padding.

    Parameters
    ----------
    input : [T, N, *], or [N, T, *] with batch_first
    lengths : [N], Tensor or sequence of ints
    enforce_sorted : bool
        The longest sequence comes first, and none is longer than the one before. Without it they are sorted here.

    Raises
    ------
    RuntimeError
        If the lengths are not sorted, not positive, or not as many as the sequences; if there is nothing to pack.
    """
    x = check_tensor(input, "pack_padded_sequence")
    if x.array.ndim < 2:
        raise IndexError(f"pack_padded_sequence: expected input of shape [T, N, *], got {tuple(x.shape)}")
    sizes = np.asarray(lengths.array if isinstance(lengths, Tensor) else lengths, np.int64)
    order = None
    if not enforce_sorted:
        order = Tensor(np.argsort(-sizes, kind="stable"))
        sizes = sizes[order.array]
        x = ops.index_select(x, 0 if batch_first else 1, order)
    x = ops.transpose(x, 0, 1) if batch_first else x
    _check_lengths(x.shape, sizes)
    batch_sizes = (sizes[None] > np.arange(sizes[0])[:, None]).sum(1)
    elements = ops.index_select(ops.flatten(x, 0, 1), 0, Tensor(_places(batch_sizes, x.shape[1])))
    return PackedSequence(elements, Tensor(batch_sizes), order, None)


def _check_lengths(shape: Sequence[int], lengths: np.ndarray) -> None:
    steps, batch, *rest = shape
    if 0 in shape:
        raise RuntimeError("pack_padded_sequence: cannot pack empty tensors")
    if lengths.shape != (batch,):
        raise RuntimeError(
            f"pack_padded_sequence: expected len(lengths) to be the batch size {batch}, got lengths of shape {lengths.shape}"
        )
    if (lengths <= 0).any():
        raise RuntimeError("pack_padded_sequence: all lengths have to be greater than 0, but an element of lengths is not")
    if (np.diff(lengths) > 0).any():
        raise RuntimeError(
            "pack_padded_sequence: lengths must be sorted in decreasing order when enforce_sorted is True. Give "
            "enforce_sorted=False to have the sequences sorted"
        )
    if lengths[0] > steps:
        raise RuntimeError(f"pack_padded_sequence: a length is {lengths[0]}, but the input has {steps} steps")


def _places(batch_sizes: np.ndarray, batch: int) -> np.ndarray:
    """Where the elements lie in [T · N]."""
    return np.concatenate([t * batch + np.arange(n) for t, n in enumerate(batch_sizes)])


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """Pad packed sequences to the length of the longest, in the order they had before they were packed.

    Parameters
    ----------
    padding_value : float
    total_length : int, optional
        Pad to this length instead.

    Returns
    -------
    padded : [T, N, *], or [N, T, *] with batch_first
    lengths : [N], int64

    Raises
    ------
    ValueError
        If total_length is less than the length of the longest sequence.
    """
    data, batch_sizes, _, unsorted_indices = sequence
    sizes = batch_sizes.array
    steps, batch = len(sizes), int(sizes[0])
    if total_length is not None:
        if total_length < steps:
            raise ValueError(
                f"pad_packed_sequence: expected total_length to be at least the length of the longest sequence, {steps}, "
                f"got {total_length}"
            )
        steps = total_length
    blank = ops.full((steps * batch, *data.shape[1:]), padding_value, dtype=data.dtype)
    padded = ops.index_copy(blank, 0, Tensor(_places(sizes, batch)), data).reshape(steps, batch, *data.shape[1:])
    lengths = Tensor((sizes[:, None] > np.arange(batch)).sum(0))
    padded = ops.transpose(padded, 0, 1) if batch_first else padded
    if unsorted_indices is None:
        return padded, lengths
    return ops.index_select(padded, 0 if batch_first else 1, unsorted_indices), lengths[unsorted_indices]


def pad_sequence(
    sequences: Any, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Pad sequences [L, *] to the length of the longest, and stack them.

    Returns
    -------
    [T, N, *], or [N, T, *] with batch_first

    Raises
    ------
    RuntimeError
        If there are no sequences, or they differ in more than their lengths.
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(f"pad_sequence: expected an iterable of Tensors, got {type(sequences).__name__}")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"pad_sequence: expected padding_side to be 'left' or 'right', got {padding_side!r}")
    tensors = [check_tensor(s, "pad_sequence", "sequences") for s in sequences]
    if not tensors:
        raise RuntimeError("pad_sequence: received an empty list of sequences")
    first, longest = tensors[0], max(len(s) for s in tensors)
    padded = []
    for s in tensors:
        missing = ops.full((longest - len(s), *first.shape[1:]), padding_value, dtype=first.dtype)
        s = s.to(first.dtype).expand(len(s), *first.shape[1:])
        padded.append(ops.cat([missing, s] if padding_side == "left" else [s, missing]))
    return ops.stack(padded, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Any, batch_first: bool = False) -> list[Tensor]:
    """The sequences [L, *] of a padded batch: the inverse of `pad_sequence`.

    Parameters
    ----------
    padded_sequences : [T, N, *], or [N, T, *] with batch_first
    lengths : [N]
    """
    x = padded_sequences if batch_first else ops.transpose(padded_sequences, 0, 1)
    sizes = lengths.tolist() if isinstance(lengths, Tensor) else list(lengths)
    return [sequence[:length] for sequence, length in zip(x, sizes, strict=True)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences [L, *]; the arguments are those of `pack_padded_sequence`."""
    return pack_padded_sequence(pad_sequence(sequences), [len(s) for s in sequences], enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences [L, *] that were packed, in their order: the inverse of `pack_sequence`."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
