"""From pixels to tokens: [batch, channels, rows, columns] -> [batch, width, token rows, token columns]."""

from __future__ import annotations

from torch import Tensor, nn

from models.bert_image.configuration import EFFICIENTNET, BertImageConfig
from models.bert_image.efficientnet import EfficientNetStem


class Residual(nn.Module):
    """Two 3 x 3 convolutions beside the identity (He et al. 2016). The shape stays."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(channels)
        self.act = nn.GELU()

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.first_norm(self.first(x)))
        return self.act(x + self.second_norm(self.second(y)))  # type: ignore[no-any-return]


class Halving(nn.Module):
    """A convolution of stride two, then residual blocks: [B, c, H, W] -> [B, out, H / 2, W / 2]."""

    def __init__(self, channels: int, out: int, kernel: int, blocks: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(channels, out, kernel, stride=2, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(out)
        self.act = nn.GELU()
        self.blocks = nn.Sequential(*(Residual(out) for _ in range(blocks)))

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(self.act(self.norm(self.down(x))))  # type: ignore[no-any-return]


def features_of(stem: nn.Module, x: Tensor) -> tuple[list[Tensor], Tensor]:
    """What a stem of convolutions finds at each halving, [B, channels, rows / stride, columns / stride], finest first; and its tokens."""
    if isinstance(stem, EfficientNetStem):
        return stem.features(x)
    features = []
    for stage in stem.children():
        x = stage(x)
        if isinstance(stage, Halving):
            features.append(x)
    return features, x


def build_stem(config: BertImageConfig) -> nn.Module:
    """The stem that the configuration names.

    Convolutions before attention help where images are few (Xiao et al. 2021, "Early Convolutions Help Transformers See Better");
    the first one is 5 x 5, since a single pixel says little.
    """
    if config.stem == "linear":
        return nn.Conv2d(config.num_channels, config.hidden_size, config.patch_size, stride=config.patch_size)
    if config.stem == EFFICIENTNET:
        return EfficientNetStem(config.num_channels, config.hidden_size, config.stem_depth, config.stem_scale, config.stem_norm_kept)
    stages: list[nn.Module] = []
    channels = config.num_channels
    for index, (out, blocks) in enumerate(zip(config.stem_channels, config.stem_blocks, strict=True)):
        stages.append(Halving(channels, out, kernel=5 if index == 0 else 3, blocks=blocks))
        channels = out
    stages.append(nn.Conv2d(channels, config.hidden_size, 1))
    return nn.Sequential(*stages)
