"""`torch.backends.mps`: Apple's GPUs, on which nothing is computed here."""


def is_available() -> bool:
    """Whether arrays can be made on an Apple GPU: False."""
    return False


def is_built() -> bool:
    """Whether this library can use Apple's GPUs: False."""
    return False
