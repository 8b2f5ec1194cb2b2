"""`torch.backends.mkldnn`: Intel's library of convolutions, which is not used here. `enabled` is read by nobody."""

enabled: bool = True


def is_available() -> bool:
    """Whether Intel's library computes: False."""
    return False
