"""An image as a sequence of tokens, for a vision transformer."""

from __future__ import annotations

from typing import Any

from scratchnet import ops
from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn import init
from scratchnet.nn.functional.arguments import ints
from scratchnet.nn.module import Module
from scratchnet.nn.modules.conv import Conv2d
from scratchnet.nn.modules.dropout import Dropout
from scratchnet.nn.modules.factory import unset


class PatchEmbedding(Module):
    """Cuts an image into patches, maps each to E features, and adds a class token and learned positions.

        y = dropout([c; W p_1 + b; …; W p_L + b] + P),   p_1 … p_L the patches, row by row

    An image of another size than `img_size` has other patches: P is resized as an image (bicubic, antialiased).
    `nn.TransformerEncoderLayer(E, heads, norm_first=True, activation="gelu", batch_first=True)` is what follows.
    Names are those of timm's VisionTransformer, the convolution's within its `patch_embed`.

    Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale", 2020.

    Parameters
    ----------
    img_size, patch_size : int or (int, int)
        Heights and widths.
    in_chans, embed_dim : int
        Channels and features E.
    class_token : bool
        Whether there is a c.
    dropout : float
    bias : bool
        Whether there is a b.

    Attributes
    ----------
    proj : Conv2d(in_chans, E) with W and b
    cls_token : [1, 1, E], drawn from N(0, 10⁻¹²)
    pos_embed : [1, 1 + L, E], drawn from N(0, 0.02²), cut at ±2

    Raises
    ------
    ValueError
        If the patches do not cover `img_size`.
    RuntimeError
        If they do not cover the image.

    Shapes: [N, in_chans, H, W] to [N, 1 + L, E],  L = H W / (patch height · patch width)
    """

    def __init__(
        self,
        img_size: Any = 224,
        patch_size: Any = 16,
        in_chans: int = 3,
        embed_dim: int = 768,
        class_token: bool = True,
        dropout: float = 0.0,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.img_size = ints(img_size, 2, "PatchEmbedding", "img_size")
        self.patch_size = ints(patch_size, 2, "PatchEmbedding", "patch_size")
        self.grid_size = self._grid(self.img_size, ValueError)
        rows, columns = self.grid_size
        factory = {"device": device, "dtype": dtype}
        self.register_parameter("cls_token", unset((1, 1, embed_dim), **factory) if class_token else None)
        self.pos_embed = unset((1, class_token + rows * columns, embed_dim), **factory)
        self.proj = Conv2d(in_chans, embed_dim, self.patch_size, self.patch_size, bias=bias, **factory)
        self.dropout = Dropout(dropout)
        if self.cls_token is not None:
            init.normal_(self.cls_token, std=1e-6)
        init.trunc_normal_(self.pos_embed, std=0.02)

    def _grid(self, size: tuple[int, ...], error: type[Exception]) -> tuple[int, int]:
        """Numbers of rows and columns of patches."""
        if any(n < p or n % p for n, p in zip(size, self.patch_size)):
            raise error(f"PatchEmbedding: patches of size {self.patch_size} do not cover an image of size {size}")
        return size[0] // self.patch_size[0], size[1] // self.patch_size[1]

    def positions(self, grid: tuple[int, int]) -> Tensor:
        """P for another number of rows and columns of patches: [1, 1 + L, E]."""
        if grid == self.grid_size:
            return self.pos_embed
        tokens = 0 if self.cls_token is None else 1
        image = self.pos_embed[:, tokens:].mT.unflatten(2, self.grid_size)
        image = F.interpolate(image, grid, mode="bicubic", antialias=True)
        return ops.cat([self.pos_embed[:, :tokens], image.flatten(2).mT], 1)

    def forward(self, input: Tensor) -> Tensor:
        grid = self._grid(tuple(input.shape[-2:]), RuntimeError)
        x = self.proj(input).flatten(2).mT
        if self.cls_token is not None:
            x = ops.cat([self.cls_token.expand(len(x), -1, -1), x], 1)
        return self.dropout(x + self.positions(grid))

    def extra_repr(self) -> str:
        return f"img_size={self.img_size}, patch_size={self.patch_size}"
