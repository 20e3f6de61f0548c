"""The image BERT: a stem, learned two-dimensional positions, and the BERT layers of transformers.

Devlin et al. 2019 (post-LN encoder), Dosovitskiy et al. 2021 (images as tokens), Xiao et al. 2021 (convolutional stem).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import BoolTensor, LongTensor, Tensor, nn
from transformers import BertModel, PreTrainedModel
from transformers.models.bert.modeling_bert import BertEncoder, BertSelfAttention
from transformers.utils import ModelOutput
from transformers.utils.generic import can_return_tuple
from transformers.utils.output_capturing import capture_outputs

from core.errors import BrokenModel
from models.bert_image.capture import CAPTURING
from models.bert_image.configuration import BertImageConfig
from models.bert_image.linear_attention import LINEAR, draw_projections
from models.bert_image.merging import Merge, merges_of
from models.bert_image.stem import build_stem
from models.bert_image.windows import windowed, windows_of


@dataclass
class BertImageOutput(ModelOutput):  # type: ignore[misc]
    """What the encoder gives.

    last_hidden_state: [batch, tokens, width], [CLS] first where the pooling is "cls"; where tokens were merged, each has the state of the
        token that it became part of, so that the grid is that of the stem.
    embedding: [batch, (layers + 1) * width], the mean token after the stem and after every layer, joined.
    hidden_states: after the stem and every layer, of as many tokens as the layer had. attentions: as each layer formed them, by window
        where it has windows (models.bert_image.attention_captured gives whole matrices).
    """

    last_hidden_state: Tensor | None = None
    embedding: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None


@dataclass
class BertImageClassifierOutput(ModelOutput):  # type: ignore[misc]
    """What the classifier gives.

    logits: [batch, labels], uncalibrated. token_logits: [batch, tokens, labels] for mean pooling, whose mean is logits; else None.
    head_logits: of each further head by name: [batch, labels] of heads, [batch, tokens, labels] of token_heads; None without any.
    embedding, hidden_states, attentions: as in BertImageOutput.
    """

    loss: Tensor | None = None
    logits: Tensor | None = None
    token_logits: Tensor | None = None
    head_logits: dict[str, Tensor] | None = None
    embedding: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None


class Embeddings(nn.Module):
    """Pixels to tokens with their places. BERT's own 1-D positions and token types are not used beside these."""

    def __init__(self, config: BertImageConfig) -> None:
        super().__init__()
        rows, columns = config.grid
        self.stem = build_stem(config)
        self.positions = nn.Parameter(torch.zeros(1, config.hidden_size, rows, columns))
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.hidden_size)) if config.pooling == "cls" else None
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(
        self,
        pixel_values: Tensor,
        keep_tokens: LongTensor | None = None,
        masked: BoolTensor | None = None,
        mask_token: Tensor | None = None,
    ) -> Tensor:
        """[B, C, H, W] -> [B, tokens, width]; keep_tokens [B, kept] drops all patches but those (indices by row, from 0).

        masked: bool [B, rows, columns], patches in whose place mask_token [width] stands.
        """
        x = self.stem(pixel_values)
        if masked is not None and mask_token is not None:
            x = torch.where(masked[:, None], mask_token.view(1, -1, 1, 1).to(x.dtype), x)
        return self.placed(x, keep_tokens)

    def placed(self, x: Tensor, keep_tokens: LongTensor | None = None) -> Tensor:
        """What the stem gives, [B, width, rows, columns], as tokens with their places: [B, tokens, width]."""
        x = x + self.positions_at((x.shape[2], x.shape[3]))
        x = x.flatten(2).transpose(1, 2)  # [B, rows * columns, width]
        if keep_tokens is not None:
            x = x.gather(1, keep_tokens.unsqueeze(-1).expand(-1, -1, x.shape[2]))  # [B, kept, width]
        if self.cls_token is not None:
            x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1).to(x.dtype), x], dim=1)
        return self.dropout(self.LayerNorm(x))  # type: ignore[no-any-return]

    def positions_at(self, grid: tuple[int, int]) -> Tensor:
        """[1, width, rows, columns], interpolated where the grid is not the one that was learned."""
        if grid == tuple(self.positions.shape[2:]):
            return self.positions
        return F.interpolate(self.positions, size=grid, mode="bicubic", align_corners=False)


