"""What torchvision's models share."""

from __future__ import annotations

from typing import Any


def refuse_weights(weights: Any, model: str) -> None:
    """Nothing is downloaded: weights come from a file.

    Raises
    ------
    ValueError
        If `weights` is not None.
    """
    if weights is not None:
        raise ValueError(
            f"{model}: expected weights=None, got {weights!r}: no weights are downloaded; "
            f"load a file with net.load_state_dict(scratchnet.load(path))"
        )


def make_divisible(value: float, divisor: int) -> int:
    """The multiple of `divisor` that is nearest to `value`, at least `divisor`, and not below nine tenths of `value`.

    >>> [make_divisible(c * 0.35, 8) for c in (16, 24, 32, 1280)]
    [8, 8, 16, 448]
    """
    nearest = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < 0.9 * value else nearest
