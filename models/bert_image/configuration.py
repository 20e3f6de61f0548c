"""Configuration of the image BERT. Sizes come from here and from nowhere else."""

from __future__ import annotations

from typing import Any

from transformers import BertConfig, PretrainedConfig

from models.architecture import CHANNELS, HEADS, LAYERS, PATCH, SIZE, WIDTH, embedding_of, prefix_of, sides_of
from models.bert_image.efficientnet import MOST_BLOCKS, channels_by_halving, stride_of
from models.kinds import CLASSIFIER

EFFICIENTNET = "efficientnet-lite0"
STEMS = ("linear", "convolution", EFFICIENTNET)
POOLINGS = ("cls", "mean")
ATTENTIONS = ("full", "linear")


class BertImageConfig(PretrainedConfig):  # type: ignore[misc]
    """How an image becomes tokens, and how many layers of BERT read them.

    image_size: (rows, columns) in pixels that the positions were learned at; other sizes interpolate them. One number means a square.
    patch_size: pixels a side of one token, the stride of the stem. A power of two for the convolutional stem.
    num_channels: channels of the input, any number.
    stem: "linear" (one patch embedding, Dosovitskiy et al. 2021), "convolution" (halving stages, Xiao et al. 2021) or "efficientnet-lite0"
        (the first blocks of a network that can begin with ImageNet's weights, models/bert_image/efficientnet.py).
    stem_channels: channels after each halving, log2(patch_size) numbers; empty for the linear stem.
    stem_blocks: residual blocks after each halving.
    stem_depth: blocks of EfficientNet-Lite0, 1 to 16; stem_scale: times that the image is enlarged before them, so that patch_size times
        stem_scale is their stride; stem_norm_kept: whether their normalisation stays as it is in training. Of no use to other stems.
    pooling: "cls" (a [CLS] token is put before the patches and read out) or "mean" (each token is classified, their logits averaged).
    heads: name -> labels of further questions about the whole image, read out as the main one is; None for none.
    token_heads: name -> labels of further questions that every token answers for itself (where something is); None for none.
    attention: "full" (softmax over all tokens) or "linear" (its estimate by random features, models/bert_image/linear_attention.py).
    random_features: of each head of linear attention; more are closer to softmax, and cost in proportion.
    window_size, windowed_layers: that many of the first layers attend inside windows of so many tokens a side
        (models/bert_image/windows.py); 0 for none.
    merges: layers, from 1, after which each 2 x 2 block of tokens becomes one (models/bert_image/merging.py); empty for one token count.
    The other fields have BERT's names and meaning (Devlin et al. 2019).
    """

    model_type = CLASSIFIER

    image_size: int | list[int] | tuple[int, int] = SIZE
    patch_size: int = PATCH
    num_channels: int = CHANNELS
    stem: str = "linear"
    stem_channels: list[int] | tuple[int, ...] = ()
    stem_blocks: list[int] | tuple[int, ...] = ()
    stem_depth: int = 0
    stem_scale: int = 1
    stem_norm_kept: bool = False
    pooling: str = "cls"
    hidden_size: int = WIDTH
    num_hidden_layers: int = LAYERS
    num_attention_heads: int = HEADS
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float | int = 0.1
    attention_probs_dropout_prob: float | int = 0.1
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    is_decoder: bool = False
    add_cross_attention: bool = False
    parents: dict[str, list[str]] | None = None
    heads: dict[str, list[str]] | None = None
    token_heads: dict[str, list[str]] | None = None
    attention: str = "full"
    random_features: int = 128
    window_size: int = 0
    windowed_layers: int = 0
    merges: list[int] | tuple[int, ...] = ()

    def __post_init__(self, **kwargs: Any) -> None:
        """Raises ValueError, naming the field and what is allowed, where the sizes do not fit together."""
        if isinstance(self.image_size, int):
            self.image_size = [self.image_size, self.image_size]
        self.image_size = [int(side) for side in self.image_size]
        self.stem_channels = list(self.stem_channels)
        self.stem_blocks = list(self.stem_blocks) or [1] * len(self.stem_channels)
        self.merges = list(self.merges)
        self._check()
        super().__post_init__(**kwargs)

    def _check(self) -> None:
        if self.stem not in STEMS:
            raise ValueError(f"stem is {self.stem!r}; it must be one of {', '.join(STEMS)}")
        if self.pooling not in POOLINGS:
            raise ValueError(f"pooling is {self.pooling!r}; it must be one of {', '.join(POOLINGS)}")
        if any(side % self.patch_size for side in self.sides):
            raise ValueError(f"image_size is {self.image_size}; each side must be a multiple of patch_size {self.patch_size}")
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(f"hidden_size is {self.hidden_size}; it must be a multiple of num_attention_heads {self.num_attention_heads}")
        self._check_stem()
        if set(self.heads or {}) & set(self.token_heads or {}):
            raise ValueError("heads and token_heads share a name; each further head needs a name of its own")
        self._check_attention()
        self._check_merges()

    def _check_stem(self) -> None:
        if self.stem == "convolution" and 2 ** len(self.stem_channels) != self.patch_size:
            raise ValueError(f"stem_channels has {len(self.stem_channels)} halvings; patch_size {self.patch_size} must be 2 to that power")
        if len(self.stem_blocks) != len(self.stem_channels):
            raise ValueError(f"stem_blocks has {len(self.stem_blocks)} numbers; it must have one for each of stem_channels")
        if self.stem != EFFICIENTNET:
            if self.stem_depth or self.stem_scale != 1 or self.stem_norm_kept:
                raise ValueError(f"stem_depth, stem_scale and stem_norm_kept are of the stem {EFFICIENTNET}; stem is {self.stem!r}")
            return
        if not 1 <= self.stem_depth <= MOST_BLOCKS:
            raise ValueError(f"stem_depth is {self.stem_depth}; it must be from 1 to {MOST_BLOCKS}")
        if self.patch_size * self.stem_scale != stride_of(self.stem_depth):
            raise ValueError(
                f"patch_size is {self.patch_size} and stem_scale {self.stem_scale}; their product must be {stride_of(self.stem_depth)}, "
                f"the stride after {self.stem_depth} blocks"
            )

    def _check_attention(self) -> None:
        if self.attention not in ATTENTIONS:
            raise ValueError(f"attention is {self.attention!r}; it must be one of {', '.join(ATTENTIONS)}")
        if self.random_features < 1:
            raise ValueError(f"random_features is {self.random_features}; it must be at least 1")
        if not 0 <= self.windowed_layers <= self.num_hidden_layers:
            raise ValueError(f"windowed_layers is {self.windowed_layers}; it must be from 0 to num_hidden_layers {self.num_hidden_layers}")
        if (self.window_size < 2) if self.windowed_layers else (self.window_size != 0):
            raise ValueError(
                f"window_size is {self.window_size} and windowed_layers {self.windowed_layers}; windows have at least 2 tokens a side, "
                "and both are 0 where there are none"
            )
        if self.windowed_layers and self.pooling == "cls":
            raise ValueError("windowed_layers needs the pooling mean: [CLS] lies in no window")

    def _check_merges(self) -> None:
        if self.merges != sorted(set(self.merges)) or not all(1 <= layer < self.num_hidden_layers for layer in self.merges):
            raise ValueError(f"merges is {self.merges}; it must name layers in rising order, from 1 to the last but one")
        if self.merges and self.pooling == "cls":
            raise ValueError("merges needs the pooling mean: [CLS] lies in no block of tokens")
        if 2 ** len(self.merges) > min(self.grid):
            raise ValueError(f"merges is {self.merges}; a grid of {self.grid[0]} x {self.grid[1]} tokens cannot be halved so often")

    @property
    def sides(self) -> tuple[int, int]:
        """(rows, columns) of the input in pixels."""
        return sides_of(self.image_size)

    @property
    def grid(self) -> tuple[int, int]:
        """(rows, columns) of tokens, without [CLS]."""
        rows, columns = self.sides
        return rows // self.patch_size, columns // self.patch_size

    @property
    def prefix_tokens(self) -> int:
        """Tokens before the patches: 1 for [CLS], else 0."""
        return len(self.prefix_names)

    @property
    def prefix_names(self) -> tuple[str, ...]:
        """What the tokens before the patches are called."""
        return prefix_of(self.pooling)

    @property
    def embedding_size(self) -> int:
        """Numbers of an embedding: the mean token after the stem and after every layer."""
        return embedding_of(self.num_hidden_layers, self.hidden_size)

    @property
    def auxiliary_heads(self) -> dict[str, list[str]]:
        """Labels of every head beside the main one, those of tokens included."""
        return {**(self.heads or {}), **(self.token_heads or {})}

    @property
    def feature_channels(self) -> list[int]:
        """Channels of what the stem finds at each halving, finest first (models/bert_image/stem.py); none of the linear stem."""
        if self.stem == EFFICIENTNET:
            return channels_by_halving(self.stem_depth, self.stem_scale)
        return list(self.stem_channels)

    @property
    def stem_words(self) -> str:
        """What a card calls the stem."""
        if self.stem != EFFICIENTNET:
            return f"{self.stem} stem"
        enlarged = f", images enlarged to {self.stem_scale} times their sides before it" if self.stem_scale > 1 else ""
        return f"stem of {self.stem_depth} blocks of {self.stem}{enlarged}"

    @property
    def attention_words(self) -> str:
        """What a card adds where attention is not full softmax attention of one token count; "" where it is."""
        linear = f", linear attention with {self.random_features} random features" if self.attention == "linear" else ""
        side, last = self.window_size, self.windowed_layers
        windows = f", windows of {side} x {side} tokens in the first {last} layers" if last else ""
        merges = f", 2 x 2 tokens merged after layer {' and '.join(map(str, self.merges))}" if self.merges else ""
        return linear + windows + merges

    def encoder_config(self) -> BertConfig:
        """What transformers' BERT layers read. The vocabulary is one word, since no word is ever looked up."""
        return BertConfig(
            vocab_size=1,
            hidden_size=self.hidden_size,
            num_hidden_layers=self.num_hidden_layers,
            num_attention_heads=self.num_attention_heads,
            intermediate_size=self.intermediate_size,
            hidden_act=self.hidden_act,
            hidden_dropout_prob=self.hidden_dropout_prob,
            attention_probs_dropout_prob=self.attention_probs_dropout_prob,
            layer_norm_eps=self.layer_norm_eps,
        )

    @classmethod
    def reference(cls, **changes: Any) -> BertImageConfig:
        """The article's network: 224 px in 16 px patches (196 tokens and [CLS]), six BERT layers, width 768, twelve heads."""
        return cls(**changes)
