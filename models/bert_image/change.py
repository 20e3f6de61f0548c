"""Two dates, one encoder: which pixels changed.

A siamese network (Daudt et al. 2018, FC-Siam-diff): both dates go through the same stem and the same BERT layers, what they give is
compared at every resolution, and a light decoder brings the comparison back to pixels. Exchanging the dates changes nothing, since
the comparison is made of the absolute difference and of the mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers.utils import ModelOutput
from transformers.utils.generic import can_return_tuple

from models.bert_image.change_configuration import BertImageChangeConfig
from models.bert_image.modelling import BertImageModel, BertImagePreTrainedModel
from models.bert_image.stem import features_of


@dataclass
class BertImageChangeOutput(ModelOutput):  # type: ignore[misc]
    """What the change network gives.

    logits: [batch, rows, columns], uncalibrated, one number a pixel of the input; above 0 where change is the more likely.
    """

    loss: Tensor | None = None
    logits: Tensor | None = None


class Comparison(nn.Module):
    """Features of two dates, [B, channels, rows, columns] each, to what tells them apart: [B, out, rows, columns]. Symmetric."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(2 * channels, out, 1, bias=False)
        self.norm = nn.BatchNorm2d(out)
        self.act = nn.GELU()

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        both = torch.cat([(before - after).abs(), (before + after) / 2], dim=1)  # [B, 2 * channels, rows, columns]
        return self.act(self.norm(self.mix(both)))  # type: ignore[no-any-return]


class Refinement(nn.Module):
    """A coarser map brought to twice its sides and joined with the comparison there: [B, coarse, h, w] -> [B, out, 2 h, 2 w]."""

    def __init__(self, coarse: int, out: int) -> None:
        super().__init__()
        self.join = nn.Conv2d(coarse + out, out, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(out)
        self.act = nn.GELU()

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        wide = F.interpolate(coarse, size=fine.shape[2:], mode="bilinear", align_corners=False)
        return self.act(self.norm(self.join(torch.cat([wide, fine], dim=1))))  # type: ignore[no-any-return]


class BertImageChangePreTrainedModel(BertImagePreTrainedModel):
    """Initial weights and attention functions are those of the image BERT."""

    config_class = BertImageChangeConfig
    main_input_name = "before"


class BertImageForChangeDetection(BertImageChangePreTrainedModel):
    """The shared encoder, the comparisons at each of its resolutions, and the decoder."""

    def __init__(self, config: BertImageChangeConfig) -> None:
        super().__init__(config)
        self.bert = BertImageModel(config)
        *finer, coarsest = zip(config.feature_channels, config.decoder_channels, strict=True)
        self.tokens = Comparison(config.hidden_size + coarsest[0], coarsest[1])
        self.comparisons = nn.ModuleList(Comparison(stem, decoder) for stem, decoder in finer)
        self.refinements = nn.ModuleList(
            Refinement(coarse, fine) for fine, coarse in zip(config.decoder_channels, config.decoder_channels[1:], strict=False)
        )
        # Pixels of the input beside the finest features: 2 x 2 of them lie in one place of the map (Shi et al. 2016).
        self.pixels = nn.Conv2d(config.decoder_channels[0] + 4 * config.num_channels, config.decoder_channels[0], 3, padding=1)
        self.act = nn.GELU()
        self.classifier = nn.Conv2d(config.decoder_channels[0], 4, 3, padding=1)
        self.post_init()

    @can_return_tuple  # type: ignore[untyped-decorator]
    def forward(self, before: Tensor, after: Tensor, labels: Tensor | None = None, **kwargs: Any) -> BertImageChangeOutput:
        """before, after: float [batch, channels, rows, columns], each scene standardised by its own mean and deviation; sides multiples of
        the patch size. A band that a scene does not have is 0 in both. labels: float [batch, rows, columns], 1 changed and 0 not, gives the
        binary cross-entropy as loss.
        """
        *fine, coarse = [each.chunk(2) for each in self._features(torch.cat([before, after]))]  # pairs of [B, channels, rows, columns]
        x = self.tokens(*coarse)
        for comparison, refinement, pair in zip(reversed(self.comparisons), reversed(self.refinements), reversed(fine), strict=True):
            x = refinement(x, comparison(*pair))
        raw = F.pixel_unshuffle((before - after).abs(), 2)  # [B, 4 * channels, rows / 2, columns / 2]
        x = self.act(self.pixels(torch.cat([x, raw], dim=1)))
        logits = F.pixel_shuffle(self.classifier(x), 2)[:, 0]  # [B, rows, columns]
        loss = F.binary_cross_entropy_with_logits(logits.float(), labels) if labels is not None else None
        return BertImageChangeOutput(loss=loss, logits=logits)

    def _features(self, pixels: Tensor) -> list[Tensor]:
        """[B, channels, rows / stride, columns / stride] after each halving, finest first; the last are joined with the tokens."""
        features, x = features_of(self.bert.embeddings.stem, pixels)
        tokens = self.bert.embeddings.placed(x)  # [B, rows * columns, width]
        _, tokens = self.bert.encoded(tokens, (x.shape[2], x.shape[3]))
        x = tokens.transpose(1, 2).reshape(len(tokens), -1, *x.shape[2:])  # [B, width, rows, columns]
        return [*features[:-1], torch.cat([features[-1], x], dim=1)]
