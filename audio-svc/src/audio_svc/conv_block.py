"""The one layer that our own small models are made of."""

from torch import Tensor, nn
from torch.nn import functional


class ConvBlock(nn.Module):
    """A residual convolution over time; [batch, time, width] in and out."""

    def __init__(self, width: int, kernel: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.conv = nn.Conv1d(width, width, kernel, padding=kernel // 2)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        heard = self.conv(self.norm(x).transpose(1, 2)).transpose(1, 2)
        mixed: Tensor = x + self.dropout(functional.relu(heard))
        return mixed
