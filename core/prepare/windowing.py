"""From stored DICOM values to what a screen shows: modality LUT, then VOI, then the inversion of MONOCHROME1, each exactly once.

DICOM PS3.3 C.11.1 (modality), C.11.2 (VOI), C.7.6.3.1.2 (photometric interpretation); PS3.4 N.2 (their order).
Which VOI is shown unless somebody chooses: the first usable window of the frame, else its VOI LUT, else from the smallest
to the largest value that is not padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi

from core.prepare.lookup import plain_tables
from core.types import FloatImage, Study, Window

FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")
LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue in brightness: ITU-R BT.601, as JPEG and PIL use them."""


class _Preset(NamedTuple):
    """A window that readers of CT know by name; centre and width in HU."""

    name: str
    centre: float
    width: float


PRESETS = (
    _Preset("soft tissue", 40.0, 400.0),
    _Preset("lung", -600.0, 1500.0),
    _Preset("liver", 90.0, 150.0),
    _Preset("bone", 480.0, 2500.0),
    _Preset("brain", 40.0, 80.0),
)


def apply_modality(stored: NDArray[Any], header: Dataset) -> FloatImage:
    """Stored values in output units (HU for CT): by the modality LUT where there is one, else by rescale slope and intercept.

    stored: [rows, columns]. A slope or an intercept that is missing alone counts as 1 or 0, where pydicom would apply neither.
    Returns float32 [rows, columns].
    """
    if header.get("ModalityLUTSequence"):
        tables = plain_tables(header, are_signed=stored.dtype.kind == "i")
        return np.asarray(apply_modality_lut(stored.astype(np.int32), tables), dtype=np.float32)
    slope = _number(header.get("RescaleSlope"), 1.0)
    intercept = _number(header.get("RescaleIntercept"), 0.0)
    return (stored.astype(np.float64) * slope + intercept).astype(np.float32)


def windows_of(header: Dataset) -> tuple[Window, ...]:
    """The usable windows of a frame, in the file's order; widths that PS3.3 C.11.2.1.2 forbids are left out."""
    function = str(header.get("VOILUTFunction") or "LINEAR").upper()
    function = function if function in FUNCTIONS else "LINEAR"
    centres, widths = _numbers(header.get("WindowCenter")), _numbers(header.get("WindowWidth"))
    words = [str(word) for word in _several(header.get("WindowCenterWidthExplanation"))]
    words += [""] * (len(centres) - len(words))
    pairs = zip(centres, widths, words, strict=False)
    return tuple(Window(centre, width, function, word) for centre, width, word in pairs if _is_usable(centre, width, function))


def default_window(study: Study, frame: int) -> Window | None:
    """The first usable window of `frame` (from 0); None where it has none (or is in colour): then a VOI LUT or the full range is shown."""
    if is_colour(study, frame):
        return None
    return next(iter(windows_of(study.frame_header(frame))), None)


def has_voi_lut(study: Study, frame: int) -> bool:
    """Whether `frame` brings a VOI LUT, which is shown where it has no usable window."""
    return bool(study.frame_header(frame).get("VOILUTSequence"))


def full_range(study: Study, frame: int) -> Window | None:
    """From the smallest to the largest value of `frame` that is not padding; None where all values are equal."""
    stored = study.frames.read(frame)
    if stored.ndim == 3:
        return None
    header = study.frame_header(frame)
    return _span(apply_modality(stored, header), _padding(stored, header))


def modality_values(study: Study, frame: int) -> FloatImage:
    """Values of `frame` (from 0) after the modality LUT, float32 [rows, columns]: HU for CT. Of a colour object, brightness in [0, 255].

    Raises UnreadableFile where the frame cannot be decoded.
    """
    stored = study.frames.read(frame)
    return stored.astype(np.float32) @ LUMINANCE if stored.ndim == 3 else apply_modality(stored, study.frame_header(frame))


def render(study: Study, frame: int, window: Window | None = None) -> NDArray[np.uint8]:
    """`frame` (from 0) as a screen shows it: uint8 [rows, columns], or [rows, columns, 3] for a colour object.

    window: in output units of the modality transform; by default the order of the module's docstring decides.
    Raises UnreadableFile where the frame cannot be decoded.
    """
    stored = study.frames.read(frame)
    if stored.ndim == 3:
        return stored.astype(np.uint8)
    header = study.frame_header(frame)
    values = apply_modality(stored, header)
    grey = _apply_voi(values, header, window, _padding(stored, header))
    if str(header.get("PhotometricInterpretation", study.photometric)) == "MONOCHROME1":
        grey = 255.0 - grey
    return np.rint(grey).astype(np.uint8)


