"""What the viewer is told, and what it tells: plain values that travel to viewer.js and back. Boxes are (left, top, width, height)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from core.explain.overlay import DrawnMap
from core.render.heatmap import stops
from core.report.map_words import scale_ends
from core.types import Box, Window
from core.ui.viewer.pack import Packed


@dataclass(frozen=True)
class Viewport:
    """How the user looks at an image: slice from 0, window, inversion, and where the swipe bar stands in [0, 1].

    usesCurve: shown by the file's own VOI LUT until a window is chosen.
    """

    slice: int = 0
    centre: float = 127.5
    width: float = 255.0
    shape: str = "LINEAR"
    inverted: bool = False
    usesCurve: bool = False  # noqa: N815 - the name that viewer.js knows
    swipe: float = 0.5

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Viewport:
        """The look that viewer.js reported; fields that it did not name keep their default."""
        return cls(**{name: told[name] for name in cls.__dataclass_fields__ if name in told})

    def at_slice(self, index: int, window: Window | None = None) -> Viewport:
        """The same look at another slice, through another window where one is given."""
        if window is None:
            return replace(self, slice=index)
        return replace(self, slice=index, centre=window.centre, width=window.width, shape=window.function, usesCurve=False)


@dataclass(frozen=True)
class Layer:
    """A picture over the source. picture: PNG bytes. side: "both", or "before" | "after" of the swipe bar.

    name: of its switch and opacity in the bar; "" for none. twin: a name whose switch moves this layer too.
    ground: stays when overlays are hidden. smooth: off for token maps, whose steps are what was measured.
    """

    id: str
    picture: bytes
    box: Box
    name: str = ""
    twin: str = ""
    opacity: float = 1.0
    on: bool = True
    side: str = "both"
    ground: bool = False
    smooth: bool = True


@dataclass(frozen=True)
class Grid:
    """Cells that can be clicked: the tokens of a model on the source. clicked: (row, column).

    painted: numbers of cells, row by row from 0.
    """

    rows: int
    columns: int
    box: Box
    clicked: tuple[int, int] | None = None
    painted: tuple[int, ...] = ()


@dataclass(frozen=True)
class Length:
    """For the scale bar: length of a source pixel's width in `unit` ("mm" or "m"), and a note such as "at the detector"."""

    per_pixel: float
    unit: str
    note: str = ""


@dataclass(frozen=True)
class Colours:
    """A colour bar: CSS colours from low to high, and what the ends mean."""

    stops: tuple[str, ...]
    low: str = "low"
    high: str = "high"


def map_colours(drawn: DrawnMap) -> Colours:
    """The colour bar of a map."""
    return Colours(stops(drawn.is_signed, drawn.side), *scale_ends(drawn))


@dataclass(frozen=True)
class Preset:
    """A window that a chip and a number key set."""

    name: str
    window: Window


@dataclass(frozen=True)
class Show:
    """All that one viewer shows.

    key: a new one starts with a new view; the same one keeps zoom, window and slice.
    columns, rows: of the source in pixels; aspect: height of a pixel by its width.
    packed: slices to be windowed in the browser; None where layers are all there is.
    texts: upper left and upper right corner. notes: beside the number of each slice. marks: letters at "north", "south", "west", "east".
    affine: source pixels (column, row) to map coordinates, six numbers, for the read-out under the cursor. unit: of these coordinates, "°"
    for latitude and longitude, "" where it is not known.
    go_to: (id, box): brings the box into view once for each id; and the slice with it, where go_to_slice names one (from 0), through
    go_to_window, where there is one.
    boxes: outlined on whatever slice is in view.
    is_brush: whether a drag paints cells of the grid, and a click picks none.
    can_pick: whether a click tells the server its place.
    tells_seen: whether the viewer reports the part in view, so that it can be drawn sharper.
    """

    key: str
    label: str
    columns: int
    rows: int
    packed: Packed | None = None
    layers: tuple[Layer, ...] = ()
    first: Viewport = field(default_factory=Viewport)
    viewport: Viewport | None = None
    presets: tuple[Preset, ...] = ()
    notes: tuple[str, ...] = ()
    marks: Mapping[str, str] = field(default_factory=dict)
    texts: tuple[str, str] = ("", "")
    aspect: float = 1.0
    length: Length | None = None
    grid: Grid | None = None
    boxes: tuple[Box, ...] = ()
    colours: Colours | None = None
    affine: tuple[float, ...] | None = None
    unit: str = ""
    go_to: tuple[str, Box] | None = None
    go_to_slice: int | None = None
    go_to_window: Window | None = None
    is_plain: bool = False
    can_pick: bool = True
    is_brush: bool = False
    tells_seen: bool = False
    height: str = "clamp(380px, calc(100vh - 250px), 1100px)"

    def as_data(self) -> dict[str, Any]:
        """Everything but pixels, under the names that viewer.js reads; component.py adds the addresses of the pixels."""
        return {
            "key": self.key,
            "label": self.label,
            "columns": self.columns,
            "rows": self.rows,
            "aspect": self.aspect,
            "initial": asdict(self.first),
            "view": asdict(self.viewport or self.first),
            "presets": [
                {"name": preset.name, "centre": preset.window.centre, "width": preset.window.width, "shape": preset.window.function}
                for preset in self.presets
            ],
            "marks": dict(self.marks),
            "texts": list(self.texts),
            "notes": list(self.notes),
            "length": self.length and {"perPixel": self.length.per_pixel, "unit": self.length.unit, "note": self.length.note},
            "grid": self.grid and asdict(self.grid),
            "boxes": [list(box) for box in self.boxes],
            "colours": self.colours and {"stops": list(self.colours.stops), "low": self.colours.low, "high": self.colours.high},
            "geo": self.affine and {"affine": list(self.affine), "digits": 5 if self.unit == "°" else 0, "unit": self.unit},
            "command": self._command(),
            "plain": self.is_plain,
            "canPick": self.can_pick,
            "brush": self.is_brush,
            "tellsSeen": self.tells_seen,
            "height": self.height,
        }

    def _command(self) -> dict[str, Any] | None:
        if self.go_to is None:
            return None
        window = self.go_to_window
        return {
            "id": self.go_to[0],
            "box": list(self.go_to[1]),
            "slice": self.go_to_slice,
            "window": window and {"centre": window.centre, "width": window.width, "shape": window.function},
        }


@dataclass(frozen=True)
class Click:
    """A click on the source: pixel, slice from 0, and the side of the swipe bar."""

    column: int
    row: int
    slice: int
    side: str
