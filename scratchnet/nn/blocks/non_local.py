"""Non-local blocks: attention of every position of a signal, an image or a video to all others."""

from __future__ import annotations

from typing import Any, ClassVar

from scratchnet.autograd.tensor import Tensor
from scratchnet.nn import functional as F
from scratchnet.nn import init
from scratchnet.nn.containers import Sequential
from scratchnet.nn.module import Module
from scratchnet.nn.modules import batchnorm, conv, pooling
from scratchnet.nn.modules.activation import ReLU
from scratchnet.nn.modules.conv import Conv2d
from scratchnet.nn.modules.factory import positive

_MODES = ("gaussian", "embedded_gaussian", "dot_product", "concatenation")


class _NonLocal(Module):
    """The block over `dims` dimensions; `NonLocal2d` has the documentation."""

    dims: ClassVar[int]

    def __init__(
        self,
        in_channels: int,
        inter_channels: int | None = None,
        mode: str = "embedded_gaussian",
        sub_sample: bool = True,
        bn_layer: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if mode not in _MODES:
            raise ValueError(f"{name}: mode must be one of {', '.join(map(repr, _MODES))}, got {mode!r}")
        if inter_channels is None:
            inter_channels = max(in_channels // 2, 1)
        self.in_channels = positive(in_channels, name, "in_channels")
        self.inter_channels = positive(inter_channels, name, "inter_channels")
        self.mode, self.sub_sample = mode, sub_sample
        convolution, norm, pool = (
            getattr(family, f"{kind}{self.dims}d")
            for family, kind in ((conv, "Conv"), (batchnorm, "BatchNorm"), (pooling, "MaxPool"))
        )
        factory = {"device": device, "dtype": dtype}
        # pairs of images of a video are far apart in content, not in time: only space is made smaller
        smaller = pool((1, 2, 2) if self.dims == 3 else 2) if sub_sample else None

        def embedding(pooled: bool) -> Module:
            layer = convolution(in_channels, inter_channels, 1, **factory)
            return Sequential(layer, smaller) if pooled and smaller is not None else layer

        self.g = embedding(True)
        last = convolution(inter_channels, in_channels, 1, **factory)
        normalised = norm(in_channels, **factory) if bn_layer else last
        self.W = Sequential(last, normalised) if bn_layer else last
        init.zeros_(normalised.weight)  # so that the block starts as the identity
        init.zeros_(normalised.bias)
        if mode == "gaussian":
            self.theta, self.phi = None, smaller
        else:
            self.theta, self.phi = embedding(False), embedding(True)
        if mode == "concatenation":
            self.concat_project = Sequential(Conv2d(2 * inter_channels, 1, 1, bias=False, **factory), ReLU())

    def forward(self, input: Tensor) -> Tensor:
        if input.array.ndim != self.dims + 2:
            shape = "N, C, " + ("L", "H, W", "D, H, W")[self.dims - 1]
            raise RuntimeError(f"{type(self).__name__}: expected input [{shape}], got shape {input.array.shape}")
        theta, phi, g = (
            (input if part is None else part(input)).flatten(2).mT for part in (self.theta, self.phi, self.g)
        )  # [N, positions, features] each
        y = self._attend(theta, phi, g)
        return self.W(y.mT.unflatten(2, tuple(input.shape[2:]))) + input

    def _attend(self, theta: Tensor, phi: Tensor, g: Tensor) -> Tensor:
        if self.mode.endswith("gaussian"):
            return F.scaled_dot_product_attention(theta, phi, g, scale=1.0)
        if self.mode == "dot_product":
            return theta @ (phi.mT @ g) / phi.shape[1]  # the matrix of all pairs is never made
        weight = self.concat_project[0].weight.flatten()  # w · [θ_i; φ_j] is a sum: no pair is put together
        of_theta, of_phi = weight[: self.inter_channels], weight[self.inter_channels :]
        pairs = (theta @ of_theta).unsqueeze(2) + (phi @ of_phi).unsqueeze(1)
        return self.concat_project[1](pairs) @ g / phi.shape[1]

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.inter_channels}, mode={self.mode!r}, sub_sample={self.sub_sample}"


class NonLocal1d(_NonLocal):
    """A non-local block for signals [N, C, L]; see `NonLocal2d`."""

    dims = 1


class NonLocal2d(_NonLocal):
    """Adds to each position an average over all positions, weighed by how alike they are.

        z_i = W y_i + x_i,   y_i = Σ_j f(x_i, x_j) g(x_j) / C(x)

    with θ, φ and g linear maps of a position's channels, N the number of positions j, and by `mode`

        gaussian            f = exp(x_i · x_j)              C = Σ_j f
        embedded_gaussian   f = exp(θ(x_i) · φ(x_j))        C = Σ_j f
        dot_product         f = θ(x_i) · φ(x_j)             C = N
        concatenation       f = relu(w · [θ(x_i); φ(x_j)])  C = N

    Wang, Girshick, Gupta and He, "Non-local Neural Networks", 2017.

    Parameters
    ----------
    in_channels : int
        C.
    inter_channels : int, optional
        Features of θ, φ and g; C/2 if not given.
    mode : str
        Which f.
    sub_sample : bool
        The positions j are those of max pooling by 2; of a video, its images.
    bn_layer : bool
        Batch normalisation after W. Its weight and bias start as 0, or else W and its bias do, so that the block
        starts as the identity.

    Attributes
    ----------
    g, theta, phi, W, concat_project
        Names of the widely used implementation by AlexHex7.

    Raises
    ------
    ValueError
        For an unknown mode.
    RuntimeError
        If the input has a wrong number of dimensions.

    Shapes: [N, C, H, W] to [N, C, H, W]
    """

    dims = 2


class NonLocal3d(_NonLocal):
    """A non-local block for videos [N, C, D, H, W]; see `NonLocal2d`."""

    dims = 3
