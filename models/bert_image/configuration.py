"""Configuration of the image BERT. Sizes come from here and from nowhere else."""

from __future__ import annotations

from typing import Any

from transformers import BertConfig, PretrainedConfig

STEMS = ("linear", "convolution")
POOLINGS = ("cls", "mean")


class BertImageConfig(PretrainedConfig):  # type: ignore[misc]
    """How an image becomes tokens, and how many layers of BERT read them.

    image_size: (rows, columns) in pixels that the positions were learned at; other sizes interpolate them. One number means a square.
    patch_size: pixels a side of one token, the stride of the stem. A power of two for the convolutional stem.
    num_channels: channels of the input, any number.
    stem: "linear" (one patch embedding, Dosovitskiy et al. 2021) or "convolution" (halving stages, Xiao et al. 2021).
    stem_channels: channels after each halving, log2(patch_size) numbers; empty for the linear stem.
    stem_blocks: residual blocks after each halving.
    pooling: "cls" (a [CLS] token is put before the patches and read out) or "mean" (each token is classified, their logits averaged).
    heads: name -> labels of further questions about the whole image, read out as the main one is; None for none.
    token_heads: name -> labels of further questions that every token answers for itself (where something is); None for none.
    The other fields have BERT's names and meaning (Devlin et al. 2019).
    """

    model_type = "bert_image"

    image_size: int | list[int] | tuple[int, int] = 224
    patch_size: int = 16
    num_channels: int = 3
    stem: str = "linear"
    stem_channels: list[int] | tuple[int, ...] = ()
    stem_blocks: list[int] | tuple[int, ...] = ()
    pooling: str = "cls"
    hidden_size: int = 768
    num_hidden_layers: int = 6
    num_attention_heads: int = 12
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

    def __post_init__(self, **kwargs: Any) -> None:
        """Raises ValueError, naming the field and what is allowed, where the sizes do not fit together."""
        if isinstance(self.image_size, int):
            self.image_size = [self.image_size, self.image_size]
        self.image_size = [int(side) for side in self.image_size]
        self.stem_channels = list(self.stem_channels)
        self.stem_blocks = list(self.stem_blocks) or [1] * len(self.stem_channels)
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
        if self.stem == "convolution" and 2 ** len(self.stem_channels) != self.patch_size:
            raise ValueError(f"stem_channels has {len(self.stem_channels)} halvings; patch_size {self.patch_size} must be 2 to that power")
        if len(self.stem_blocks) != len(self.stem_channels):
            raise ValueError(f"stem_blocks has {len(self.stem_blocks)} numbers; it must have one for each of stem_channels")
        if set(self.heads or {}) & set(self.token_heads or {}):
            raise ValueError("heads and token_heads share a name; each further head needs a name of its own")

    @property
    def sides(self) -> tuple[int, int]:
        """(rows, columns) of the input in pixels."""
        size = self.image_size
        return (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))

    @property
    def grid(self) -> tuple[int, int]:
        """(rows, columns) of tokens, without [CLS]."""
        rows, columns = self.sides
        return rows // self.patch_size, columns // self.patch_size

    @property
    def prefix_tokens(self) -> int:
        """Tokens before the patches: 1 for [CLS], else 0."""
        return 1 if self.pooling == "cls" else 0

    @property
    def further_heads(self) -> dict[str, list[str]]:
        """Labels of every head beside the main one, those of tokens included."""
        return {**(self.heads or {}), **(self.token_heads or {})}

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
