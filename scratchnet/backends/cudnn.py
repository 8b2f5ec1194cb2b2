"""`torch.backends.cudnn`, as on a machine without a GPU: what scripts set is kept, and read by nobody.

Results do not depend on such switches here: the same program gives the same numbers each time.
"""

enabled: bool = True
benchmark: bool = False
deterministic: bool = False
allow_tf32: bool = True


def is_available() -> bool:
    """Whether cuDNN is here: False."""
    return False


def version() -> None:
    """The version of cuDNN: there is none."""
