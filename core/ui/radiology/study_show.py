"""A study or a picture as the viewer shows it: windows, letters of orientation, scale, corners."""

from __future__ import annotations

from collections.abc import Sequence

from core.explain.overlay import drawn_map
from core.prepare.windowing import PRESETS, default_window, full_range
from core.render.heatmap import map_layer
from core.types import Box, Explanation, Picture, Study, Window
from core.ui.radiology.study_places import slice_places
from core.ui.viewer import Colours, Grid, Layer, Length, Packed, Preset, Show, Viewport
from core.ui.widgets.words import INTENDED_USE, method_words

AXES = (("L", "R"), ("P", "A"), ("H", "F"))
"""Letters at the positive and negative end of each axis of the patient: PS3.3 C.7.6.2.1.1, C.7.6.1.1.1."""
OPPOSITE = {"L": "R", "R": "L", "A": "P", "P": "A", "H": "F", "F": "H"}
_OPACITY = 0.7
"""Of an overlay at first, where it is strongest: it is clear where it is zero."""
LUNG = "lung"
"""The preset that shows the lung."""
OBLIQUE = 0.3
"""A second letter is written where the direction leans that much to another axis."""


def show_image(image: Study | Picture, packed: Packed, key: str, viewport: Viewport | None, extra: Sequence[Layer] = (),
               grid: Grid | None = None, colours: Colours | None = None, first: Viewport | None = None) -> Show:  # fmt: skip
    """Either kind of image; arguments as of show_study."""
    if isinstance(image, Picture):
        return show_picture(image, packed, key, viewport, extra, grid, colours)
    return show_study(image, packed, key, viewport, extra, grid, colours, first)


def show_study(study: Study, packed: Packed, key: str, viewport: Viewport | None, extra: Sequence[Layer] = (),
               grid: Grid | None = None, colours: Colours | None = None, first: Viewport | None = None) -> Show:  # fmt: skip
    """extra: overlays. key: of the image, so that another one starts with a view of its own.

    first: what first_viewport gave for the middle frame, where it was asked already: it decodes that frame.
    """
    return Show(
        key=key,
        label=f"{study.modality or 'DICOM'} image",
        columns=packed.columns,
        rows=packed.rows,
        packed=packed,
        layers=tuple(extra),
        first=first or first_viewport(study, packed, study.shape[0] // 2),
        viewport=viewport,
        presets=presets_of(study),
        marks=marks_of(study),
        texts=(_headline(study), INTENDED_USE.replace(". ", ".\n")),
        notes=slice_notes(study),
        aspect=study.pixel_aspect,
        length=length_of(study),
        grid=grid,
        colours=colours,
    )


def show_picture(picture: Picture, packed: Packed, key: str, viewport: Viewport | None, extra: Sequence[Layer] = (),
                 grid: Grid | None = None, colours: Colours | None = None) -> Show:  # fmt: skip
    """As show_study, for pixels without a header."""
    return Show(
        key=key, label="Picture", columns=packed.columns, rows=packed.rows, packed=packed, layers=tuple(extra),
        first=Viewport(shape="LINEAR_EXACT"), viewport=viewport, texts=("", INTENDED_USE.replace(". ", ".\n")), grid=grid, colours=colours,
    )  # fmt: skip


def saliency_layer(explanation: Explanation, box: Box, *, is_on: bool) -> Layer:
    """The map over what the model read, `box` of the image. What counts for nothing is clear, so that the image stays."""
    return Layer(
        id=f"{explanation.method}.{explanation.target.name}",
        picture=map_layer(drawn_map(explanation)),
        box=box,
        name=method_words(explanation.method),
        opacity=_OPACITY,
        on=is_on,
        smooth=explanation.tokens is None,
    )


def _headline(study: Study) -> str:
    """ "DX, chest, PA": what the header says that this is; of CT the kernel and the thickness of slices on a line of their own."""
    words = [study.modality, study.body_part.lower(), study.view]
    how = [f"kernel {study.kernel}" if study.kernel else "", f"{study.thickness_mm:.4g} mm" if study.thickness_mm else ""]
    lines = (", ".join(word for word in line if word) for line in (words, how))
    return "\n".join(line for line in lines if line)


def slice_notes(study: Study) -> tuple[str, ...]:
    """What stands beside the number of each slice: its instance number, and where it lies; () where the file tells neither."""
    frames, places = study.shape[0], slice_places(study)
    numbers = study.instance_numbers if len(study.instance_numbers) == frames else ()
    where = "table" if study.modality == "CT" else "position"
    lines = [
        [f"instance {number}" for number in numbers[index : index + 1]]
        + [f"{where} {place:z.1f} mm".replace("-", "\N{MINUS SIGN}") for place in places[index : index + 1]]
        for index in range(frames)
    ]
    return tuple("\n".join(line) for line in lines) if any(lines) else ()


def first_viewport(study: Study, packed: Packed, index: int) -> Viewport:
    """The window of the file, its VOI LUT, or the full range: the order of core/prepare/windowing.py."""
    window = default_window(study, index)
    if window is None and packed.curve is not None:
        middle, width = (packed.curve.low + packed.curve.high) / 2, packed.curve.high - packed.curve.low
        return Viewport(slice=index, centre=middle, width=width, shape="LINEAR_EXACT", usesCurve=True)
    window = window or (None if packed.is_colour else full_range(study, index)) or Window(127.5, 255.0, "LINEAR_EXACT")
    return Viewport(slice=index, centre=window.centre, width=window.width, shape=window.function)


def presets_of(study: Study) -> tuple[Preset, ...]:
    """The named windows of CT; elsewhere they would mean nothing."""
    if study.modality != "CT":
        return ()
    return tuple(Preset(preset.name, Window(preset.centre, preset.width)) for preset in PRESETS)


def lung_window(image: Study | Picture) -> Window | None:
    """The window through which a candidate in the lung can be seen; None where values are not HU."""
    if not isinstance(image, Study):
        return None
    return next((preset.window for preset in presets_of(image) if preset.name == LUNG), None)


def marks_of(study: Study) -> dict[str, str]:
    """Letters at the edges, from the direction cosines or from Patient Orientation (0020,0020); none are made up."""
    if study.orientation and len(study.orientation) == 6:
        east, south = _letters(study.orientation[:3]), _letters(study.orientation[3:])
    else:
        told = [str(part).strip().upper() for part in study.header.get("PatientOrientation") or ()]
        if len(told) != 2 or not all(part and set(part) <= set(OPPOSITE) for part in told):
            return {}
        east, south = told
    return {"east": east, "west": _opposite(east), "south": south, "north": _opposite(south)}


def _letters(direction: Sequence[float]) -> str:
    ranked = sorted(range(3), key=lambda axis: -abs(direction[axis]))
    taken = [axis for place, axis in enumerate(ranked) if place == 0 or abs(direction[axis]) >= OBLIQUE]
    return "".join(AXES[axis][0 if direction[axis] > 0 else 1] for axis in taken)


def _opposite(letters: str) -> str:
    return "".join(OPPOSITE[letter] for letter in letters)


def length_of(study: Study) -> Length | None:
    """The scale bar; a projection's millimetres are those of the detector, not of the body."""
    if not study.spacing_mm:
        return None
    return Length(study.spacing_mm[1], "mm", "at the detector" if study.is_projection else "")
