"""What the networks of torch say, by name: of one image, or of two dates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from core.inference.runtimes.exports import Export
from models.change_registry import LoadedChangeModel
from models.registry import LoadedModel

if TYPE_CHECKING:
    from torch import Tensor

    from core.inference.runtimes.torch import Outputs

HEAD = "head."
"""What the results of further heads are named by, before the head's own name."""


def outputs_of(model: LoadedModel | LoadedChangeModel, *, hidden: bool = False) -> Outputs:
    """The results of a model's network by name. hidden: of a classifier with the last hidden state of each token, as "features".

    A change model takes both dates one behind the other, [N, 2 * channels, rows, columns]: what belongs together stays together.
    """
    if isinstance(model, LoadedChangeModel):
        return lambda values: _of_dates(model, values)
    return lambda values: _of_image(model, values, hidden)


def purpose_of(model: LoadedModel | LoadedChangeModel, *, hidden: bool = False) -> str:
    """What the results depend on beside the network: the same network asked otherwise is another graph."""
    if isinstance(model, LoadedChangeModel):
        return f"dates, enlarged {model.preprocess.enlarged}"
    return f"image, size {model.preprocess.size}, patch {model.patch}{', hidden' if hidden else ''}"


def export_of(model: LoadedModel | LoadedChangeModel, *, hidden: bool = False) -> Export:
    """The same results as graphs that are made when they are asked for, and kept by what tells the network from all others."""
    outputs = outputs_of(model, hidden=hidden)
    return Export(_identity(model), purpose_of(model, hidden=hidden), lambda: (outputs, model.network))


def _identity(model: LoadedModel | LoadedChangeModel) -> str:
    if model.identity:
        return model.identity
    from core.inference.runtimes.tracing import identity_of

    return identity_of(model.network)


def _of_image(model: LoadedModel, values: Tensor, hidden: bool) -> Mapping[str, Tensor]:
    """logits [N, labels], embeddings [N, D]; of tokens [N, rows, columns, ...], those before the patches left out."""
    output = model.network(pixel_values=values, output_hidden_states=hidden)
    grid = tuple(side // patch for side, patch in zip(values.shape[2:], model.patch, strict=True))
    found = {"logits": output.logits, "embeddings": output.embedding}
    if output.token_logits is not None:
        found["token_logits"] = output.token_logits.unflatten(1, grid)
    if hidden:
        found["features"] = output.hidden_states[-1].unflatten(1, grid)
    for name, logits in (output.head_logits or {}).items():  # [N, labels] or [N, tokens, labels]
        found[f"{HEAD}{name}"] = logits if logits.ndim == 2 else logits.unflatten(1, grid)
    return found


def _of_dates(model: LoadedChangeModel, values: Tensor) -> Mapping[str, Tensor]:
    """logits [N, rows, columns] of every pixel."""
    from models.bert_image.test_time_augmentation import averaged_logits

    before, after = values.chunk(2, dim=1)
    return {"logits": averaged_logits(model.network, before, after, model.preprocess.enlarged)}
