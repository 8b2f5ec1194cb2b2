"""`torch.backends.cuda`: how matrices would be multiplied on a GPU. What scripts set is kept, and read by nobody."""

from types import SimpleNamespace

matmul = SimpleNamespace(
    allow_tf32=False, allow_fp16_reduced_precision_reduction=True, allow_bf16_reduced_precision_reduction=True
)


def is_built() -> bool:
    """Whether this library can use CUDA: False."""
    return False
