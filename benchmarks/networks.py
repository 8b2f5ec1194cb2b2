"""Networks of the benchmarks, each written once for both libraries: they get the library as `torch`."""

from __future__ import annotations

from typing import Any

from benchmarks.twin import twin


def lenet(torch: Any) -> Any:
    """LeNet-5 as it is usually written for 28×28 digits (LeCun et al., "Gradient-based learning applied to document
    recognition", 1998)."""
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
    )  # fmt: skip


def _vision(torch: Any, module: str) -> Any:
    """The file of an architecture in scratchnet.vision.models, with the library's layers."""
    return twin(torch, f"scratchnet.vision.models.{module}")


def resnet18(torch: Any, width: int = 64) -> Any:
    """ResNet-18 for 224×224 images of 1000 classes (He et al., "Deep residual learning for image recognition", 2016)."""
    return _vision(torch, "resnet").resnet18(width=width)


def resnet20(torch: Any) -> Any:
    """ResNet-20 for 32×32 images of 10 classes (He et al., 2016), with 1×1 convolutions where the size changes."""
    nn, resnet = torch.nn, _vision(torch, "resnet")
    stages = ((16, 16, 3), (16, 32, 3, 2), (32, 64, 3, 2))
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True),
        *(block for sizes in stages for block in resnet.stage(resnet.BasicBlock, *sizes)),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip


def mobilenet_v2(torch: Any) -> Any:
    """MobileNetV2 (Sandler et al., "MobileNetV2: Inverted residuals and linear bottlenecks", 2018)."""
    return _vision(torch, "mobilenetv2").mobilenet_v2()


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
