"""Small models with torchvision's layers and names, written from its papers in plain PyTorch.

torchvision itself can't be had for every machine. Files are written as it publishes them: both
layouts of torch.save, and a name that ends with the first digits of the content's sha256.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

CLASSES = 7
SIDE = 32
EPS = 1e-6


class Block(nn.Module):
    """ResNet's: two 3x3 convolutions, or 1x1, 3x3 (with the stride) and 1x1."""

    def __init__(self, width_in: int, width: int, stride: int, *, bottleneck: bool) -> None:
        super().__init__()
        out = width * 4 if bottleneck else width
        kernels = [(width_in, width, 1), (width, width, 3), (width, out, 1)]
        self.count = 3 if bottleneck else 2
        if not bottleneck:
            kernels = [(width_in, width, 3), (width, width, 3)]
        strided = 2 if bottleneck else 1
        for number, (a, b, kernel) in enumerate(kernels, 1):
            step = stride if number == strided else 1
            conv = nn.Conv2d(a, b, kernel, step, kernel // 2, bias=False)
            self.add_module(f"conv{number}", conv)
            self.add_module(f"bn{number}", nn.BatchNorm2d(b))
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or width_in != out:
            conv = nn.Conv2d(width_in, out, 1, stride, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm2d(out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x
        for number in range(1, self.count + 1):
            y = self.get_submodule(f"bn{number}")(self.get_submodule(f"conv{number}")(y))
            y = torch.relu(y) if number < self.count else y
        result: torch.Tensor = torch.relu(y + self.downsample(x))
        return result


class ResNet(nn.Module):
    """Source: He et al. 2015, with the stride in the 3x3 convolution."""

    def __init__(self, *, bottleneck: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        width_in = 8
        for number, (width, depth) in enumerate(((8, 2), (12, 1), (16, 1), (20, 1)), 1):
            blocks = []
            for index in range(depth):
                stride = 2 if number > 1 and index == 0 else 1
                blocks.append(Block(width_in, width, stride, bottleneck=bottleneck))
                width_in = width * 4 if bottleneck else width
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
        self.fc = nn.Linear(width_in, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for number in range(1, 5):
            x = self.get_submodule(f"layer{number}")(x)
        result: torch.Tensor = self.fc(x.mean((2, 3)))
        return result


class EncoderLayer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width, EPS)
        self.self_attention = nn.MultiheadAttention(width, width // 64, batch_first=True)
        self.ln_2 = nn.LayerNorm(width, EPS)
        layers = (nn.Linear(width, 96), nn.GELU(), nn.Identity(), nn.Linear(96, width))
        self.mlp = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.ln_1(x)
        x = x + self.self_attention(y, y, y, need_weights=False)[0]
        result: torch.Tensor = x + self.mlp(self.ln_2(x))
        return result


class Encoder(nn.Module):
    def __init__(self, width: int, patches: int) -> None:
        super().__init__()
        self.pos_embedding = nn.Parameter(torch.randn(1, patches + 1, width) * 0.1)
        self.layers = nn.Sequential()
        for number in range(2):
            self.layers.add_module(f"encoder_layer_{number}", EncoderLayer(width))
        self.ln = nn.LayerNorm(width, EPS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.ln(self.layers(x + self.pos_embedding))
        return result


class VisionTransformer(nn.Module):
    """Source: Dosovitskiy et al. 2020."""

    def __init__(self) -> None:
        super().__init__()
        width, patch = 128, 8
        self.class_token = nn.Parameter(torch.randn(1, 1, width) * 0.1)
        self.conv_proj = nn.Conv2d(3, width, patch, patch)
        self.encoder = Encoder(width, (SIDE // patch) ** 2)
        self.heads = nn.Sequential()
        self.heads.add_module("head", nn.Linear(width, CLASSES))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv_proj(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(len(x), -1, -1), x], 1)
        result: torch.Tensor = self.heads(self.encoder(x)[:, 0])
        return result


class ChannelNorm(nn.LayerNorm):
    """Normalises the channels of [n, c, h, w]."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class Move(nn.Module):
    """Moves an axis: channels to the end, or back."""

    def __init__(self, start: int, end: int) -> None:
        super().__init__()
        self.axes = (start, end)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.movedim(*self.axes)


class ConvBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer_scale = nn.Parameter(torch.randn(width, 1, 1))
        self.block = nn.Sequential(
            nn.Conv2d(width, width, 7, padding=3, groups=width),
            Move(1, -1),
            nn.LayerNorm(width, EPS),
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Linear(4 * width, width),
            Move(-1, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = x + self.layer_scale * self.block(x)
        return result


class ConvNext(nn.Module):
    """Source: Liu et al. 2022."""

    def __init__(self) -> None:
        super().__init__()
        widths, depths = (8, 12, 16, 20), (1, 2, 1, 1)
        parts: list[nn.Module] = [nn.Sequential(nn.Conv2d(3, 8, 4, 4), ChannelNorm(8, EPS))]
        for number, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            if number:
                before = widths[number - 1]
                down = (ChannelNorm(before, EPS), nn.Conv2d(before, width, 2, 2))
                parts.append(nn.Sequential(*down))
            parts.append(nn.Sequential(*(ConvBlock(width) for _ in range(depth))))
        self.features = nn.Sequential(*parts)
        head = (ChannelNorm(20, EPS), nn.Flatten(1), nn.Linear(20, CLASSES))
        self.classifier = nn.Sequential(*head)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pooled = self.features(x).mean((2, 3), keepdim=True)
        result: torch.Tensor = self.classifier(pooled)
        return result


MODELS: dict[str, Callable[[], nn.Module]] = {
    "resnet18": lambda: ResNet(bottleneck=False),
    "resnet50": lambda: ResNet(bottleneck=True),
    "vit_b_16": VisionTransformer,
    "convnext_tiny": ConvNext,
}


def make_model(architecture: str) -> nn.Module:
    """A model whose every tensor matters: no zeros, no ones, no statistics that do nothing."""
    torch.manual_seed(7)
    model = MODELS[architecture]().eval()
    for name, tensor in model.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
        elif tensor.is_floating_point() and tensor.dim() <= 1:
            tensor.add_(torch.randn_like(tensor) * 0.2)
    return model


def write_weights(
    folder: Path, state: dict[str, torch.Tensor], name: str, *, legacy: bool = False
) -> Path:
    """``name-<first 8 digits of the sha256>.pth`` in the folder."""
    draft = folder / f"{name}.pth"
    torch.save(state, draft, _use_new_zipfile_serialization=not legacy)
    digits = hashlib.sha256(draft.read_bytes()).hexdigest()[:8]
    return draft.rename(folder / f"{name}-{digits}.pth")
