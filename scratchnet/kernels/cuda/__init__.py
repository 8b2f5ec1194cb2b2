"""The CUDA twins of the kernels: importing this package registers them. It needs neither a GPU nor a compiler.

One family a file; `target` compiles and starts them, `assembly` shows what they become.
"""

from scratchnet.kernels.cuda import im2col

__all__ = ["im2col"]
