"""What of a model's answer is explained, as a number: its logit, which methods attribute, and its probability, which removal measures.

A label is its raw logit and its softmax. Several labels are one, as a parent label is: the logarithm of the sum of their exponentials, and
the sum of their probabilities. A label against another is the difference of their logits, and the probability of the one where only these
two are left, whose log odds that is. Of a token the same is read from its own logits, and of a region from the mean of its
tokens' logits, as a head that reads the mean of all tokens reads it of the whole image. Where no label is meant but what the image is like,
it is the cosine between two embeddings (the mean of the last hidden state over the patches), and (1 + cosine) / 2 in place of the
probability.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError, NotFound, OutOfRange, WrongTask
from core.inference.calibration import probabilities
from core.inference.engine import Engine
from core.types import FloatImage, ModelInput, Target
from models.registry import LoadedModel

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry
    from torch import Tensor

Scores = NDArray[np.float64]


def target_of(
    engine: Engine,
    given: ModelInput,
    label: str | None = None,
    against: str | None = None,
    at: tuple[float, float] | None = None,
    region: tuple[float, float, float, float] | None = None,
    polygon: BaseGeometry | None = None,
) -> Target:
    """The target that a user names, of one input.

    label, against: labels of the model, or parents that it declares; without a label the most probable one, of the token where one is
    named. at: (column, row) of a pixel of the source, whose token is meant. region: (first column, first row, last column, last row) of
    pixels of the source, whose tokens are meant, those at its edges included. polygon: x columns and y rows of the source, whose corner is
    0 0: the tokens are meant whose middle lies in it, or, where there is none, those that it touches.
    Raises InputError where there is no input, and for a token beside a region; NotFound, naming the known labels; OutOfRange for a label
    against itself and a pixel outside the input; WrongTask for tokens of a model whose head does not speak for them.
    """
    check_readable(given)
    model = engine.model
    if (at is not None) + (region is not None) + (polygon is not None) > 1:
        raise InputError("A token and a region were given.", "Give one of them: a token is a region too.")
    token = None if at is None else token_at(model, given, at, "token")
    corners = None if region is None else _tokens_in(model, given, region)
    other = _members(model, against) if against is not None else ()
    cells = () if polygon is None else _cells_in(model, given, polygon)
    place = Target("", (), token=token, region=corners, cells=cells)
    check_target(model, place, given)
    if label is None:
        logits = read_logits(engine, given.values[np.newaxis], place)[0]
        label = model.labels[int(np.argmax(logits))]
    mine = _members(model, label)
    if set(mine) & set(other):
        raise OutOfRange("against", against, f"a label that is no part of {label}")
    return Target(label, mine, against or "", other, token, corners, cells)


def check_readable(given: ModelInput) -> None:
    """Raises InputError where there is no input to explain."""
    if given.is_empty:
        raise InputError("There is no input to explain.", "Choose an image that the model can read.")


def check_target(model: LoadedModel, target: Target, given: ModelInput) -> None:
    """Raises NotFound for a label that the model does not have, WrongTask for tokens where its head does not speak for them.

    And OutOfRange for tokens that `given` does not have.
    """
    for label in (*target.labels, *target.against_labels):
        _members(model, label)
    if target.tokens is None:
        return
    kind = "token" if target.token is not None else "region"
    if model.config.pooling != "mean":
        raise WrongTask(
            f"A {kind} is not supported for the model {model.id}: it gives one answer for an image and none for its tokens.",
            f"Leave the {kind} out.",
        )
    down, across = _grid(model, given)
    told = target.token or target.region or tuple(place for cell in target.cells for place in cell)
    if any(not 0 <= column < across for column in told[::2]) or any(not 0 <= row < down for row in told[1::2]) or not _is_ordered(target):
        raise OutOfRange(kind, " ".join(map(str, told)), f"0 <= column < {across} and 0 <= row < {down}")


def read_logits(engine: Engine, values: FloatImage, target: Target) -> FloatImage:
    """What the model says of each input, or of the target's tokens in it: float32 [N, labels], in fp32; of a likeness [N, 1], its cosine.

    values: float32 [N, channels, rows, columns], standardised.
    """
    if target.likeness is not None:
        from core.explain.likeness import read_cosines  # torch, which answers by a graph do without

        return read_cosines(engine, values, target.likeness)
    forward = engine.forward(values, exact=True)
    if target.tokens is None:
        return forward.logits
    rows, columns = target.tokens
    assert forward.token_logits is not None  # check_target has seen to it
    return np.asarray(forward.token_logits[:, rows, columns].mean(axis=(1, 2)))


def network_score(model: LoadedModel, values: Tensor, target: Target) -> Tensor:
    """[N]: the target's number, with gradients; on the owner thread. values: [N, channels, rows, columns]."""
    return score_of(model, model.network(pixel_values=values, output_hidden_states=target.likeness is not None), values, target)