class BertImagePreTrainedModel(PreTrainedModel):  # type: ignore[misc]
    """What both networks share: configuration, initial weights, which attention functions fit."""

    config_class = BertImageConfig
    base_model_prefix = "bert"
    main_input_name = "pixel_values"
    input_modalities = ("image",)
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_attention_backend = True
    _can_record_outputs = {"attentions": BertSelfAttention}  # noqa: RUF012  (transformers reads a plain dict)

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if not isinstance(module, Embeddings):
            return
        nn.init.trunc_normal_(module.positions, std=self.config.initializer_range)
        if module.cls_token is not None:
            nn.init.trunc_normal_(module.cls_token, std=self.config.initializer_range)

    def get_correct_attn_implementation(self, requested_attention: str | None, is_init_check: bool = False) -> str:
        """Linear attention has one function, softmax attention others. Raises ValueError where one is asked for in place of the other."""
        is_linear = self.config.attention == LINEAR
        if requested_attention is None and is_linear:
            return LINEAR
        if requested_attention != CAPTURING and (requested_attention == LINEAR) != is_linear:
            raise ValueError(f"attn_implementation is {requested_attention!r} and the network's attention {self.config.attention!r}")
        return super().get_correct_attn_implementation(requested_attention, is_init_check)  # type: ignore[no-any-return]


