"""The first blocks of EfficientNet-Lite0 as a stem: texture and shape that ImageNet taught, handed to BERT layers as tokens.

Tan and Le 2019 (EfficientNet; the Lite variants leave out squeeze-and-excitation and have ReLU6), Sandler et al. 2018 (inverted residuals),
Tan et al. 2019 (MnasNet, whose stages these are). Written from the papers; weights come from training/loop/imagenet.py.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FIRST_CHANNELS = 32
STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320))
"""Blocks, side of their kernel, stride of the first, expansion, channels that they give (Tan and Le 2019, table 1)."""
MOST_BLOCKS = sum(stage[0] for stage in STAGES)
EPSILON = 1e-3
"""Of the normalisation, as the published weights need it."""


class NormedConvolution(nn.Module):
    """A convolution with "same" padding and its batch normalisation, then ReLU6 where it is asked for.

    keeps: the statistics of the normalisation are part of the weights and stay as they are in training too. They are then one factor and
    one offset a channel, which join the convolution's own, so that the largest maps are walked over once.
    """

    def __init__(self, channels: int, out: int, kernel: int, stride: int, keeps: bool, groups: int = 1, is_linear: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(out, eps=EPSILON)
        self.keeps, self.is_linear = keeps, is_linear

    def forward(self, x: Tensor) -> Tensor:
        """[B, channels, rows, columns] -> [B, out, rows / stride, columns / stride]; rows and columns are multiples of the stride."""
        padding = int(self.conv.padding[0])
        if self.conv.stride[0] == 2:  # TensorFlow pads even sides with one row less above and left
            x, padding = F.pad(x, (padding - 1, padding, padding - 1, padding)), 0
        if self.norm.training and not self.keeps:
            y = self.norm(self._convolved(x, self.conv.weight, None, padding))
        else:
            assert self.norm.running_mean is not None and self.norm.running_var is not None
            factor = self.norm.weight * torch.rsqrt(self.norm.running_var + self.norm.eps)
            offset = self.norm.bias - self.norm.running_mean * factor
            y = self._convolved(x, self.conv.weight * factor.view(-1, 1, 1, 1), offset, padding)
        return y if self.is_linear else F.relu6(y, inplace=not y.requires_grad)

    def _convolved(self, x: Tensor, weight: Tensor, bias: Tensor | None, padding: int) -> Tensor:
        stride, groups = self.conv.stride[0], self.conv.groups
        if groups == 1 or stride == 1 or not x.requires_grad:
            return F.conv2d(x, weight, bias, stride, padding, 1, groups)
        with torch.autocast(x.device.type, enabled=False):  # its gradient in bfloat16 takes CPUs twenty times as long as in float32
            return F.conv2d(x.float(), weight, bias, stride, padding, 1, groups)


class InvertedResidual(nn.Module):
    """Few channels to many, a convolution of each by itself, many to few (Sandler et al. 2018); where the shape stays, the input too."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int, expansion: int, keeps: bool) -> None:
        super().__init__()
        wide = channels * expansion
        self.expand = NormedConvolution(channels, wide, 1, 1, keeps) if expansion > 1 else nn.Identity()
        self.depthwise = NormedConvolution(wide, wide, kernel, stride, keeps, groups=wide)
        self.project = NormedConvolution(wide, out, 1, 1, keeps, is_linear=True)
        self.stride = stride
        self.is_residual = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        """[B, channels, rows, columns] -> [B, out, rows / stride, columns / stride]."""
        y: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + y if self.is_residual else y


class EfficientNetStem(nn.Module):
    """The image enlarged, the first convolution, the first `depth` blocks, a 1 x 1 convolution to the width of the tokens.

    scale: times that the image is enlarged (bilinear), so that what is small on it fits the scale that the blocks learnt at, while a token
    still stands for few of its own pixels.
    """

    def __init__(self, channels: int, width: int, depth: int, scale: int, keeps: bool) -> None:
        super().__init__()
        self.scale = scale
        self.first = NormedConvolution(channels, FIRST_CHANNELS, 3, 2, keeps)
        blocks = list(_shapes(depth))
        self.blocks = nn.Sequential(*(InvertedResidual(*shape, keeps) for shape in blocks))
        self.tokens = nn.Conv2d(blocks[-1][1], width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[B, channels, rows, columns] -> [B, width, token rows, token columns]."""
        return self.tokens(self.blocks(self.first(self._enlarged(x))))  # type: ignore[no-any-return]

    def features(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        """(what the last block at each resolution gives, from half of the image's sides on, finest first; the tokens, as forward)."""
        columns = x.shape[3]
        x, found = self.first(self._enlarged(x)), []
        strides = [int(block.stride) for block in self.blocks]  # type: ignore[arg-type]
        for block, following in zip(self.blocks, [*strides[1:], 2], strict=True):
            x = block(x)
            if following > 1 and 2 * x.shape[3] <= columns:
                found.append(x)
        return found, self.tokens(x)

    def _enlarged(self, x: Tensor) -> Tensor:
        if self.scale == 1:
            return x
        return F.interpolate(x, scale_factor=self.scale, mode="bilinear", align_corners=False)


def stride_of(depth: int) -> int:
    """Pixels of the enlarged image a side of one place after the first `depth` blocks."""
    stride = 2
    for _, _, _, each, _ in _shapes(depth):
        stride *= each
    return stride


def channels_by_halving(depth: int, scale: int) -> list[int]:
    """Channels of each map that EfficientNetStem.features gives, finest first."""
    stride, channels = 2, {}
    for _, out, _, each, _ in _shapes(depth):
        stride *= each
        channels[stride] = out
    return [out for stride, out in channels.items() if stride >= 2 * scale]


def _shapes(depth: int) -> Iterator[tuple[int, int, int, int, int]]:
    """(channels, out, kernel, stride, expansion) of the first `depth` blocks."""
    channels, left = FIRST_CHANNELS, depth
    for count, kernel, stride, expansion, out in STAGES:
        for index in range(min(count, left)):
            yield channels, out, kernel, stride if index == 0 else 1, expansion
            channels = out
        left = max(0, left - count)