def score_of(model: LoadedModel, output: Any, values: Tensor, target: Target) -> Tensor:
    """The same of what the network gave for these values already."""
    if target.likeness is not None:
        from core.explain.likeness import cosines, states_of

        return cosines(states_of(model, output.hidden_states, values).mean(dim=1), target.likeness)
    logits: Tensor = output.logits
    if target.tokens is not None:
        (rows, columns), grid = target.tokens, tuple(side // patch for side, patch in zip(values.shape[2:], model.patch, strict=True))
        logits = output.token_logits.unflatten(1, grid)[:, rows, columns].mean(dim=(1, 2))
    mine = logits[:, _places(model, target.labels)].logsumexp(dim=1)
    return mine - logits[:, _places(model, target.against_labels)].logsumexp(dim=1) if target.against_labels else mine


def scores(model: LoadedModel, logits: FloatImage, target: Target) -> Scores:
    """float64 [N]: the target's number. logits: [N, labels] of read_logits."""
    exact = logits.astype(np.float64)
    if target.likeness is not None:
        return exact[:, 0]
    mine: Scores = np.logaddexp.reduce(exact[:, _places(model, target.labels)], axis=1)
    if not target.against_labels:
        return mine
    return np.asarray(mine - np.logaddexp.reduce(exact[:, _places(model, target.against_labels)], axis=1))


def target_probabilities(model: LoadedModel, logits: FloatImage, target: Target) -> Scores:
    """float64 [N] in [0, 1]: the target's calibrated probability, or its likeness. logits: [N, labels] of read_logits."""
    if target.likeness is not None:
        return np.asarray((1.0 + logits[:, 0].astype(np.float64)) / 2.0)
    found = probabilities(logits, model.calibration).astype(np.float64)
    mine = found[:, _places(model, target.labels)].sum(axis=1)
    if not target.against_labels:
        return np.asarray(mine)
    both = mine + found[:, _places(model, target.against_labels)].sum(axis=1)
    return np.asarray(np.divide(mine, both, out=np.full_like(mine, 0.5), where=both > 0.0))


def _is_ordered(target: Target) -> bool:
    return target.region is None or (target.region[0] <= target.region[2] and target.region[1] <= target.region[3])


def _cells_in(model: LoadedModel, given: ModelInput, polygon: BaseGeometry) -> tuple[tuple[int, int], ...]:
    """(column, row) of the tokens whose middle lies in a polygon of the source's pixels, or that it touches. Raises OutOfRange."""
    from shapely import contains_xy
    from shapely.geometry import box

    (rows, columns), (left, top, width, height) = _grid(model, given), given.box
    across, down = width / columns, height / rows
    cells = [(column, row) for row in range(rows) for column in range(columns)]
    middle = [(left + (column + 0.5) * across, top + (row + 0.5) * down) for column, row in cells]
    found = tuple(cell for cell, is_in in zip(cells, contains_xy(polygon, *np.array(middle).T), strict=True) if is_in)
    if not found:
        squares = [box(x - across / 2, y - down / 2, x + across / 2, y + down / 2) for x, y in middle]
        found = tuple(cell for cell, square in zip(cells, squares, strict=True) if polygon.intersection(square).area > 0.0)
    if not found:
        bounds = " ".join(f"{each:g}" for each in polygon.bounds)
        allowed = f"a polygon that meets the input: columns {left:g} to {left + width:g}, rows {top:g} to {top + height:g}"
        raise OutOfRange("region", bounds, allowed)
    return found


def _members(model: LoadedModel, label: str) -> tuple[str, ...]:
    """The labels that a name stands for: itself, or those that a parent sums up. Raises NotFound, naming the known ones."""
    parents: Mapping[str, Sequence[str]] = model.config.parents or {} if label not in model.labels else {}
    if label in model.labels:
        return (label,)
    if label in parents:
        return tuple(parents[label])
    raise NotFound(f"The model {model.id} has no label {label!r}.", f"Its labels are: {', '.join((*model.labels, *parents))}.")


def _places(model: LoadedModel, labels: Sequence[str]) -> list[int]:
    return [model.labels.index(label) for label in labels]


def _tokens_in(model: LoadedModel, given: ModelInput, region: tuple[float, float, float, float]) -> tuple[int, int, int, int]:
    left, top, right, bottom = region
    if left > right or top > bottom:
        allowed = "first column, first row, last column, last row, none of the last before the first"
        raise OutOfRange("region", " ".join(f"{each:g}" for each in region), allowed)
    return (*token_at(model, given, (left, top), "region"), *token_at(model, given, (right, bottom), "region"))


def token_at(model: LoadedModel, given: ModelInput, at: tuple[float, float], kind: str) -> tuple[int, int]:
    """(column, row) of the token that holds a pixel of the source, which errors call a `kind`. Raises OutOfRange."""
    left, top, width, height = given.box
    across, down = (at[0] + 0.5 - left) / width, (at[1] + 0.5 - top) / height
    if not (0.0 <= across < 1.0 and 0.0 <= down < 1.0):
        allowed = f"a pixel of the input: columns {left:g} to {left + width - 1:g}, rows {top:g} to {top + height - 1:g}"
        raise OutOfRange(kind, f"{at[0]:g} {at[1]:g}", allowed)
    rows, columns = _grid(model, given)
    return int(across * columns), int(down * rows)


def _grid(model: LoadedModel, given: ModelInput) -> tuple[int, int]:
    """(rows, columns) of tokens."""
    (height, width), (down, across) = given.values.shape[1:], model.patch
    return height // down, width // across