class BertImageModel(BertImagePreTrainedModel):
    """Stem and encoder, without a head."""

    def __init__(self, config: BertImageConfig) -> None:
        super().__init__(config)
        self.embeddings = Embeddings(config)
        self.encoder = BertEncoder(config)
        self.merging = nn.ModuleDict({str(layer): Merge(config) for layer in config.merges})
        if config.attention == LINEAR:
            size = config.hidden_size // config.num_attention_heads
            self.register_buffer("projections", draw_projections(config.num_hidden_layers, config.random_features, size))
        self.post_init()

    @can_return_tuple  # type: ignore[untyped-decorator]
    @capture_outputs  # type: ignore[untyped-decorator]
    def forward(
        self,
        pixel_values: Tensor,
        keep_tokens: LongTensor | None = None,
        output_hidden_states: bool | None = None,
        masked: BoolTensor | None = None,
        mask_token: Tensor | None = None,
        **kwargs: Any,
    ) -> BertImageOutput:
        """pixel_values: float [batch, channels, rows, columns], standardised; sides multiples of the patch size.

        keep_tokens: int64 [batch, kept], the patches to read, for random token dropping (He et al. 2022). Raises ValueError for it where
        tokens are merged, since what is left of a block would be no block.
        masked: bool [batch, token rows, token columns], patches in whose place mask_token [width] stands (models/bert_image/masked.py).
        """
        grid = (pixel_values.shape[2] // self.config.patch_size, pixel_values.shape[3] // self.config.patch_size)
        states, last = self.encoded(self.embeddings(pixel_values, keep_tokens, masked, mask_token), grid, keep_tokens)
        means = [state[:, self.config.prefix_tokens :].mean(dim=1) for state in states]
        return BertImageOutput(
            last_hidden_state=last,
            embedding=torch.cat(means, dim=1),
            hidden_states=tuple(states) if output_hidden_states else None,
        )

    def encoded(self, x: Tensor, grid: tuple[int, int], kept: LongTensor | None = None) -> tuple[list[Tensor], Tensor]:
        """Tokens of the stem, [B, tokens, width], through every layer: the states, the stem's first, and the last one on the stem's grid.

        grid: (rows, columns) of the patches. kept: int64 [B, kept], the patches that x holds where some were dropped.
        """
        merges = merges_of(self.config, grid, x.device)
        if merges and kept is not None:
            raise ValueError(f"tokens cannot be dropped from a network that merges them (merges is {self.config.merges})")
        states = [x]
        for index, layer in enumerate(self.encoder.layer):
            how = {"projection": self.projections[index]} if self.config.attention == LINEAR else {}
            if index < self.config.windowed_layers:
                x = windowed(layer, x, windows_of(grid, self.config.window_size, index, x.device), kept, **how)
            else:
                x = layer(x, **how)
            states.append(x)
            if index + 1 in merges:
                blocks = merges[index + 1]
                x, grid = self.merging[str(index + 1)](x, blocks), blocks.grid
        for blocks in reversed(merges.values()):
            x = x[:, blocks.block_of]
        return states, x


class BertImageForImageClassification(BertImagePreTrainedModel):
    """The encoder with a linear head, on [CLS] or on every token, and further ones where the configuration names some."""

    def __init__(self, config: BertImageConfig) -> None:
        super().__init__(config)
        self.bert = BertImageModel(config)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.heads = nn.ModuleDict({name: nn.Linear(config.hidden_size, len(labels)) for name, labels in config.auxiliary_heads.items()})
        self.post_init()

    @can_return_tuple  # type: ignore[untyped-decorator]
    def forward(
        self,
        pixel_values: Tensor,
        labels: LongTensor | None = None,
        keep_tokens: LongTensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        **kwargs: Any,
    ) -> BertImageClassifierOutput:
        """As BertImageModel; labels: int64 [batch], gives the cross-entropy as loss.

        output_attentions needs attn_implementation="eager" (or models.bert_image.attention_captured): sdpa forms no matrix.
        """
        encoded = self.bert(
            pixel_values, keep_tokens=keep_tokens, output_attentions=output_attentions, output_hidden_states=output_hidden_states
        )
        token_logits = None
        if self.config.pooling == "mean":
            token_logits = self.classifier(encoded.last_hidden_state)  # [B, tokens, labels]
            logits = token_logits.mean(dim=1)
        else:
            logits = self.classifier(encoded.last_hidden_state[:, 0])
        return BertImageClassifierOutput(
            loss=F.cross_entropy(logits.float(), labels) if labels is not None else None,
            logits=logits,
            token_logits=token_logits,
            head_logits=self._further(encoded.last_hidden_state) if self.heads else None,
            embedding=encoded.embedding,
            hidden_states=encoded.hidden_states,
            attentions=encoded.attentions,
        )

    def _further(self, states: Tensor) -> dict[str, Tensor]:
        """states: [B, tokens, width], [CLS] first where there is one."""
        patches = states[:, self.config.prefix_tokens :]
        read_out = patches.mean(dim=1) if self.config.pooling == "mean" else states[:, 0]  # a linear head of the mean is the mean of heads
        of_image = self.config.heads or {}
        return {name: head(read_out if name in of_image else patches) for name, head in self.heads.items()}


def from_text_bert(source: str, config: BertImageConfig) -> BertImageForImageClassification:
    """A new classifier whose encoder layers are those of a text BERT: the cross-modal transfer of the article.

    source: a local folder or a hub id of a BERT. Layers beyond config.num_hidden_layers are left out.
    Raises BrokenModel where it cannot be opened, and where its sizes are not the configuration's.
    """
    text = _text_bert(source)
    for name in ("hidden_size", "num_attention_heads", "intermediate_size"):
        if getattr(text.config, name) != getattr(config, name):
            raise BrokenModel(
                f"{source} has {name} {getattr(text.config, name)}, the image network {getattr(config, name)}.",
                "Choose a configuration with the sizes of the text model.",
            )
    if text.config.num_hidden_layers < config.num_hidden_layers:
        raise BrokenModel(
            f"{source} has {text.config.num_hidden_layers} layers, the image network {config.num_hidden_layers}.",
            "Choose at most as many layers as the text model has.",
        )
    network = BertImageForImageClassification(config)
    for mine, theirs in zip(network.bert.encoder.layer, text.encoder.layer, strict=False):
        mine.load_state_dict(theirs.state_dict())
    return network


def _text_bert(source: str) -> BertModel:
    try:
        text, loading = BertModel.from_pretrained(source, add_pooling_layer=False, output_loading_info=True)
    except (OSError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise BrokenModel(f"{source} cannot be opened: {reason}", "Give the folder or the hub id of a BERT.") from None
    missing = min(loading["missing_keys"], default="")
    if missing:  # it would be random, and nothing would be transferred
        raise BrokenModel(f"{source} has no weights for {missing}: it is not a BERT.", "Give a folder or hub id of one.")
    return text
