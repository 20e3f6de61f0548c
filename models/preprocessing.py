"""How an image becomes the network's input, by preprocess.json and, for what that leaves out, by preprocessor_config.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.errors import BrokenModel, UnsupportedModel
from core.types import Domain, MeasuredRange, Preprocess
from models.folder import CONFIG, PREPROCESS, PROCESSOR, read_json

BYTE = 255.0
"""Values of a picture as transformers' processors read them go to 255, here to 1."""
WHOLE = ("domain", "size", "channels", "standardise")
"""What preprocess.json must say to stand alone."""
LINEAR = ("Highway", "River")
"""EuroSAT's classes of lines, for a model of land cover that does not say which of its own are."""
CHANNELS = {1: ("luminance",), 3: ("red", "green", "blue")}


def read_preprocess(folder: Path) -> Preprocess:
    """preprocess.json; where it is missing or leaves something out, what preprocessor_config.json says.

    Raises BrokenModel, and UnsupportedModel for channels that nothing names.

    A checkpoint that says nothing of what it was made for is of the domain "picture": any image is shown to it.
    """
    own = read_json(folder / PREPROCESS) if (folder / PREPROCESS).is_file() else {}
    is_silent = any(key not in own for key in WHOLE)
    borrowed = _by_processor(folder, own.get("channels")) if is_silent and (folder / PROCESSOR).is_file() else {}
    values: dict[str, Any] = {**borrowed, **own}
    try:
        sizes, channels = values["size"], values["channels"]
        if [type(side) for side in sizes] != [int, int] or min(sizes) < 1 or not isinstance(channels, (list, tuple)) or not channels:
            raise ValueError("size must be [rows, columns], channels a list of names")
        if values["domain"] == Domain.LAND_COVER:
            values.setdefault("linear", LINEAR)
        return preprocess_of(values)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        name = PREPROCESS if own else PROCESSOR
        raise BrokenModel(f"{folder / name} cannot be used: {error}.", "Compare it with a model of the zoo.") from None


def preprocess_of(values: Mapping[str, Any]) -> Preprocess:
    """The keys of preprocess.json as they are read from JSON or TOML. Raises TypeError, KeyError or ValueError for what does not fit."""
    ranges = tuple(MeasuredRange(**_frozen(one)) for one in values.get("measured_for", ()))
    return Preprocess(**{**_frozen(values), "domain": Domain(values["domain"]), "measured_for": ranges})


def is_enlargement(enlarged: float, size: Sequence[int], patch_size: int) -> bool:
    """Whether tiles of size (rows, columns) can be looked at a second time, enlarged so; 0, which is no second look, always.

    Files say it, so that what is no number is answered too.
    """
    if isinstance(enlarged, bool) or not isinstance(enlarged, (int, float)):
        return False
    return enlarged == 0 or (enlarged >= 1 and all(side * enlarged % patch_size == 0 for side in size))


def _frozen(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}


def _by_processor(folder: Path, named: Sequence[str] | None) -> dict[str, Any]:
    """preprocessor_config.json in the names of Preprocess. named: what preprocess.json calls the channels.

    Raises BrokenModel, and UnsupportedModel where nobody names them and they are neither one nor three.
    """
    given, config = read_json(folder / PROCESSOR), read_json(folder / CONFIG)
    count = config.get("num_channels", 3)
    if named is None and count not in CHANNELS:
        raise UnsupportedModel(
            f"The model in {folder} reads {count} channels, and nothing beside it says which.",
            f"One channel or three would be supported as they are. Of others, list the names in order in {PREPROCESS}: "
            '{"domain": "land-cover", "channels": ["blue", "green", "red", "near infrared", ...]}.',
        )
    try:
        channels = tuple(named) if named is not None else CHANNELS[count]
        mean, std = _standard(given, len(channels))
        size = _size(given, config)
    except (KeyError, TypeError, ValueError) as error:
        hint = f"Say size, channels, standardise, mean and std in {PREPROCESS}."
        raise BrokenModel(f"{folder / PROCESSOR} cannot be used: {error}.", hint) from None
    return {
        "domain": Domain.PICTURE,
        "size": size,
        "channels": channels,
        "standardise": "fixed",
        "mean": mean,
        "std": std,
    }


def _size(given: Mapping[str, Any], config: Mapping[str, Any]) -> tuple[int, int]:
    """(rows, columns): of the crop where the processor crops, else what it resizes to, else what the network was made for.

    Nothing is cut off here: the whole image is brought to that size.
    """
    found = given.get("crop_size") if given.get("do_center_crop") else None
    found = found or (given.get("size") if given.get("do_resize", True) else None) or config["image_size"]
    if isinstance(found, Mapping):
        found = found["shortest_edge"] if "shortest_edge" in found else (found["height"], found["width"])
    rows, columns = found if isinstance(found, (list, tuple)) else (found, found)
    return int(rows), int(columns)


def _standard(given: Mapping[str, Any], channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(mean, deviation) of values in [0, 1]: a processor takes (value * 255 * rescale_factor - image_mean) / image_std."""
    top = BYTE * (float(given.get("rescale_factor", 1.0 / BYTE)) if given.get("do_rescale", True) else 1.0)
    mean, std = (given["image_mean"], given["image_std"]) if given.get("do_normalize", True) else (0.0, 1.0)
    both = [list(each) if isinstance(each, (list, tuple)) else [each] * channels for each in (mean, std)]
    mean, std = (tuple(round(float(value) / top, 9) for value in each) for each in both)
    if not all(value > 0.0 for value in std):
        raise ValueError("image_std must be above 0")
    return mean, std
