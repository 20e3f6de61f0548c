"""Configuration of the change network: the image BERT that reads both dates, and the decoder that compares what it read."""

from __future__ import annotations

from typing import Any

from models.architecture import CHANGE_PATCH
from models.bert_image.configuration import BertImageConfig
from models.kinds import CHANGE

LEAST_HALVINGS = 2
"""The decoder needs features at half resolution, and coarser ones to say what they belong to."""


class BertImageChangeConfig(BertImageConfig):
    """The fields of BertImageConfig describe the encoder that both dates share; its stem is convolutional and its pooling the mean.

    decoder_channels: channels of the decoder at the stride of each halving of the stem, finest first, as many as stem_channels.
    """

    model_type = CHANGE

    stem: str = "convolution"
    pooling: str = "mean"
    patch_size: int = CHANGE_PATCH
    stem_channels: list[int] | tuple[int, ...] = (32, 64, 128)
    decoder_channels: list[int] | tuple[int, ...] = (32, 64, 64)

    def __post_init__(self, **kwargs: Any) -> None:
        """Raises ValueError, naming the field and what is allowed, where the sizes do not fit together."""
        self.decoder_channels = list(self.decoder_channels)
        super().__post_init__(**kwargs)

    def _check(self) -> None:
        super()._check()
        if self.stem != "convolution" or self.pooling != "mean":
            raise ValueError(f"stem is {self.stem!r} and pooling {self.pooling!r}; a change network needs convolution and mean")
        if len(self.stem_channels) < LEAST_HALVINGS:
            raise ValueError(f"stem_channels has {len(self.stem_channels)} halvings; a change network needs at least {LEAST_HALVINGS}")
        if len(self.decoder_channels) != len(self.stem_channels):
            raise ValueError(f"decoder_channels has {len(self.decoder_channels)} numbers; it must have one for each of stem_channels")
