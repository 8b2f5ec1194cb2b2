"""Three convolutions while training, which are one afterwards."""

from __future__ import annotations

from typing import Any

from scratchnet.autograd.mode import no_grad
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn.functional.arguments import ints
from scratchnet.nn.module import Module
from scratchnet.nn.modules.batchnorm import BatchNorm2d
from scratchnet.nn.modules.conv import Conv2d
from scratchnet.nn.utils.fusion import fuse_conv_bn_eval


class AsymmetricConvBlock(Module):
    """A k × k, a k × 1 and a 1 × k convolution of the same image, each with batch normalisation, added up.

        y = bn(W x) + bn(W_ver x) + bn(W_hor x)

    A convolution is linear in its kernel, and a batch norm in evaluation mode is a scale and a shift of each channel, so
    that `fuse` can add the three kernels, each scaled by its γ / σ, where they lie: the strips on the middle column and
    row of the square.

    Ding, Guo, Ding and Han, "ACNet: Strengthening the Kernel Skeletons for Powerful CNN via Asymmetric Convolution
    Blocks", 2019.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size : int or (int, int)
        Odd: a strip lies in the middle.
    stride, padding, dilation : int or (int, int)
    groups : int
    padding_mode : "zeros", "reflect", "replicate" or "circular"
    use_affine : bool
        Whether the batch norms have weights and biases.

    Attributes
    ----------
    square_conv, square_bn, ver_conv, ver_bn, hor_conv, hor_bn
        Names of the authors' code.

    Raises
    ------
    ValueError
        If a side of the kernel is even.

    Shapes: [N, in_channels, H, W] to [N, out_channels, OH, OW]
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        padding_mode: str = "zeros",
        use_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        name = "AsymmetricConvBlock"
        size, pad, spread = (
            ints(value, 2, name, argument)
            for value, argument in ((kernel_size, "kernel_size"), (padding, "padding"), (dilation, "dilation"))
        )
        if size[0] % 2 == 0 or size[1] % 2 == 0:
            raise ValueError(f"{name}: kernel_size must be odd, got {kernel_size}: no strip is in the middle of an even one")
        # a strip needs less padding than the square; where the square has too little itself, the image is cropped
        offset = tuple(p - k // 2 * d for p, k, d in zip(pad, size, spread))
        self._crop = tuple(max(-o, 0) for o in offset)
        row, column = (max(o, 0) for o in offset)

        def branch(size: tuple, padding: tuple) -> tuple[Conv2d, BatchNorm2d]:
            conv = Conv2d(
                in_channels, out_channels, size, stride, padding, spread, groups, False, padding_mode, device, dtype
            )
            return conv, BatchNorm2d(out_channels, affine=use_affine, device=device, dtype=dtype)

        self.square_conv, self.square_bn = branch(size, pad)
        self.ver_conv, self.ver_bn = branch((size[0], 1), (pad[0], column))
        self.hor_conv, self.hor_bn = branch((1, size[1]), (row, pad[1]))

    def forward(self, input: Tensor) -> Tensor:
        rows, columns = self._crop
        tall = input[..., columns : input.shape[-1] - columns] if columns else input
        wide = input[..., rows : input.shape[-2] - rows, :] if rows else input
        return (
            self.square_bn(self.square_conv(input))
            + self.ver_bn(self.ver_conv(tall))
            + self.hor_bn(self.hor_conv(wide))
        )

    @no_grad()
    def fuse(self) -> Conv2d:
        """One convolution with the outputs of this block in evaluation mode.

        Raises
        ------
        AssertionError
            In training mode, where each batch is normalised by its own statistics.
        """
        fused = fuse_conv_bn_eval(self.square_conv, self.square_bn)
        ver = fuse_conv_bn_eval(self.ver_conv, self.ver_bn)
        hor = fuse_conv_bn_eval(self.hor_conv, self.hor_bn)
        middle_row, middle_column = (k // 2 for k in fused.kernel_size)
        fused.weight[:, :, :, middle_column : middle_column + 1] += ver.weight
        fused.weight[:, :, middle_row : middle_row + 1] += hor.weight
        fused.bias += ver.bias + hor.bias
        return fused
