"""What is asked of a network's configuration, and the same read from config.json without the libraries that compute the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from models.kinds import CHANGE, CLASSIFIER

CLS = "[CLS]"
SIZE, PATCH, CHANNELS = 224, 16, 3
WIDTH, LAYERS, HEADS = 768, 6, 12
CHANGE_PATCH = 8

Labels = Mapping[str, Sequence[str]]
"""Labels by the name of a head, or of the parent label that sums them up."""


class NetworkConfig(Protocol):
    """The configuration of any network: models.bert_image's, models.encoders', or what is stored of one of our own.

    grid: (rows, columns) of tokens without those before the patches, which are named in prefix_names.
    """

    @property
    def patch_size(self) -> int: ...
    @property
    def num_channels(self) -> int: ...
    @property
    def pooling(self) -> str: ...
    @property
    def hidden_size(self) -> int: ...
    @property
    def num_hidden_layers(self) -> int: ...
    @property
    def num_attention_heads(self) -> int: ...
    @property
    def grid(self) -> tuple[int, int]: ...
    @property
    def prefix_tokens(self) -> int: ...
    @property
    def prefix_names(self) -> tuple[str, ...]: ...
    @property
    def embedding_size(self) -> int: ...
    @property
    def parents(self) -> Labels | None: ...
    @property
    def heads(self) -> Labels | None: ...
    @property
    def token_heads(self) -> Labels | None: ...


@dataclass(frozen=True)
class StoredConfig:
    """What config.json says of one of our own networks; names and meaning are those of models.bert_image.BertImageConfig.

    It is believed: whether the values make a network is found out where one is opened.
    """

    image_size: int | Sequence[int] = SIZE
    patch_size: int = PATCH
    num_channels: int = CHANNELS
    pooling: str = "cls"
    hidden_size: int = WIDTH
    num_hidden_layers: int = LAYERS
    num_attention_heads: int = HEADS
    parents: Labels | None = None
    heads: Labels | None = None
    token_heads: Labels | None = None

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> StoredConfig:
        """stored: config.json. What it leaves out has the default of its kind."""
        given = {**_DEFAULTS.get(str(stored.get("model_type")), {}), **stored}
        return cls(**{name: given[name] for name in cls.__dataclass_fields__ if name in given})

    @property
    def grid(self) -> tuple[int, int]:
        """(rows, columns) of tokens, without [CLS]."""
        rows, columns = sides_of(self.image_size)
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


_DEFAULTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {CLASSIFIER: MappingProxyType({}), CHANGE: MappingProxyType({"patch_size": CHANGE_PATCH, "pooling": "mean"})}
)


def sides_of(size: int | Sequence[int]) -> tuple[int, int]:
    """(rows, columns); one number means a square."""
    return (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))


def prefix_of(pooling: str) -> tuple[str, ...]:
    """What the tokens before the patches are called in our own networks: [CLS] is there where it is what the head reads."""
    return (CLS,) if pooling == "cls" else ()


def embedding_of(layers: int, width: int) -> int:
    """Numbers of an embedding of our own networks: the mean token, of so much width, after the stem and after every layer."""
    return (layers + 1) * width
