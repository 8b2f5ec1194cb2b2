"""torch.cuda's address on a machine without a GPU: there is no device, and seeding all of none does nothing."""

from __future__ import annotations

__all__ = ["device_count", "is_available", "manual_seed", "manual_seed_all"]


def is_available() -> bool:
    """Whether arrays can be made on a GPU: False."""
    return False


def device_count() -> int:
    """The number of GPUs: 0."""
    return 0


def manual_seed(seed: int) -> None:
    """Accepted for torch's sake: there is no generator to seed, as in torch without a GPU."""


def manual_seed_all(seed: int) -> None:
    """Accepted for torch's sake: there is no generator to seed, as in torch without a GPU."""
