"""torch's switches for libraries that compute for it. None of them is here: scripts may set them, and nothing changes."""

from scratchnet.backends import cuda, cudnn, mkldnn, mps

__all__ = ["cuda", "cudnn", "mkldnn", "mps"]
