"""Configuration of the change network: the image BERT that reads both dates, and the decoder that compares what it read."""

from __future__ import annotations

from typing import Any

from models.architecture import CHANGE_PATCH
from models.bert_image.configuration import BertImageConfig
from models.kinds import CHANGE

LEAST_HALVINGS = 2
"""The decoder needs features at half resolution, and coarser ones to say what they belong to."""


class BertImageChangeConfig(BertImageConfig):
    """The fields of BertImageConfig describe the encoder that both dates share; its stem is of convolutions and its pooling the mean.

    decoder_channels: channels of the decoder at the stride of each halving of the stem, finest first.
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
        if self.stem == "linear" or self.pooling != "mean":
            raise ValueError(f"stem is {self.stem!r} and pooling {self.pooling!r}; a change network needs convolutions and mean")
        halvings = len(self.feature_channels)
        if halvings < LEAST_HALVINGS:
            raise ValueError(f"stem_channels has {halvings} halvings; a change network needs at least {LEAST_HALVINGS}")
        if len(self.decoder_channels) != halvings:
            raise ValueError(f"decoder_channels has {len(self.decoder_channels)} numbers; it must have one for each of {halvings} halvings")