def with_overlays(study: Study, frame: int, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What a person is shown: `frame` as rendered, uint8 [rows, columns] or [rows, columns, 3], its overlay planes drawn white.

    Models are shown `render` alone. Raises UnreadableFile where the file can no longer be read.
    """
    mask = None if study.overlays is None else study.overlays.mask(frame)
    if mask is None:
        return pixels
    drawn = pixels.copy()
    drawn[mask] = 255
    return drawn


def apply_window(values: FloatImage, window: Window) -> FloatImage:
    """Values in output units as grey in [0, 255], by the window's function (PS3.3 C.11.2.1.2 and C.11.2.1.3). Any shape, float32."""
    if window.function == "SIGMOID":
        steepness = np.clip(-4.0 * (values - window.centre) / window.width, -80.0, 80.0)  # further out float32 overflows
        return np.asarray(255.0 / (1.0 + np.exp(steepness)), dtype=np.float32)
    centre, width = (window.centre, window.width) if window.function == "LINEAR_EXACT" else (window.centre - 0.5, window.width - 1.0)
    if width == 0.0:  # a LINEAR window of width 1 is a threshold
        return np.asarray(values > centre, dtype=np.float32) * np.float32(255.0)
    return np.asarray(np.clip(((values - centre) / width + 0.5) * 255.0, 0.0, 255.0), dtype=np.float32)


def _apply_voi(values: FloatImage, header: Dataset, chosen: Window | None, padding: NDArray[np.bool_]) -> FloatImage:
    window = chosen or next(iter(windows_of(header)), None)
    if window is None and header.get("VOILUTSequence"):
        return _apply_voi_lut(values, header)
    window = window or _span(values, padding)
    return np.zeros_like(values) if window is None else apply_window(values, window)


def _apply_voi_lut(values: FloatImage, header: Dataset) -> FloatImage:
    tables = plain_tables(header, are_signed=bool(values.min() < 0))
    brightest = 2.0 ** int(tables.VOILUTSequence[0].LUTDescriptor[2]) - 1.0
    shown = np.asarray(apply_voi(np.rint(values).astype(np.int32), tables), dtype=np.float32)
    return np.asarray(np.clip(shown * (255.0 / brightest), 0.0, 255.0), dtype=np.float32)


def _span(values: FloatImage, padding: NDArray[np.bool_]) -> Window | None:
    known = values[np.isfinite(values) & ~padding]
    if known.size == 0 or known.min() == known.max():
        return None
    low, high = float(known.min()), float(known.max())
    return Window((low + high) / 2.0, high - low, "LINEAR_EXACT", "full range")


def _padding(stored: NDArray[Any], header: Dataset) -> NDArray[np.bool_]:
    """Where the stored values mean "no data": PixelPaddingValue, up to PixelPaddingRangeLimit where there is one (PS3.3 C.7.5.1.1.2)."""
    value = header.get("PixelPaddingValue")
    if not isinstance(value, int):
        return np.zeros(stored.shape, dtype=np.bool_)
    limit = header.get("PixelPaddingRangeLimit")
    ends = [_as_stored(end, stored) for end in (value, limit if isinstance(limit, int) else value)]
    return (stored >= min(ends)) & (stored <= max(ends))


def _as_stored(value: int, stored: NDArray[Any]) -> int:
    """A padding value of a signed image is often written with an unsigned VR: 63536 for -2000."""
    is_signed = stored.dtype.kind == "i"
    return value - 2**16 if is_signed and value >= 2**15 else value


def _is_usable(centre: float, width: float, function: str) -> bool:
    return bool(np.isfinite(centre)) and (width >= 1.0 if function == "LINEAR" else width > 0.0)


def is_colour(study: Study, frame: int) -> bool:
    """Whether `frame` (from 0) is red, green, blue: its header says so once it was read."""
    photometric = str(study.frame_header(frame).get("PhotometricInterpretation", study.photometric))
    return not photometric.startswith("MONOCHROME")


def _several(value: Any) -> Sequence[Any]:
    if value is None or value == "":
        return ()
    return (value,) if isinstance(value, str) or not isinstance(value, Sequence) else value


def _numbers(value: Any) -> list[float]:
    return [_number(part, float("nan")) for part in _several(value)]


def _number(value: Any, default: float) -> float:
    """A decimal string of the header; `default` where it is missing or is no number."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return default
