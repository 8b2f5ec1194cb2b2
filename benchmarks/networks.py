"""Networks of the benchmarks, each written once for both libraries: they get the library as `torch`.

The blocks are torchvision's, where it has the network.
"""

from __future__ import annotations

from typing import Any


def lenet(torch: Any) -> Any:
    """LeNet-5 as it is usually written for 28×28 digits (LeCun et al., "Gradient-based learning applied to document
    recognition", 1998)."""
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
    )  # fmt: skip


def _basic_block(torch: Any, channels: int, out: int, stride: int) -> Any:
    nn = torch.nn

    class BasicBlock(nn.Module):
        """y = relu(x + f(x)), f two 3×3 convolutions (He et al., "Deep residual learning for image recognition", 2016)."""

        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(channels, out, 3, stride, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(out)
            self.relu = nn.ReLU(inplace=True)
            self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(out)
            self.downsample = None
            if stride != 1 or channels != out:
                self.downsample = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

        def forward(self, x: Any) -> Any:
            y = self.relu(self.bn1(self.conv1(x)))
            y = self.bn2(self.conv2(y))
            y += x if self.downsample is None else self.downsample(x)
            return self.relu(y)

    return BasicBlock()


def _stages(torch: Any, widths: tuple[int, ...], blocks: int) -> Any:
    """Residual blocks; each stage but the first halves the size."""
    layers, channels = [], widths[0]
    for stage, width in enumerate(widths):
        for block in range(blocks):
            layers.append(_basic_block(torch, channels, width, 2 if stage and block == 0 else 1))
            channels = width
    return layers


def resnet18(torch: Any, width: int = 64) -> Any:
    """ResNet-18 for 224×224 images of 1000 classes (He et al., 2016)."""
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(3, width, 7, 2, padding=3, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2, padding=1), *_stages(torch, (width, 2 * width, 4 * width, 8 * width), 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8 * width, 1000),
    )  # fmt: skip


def resnet20(torch: Any) -> Any:
    """ResNet-20 for 32×32 images of 10 classes (He et al., 2016), with 1×1 convolutions where the size changes."""
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True),
        *_stages(torch, (16, 32, 64), 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip


def mobilenet_v2(torch: Any) -> Any:
    """MobileNetV2 (Sandler et al., "MobileNetV2: Inverted residuals and linear bottlenecks", 2018)."""
    nn = torch.nn

    def convolution(channels: int, out: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> Any:
        layer = nn.Conv2d(channels, out, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
        return nn.Sequential(layer, nn.BatchNorm2d(out), nn.ReLU6(inplace=True))

    class InvertedResidual(nn.Module):
        """Expand with 1×1, filter every channel with 3×3, project with 1×1."""

        def __init__(self, channels: int, out: int, stride: int, expand: int) -> None:
            super().__init__()
            self.use_res_connect = stride == 1 and channels == out
            hidden = channels * expand
            expansion = [convolution(channels, hidden, 1)] if expand != 1 else []
            self.conv = nn.Sequential(
                *expansion, convolution(hidden, hidden, 3, stride, hidden),
                nn.Conv2d(hidden, out, 1, bias=False), nn.BatchNorm2d(out),
            )  # fmt: skip

        def forward(self, x: Any) -> Any:
            return x + self.conv(x) if self.use_res_connect else self.conv(x)

    layers, channels = [convolution(3, 32, stride=2)], 32
    stages = (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)
    for expand, out, repeats, stride in stages:
        for i in range(repeats):
            layers.append(InvertedResidual(channels, out, stride if i == 0 else 1, expand))
            channels = out
    return nn.Sequential(
        *layers, convolution(320, 1280, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Dropout(0.2), nn.Linear(1280, 1000),
    )  # fmt: skip


def vision_transformer(torch: Any, size: int = 32, patch: int = 4, layers: int = 6, width: int = 384, heads: int = 6) -> Any:
    """A ViT that reads 64 patches and a class token (Dosovitskiy et al., "An image is worth 16×16 words", 2021)."""
    nn = torch.nn

    class EncoderBlock(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.ln_1, self.ln_2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
            self.self_attention = nn.MultiheadAttention(width, heads, batch_first=True)
            self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

        def forward(self, x: Any) -> Any:
            y = self.ln_1(x)
            x = x + self.self_attention(y, y, y, need_weights=False)[0]
            return x + self.mlp(self.ln_2(x))

    class VisionTransformer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv_proj = nn.Conv2d(3, width, patch, patch)
            self.class_token = nn.Parameter(torch.zeros(1, 1, width))
            self.pos_embedding = nn.Parameter(torch.randn(1, (size // patch) ** 2 + 1, width) * 0.02)
            self.encoder = nn.Sequential(*(EncoderBlock() for _ in range(layers)))
            self.ln, self.head = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, 10)

        def forward(self, images: Any) -> Any:
            x = self.conv_proj(images).flatten(2).permute(0, 2, 1)
            x = torch.cat([self.class_token.expand(len(images), -1, -1), x], dim=1) + self.pos_embedding
            return self.head(self.ln(self.encoder(x))[:, 0])

    return VisionTransformer()


def lstm_language_model(torch: Any, words: int = 10_000, width: int = 200, layers: int = 2) -> Any:
    """Logits of the next word for [batch, time] words (Zaremba et al., "Recurrent neural network regularization", 2014,
    its small network)."""
    nn = torch.nn

    class LanguageModel(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(words, width)
            self.lstm = nn.LSTM(width, width, layers, batch_first=True)
            self.decoder = nn.Linear(width, words)

        def forward(self, text: Any) -> Any:
            return self.decoder(self.lstm(self.embedding(text))[0].flatten(0, 1))

    return LanguageModel()
