"""The viewer of the Radiology page: the image, the map over it, what was found in it, and the tokens that can be clicked."""

from __future__ import annotations

from dataclasses import replace

from core.explain.overlay import drawn_map
from core.types import Box, Explanation, Picture
from core.ui.radiology.candidates import candidate_boxes
from core.ui.radiology.page_state import ImageAnswer, Opening, Shown, Slices
from core.ui.radiology.study_show import lung_window, saliency_layer, show_image
from core.ui.viewer import Click, Grid, Show, Viewport
from core.ui.viewer.facts import map_colours

_HEIGHT = "clamp(420px, calc(100vh - 118px), 1400px)"
"""Of the viewer: the window's, less the bar above it and the slider below."""


def image_view(opening: Opening, shown: Slices, answer: ImageAnswer | None, explanation: Explanation | None, *, has_overlay: bool) -> Show:
    """What the viewer draws: the image, and where has_overlay the map over it and the tokens that can be clicked."""
    here = slice_in_view(opening, shown)
    is_read = is_read_from(answer, here)
    box = read_box(opening.image, answer)
    layers = [saliency_layer(explanation, box, is_on=has_overlay)] if explanation and is_read else []
    clicked = opening.clicked if has_overlay else None
    grid = Grid(*answer.grid, box=box, clicked=clicked) if answer and is_read and has_overlay else None
    colours = map_colours(drawn_map(explanation)) if explanation and has_overlay and is_read else None
    drawn = show_image(opening.image, shown.packed, opening.name, opening.viewport, layers, grid, colours, shown.first)
    drawn = replace(drawn, height=_HEIGHT, can_pick=has_overlay, boxes=candidate_boxes(answer.searched, here) if answer else ())
    visit = opening.visit
    if visit is None:
        return drawn
    place = f"{opening.name}.{visit.number}", visit.box
    return replace(drawn, go_to=place, go_to_slice=visit.frame, go_to_window=lung_window(opening.image))


def slice_in_view(opening: Opening, shown: Slices) -> int:
    """The number of the slice that the viewer shows, from 0."""
    return viewport_in_view(opening, shown).slice


def viewport_in_view(opening: Opening, shown: Slices | None) -> Viewport:
    """What the user chose last, else the view that the image opens with. shown: None while it is being prepared."""
    return opening.viewport or (shown and shown.first) or Viewport()


def read_box(image: Shown, answer: ImageAnswer | None) -> Box:
    """(left, top, width, height) of what the model read: all of the image, or of CT the best window."""
    if answer and answer.searched:
        return answer.searched.window.box
    rows, columns = size_of(image)
    return 0.0, 0.0, float(columns), float(rows)


def is_read_from(answer: ImageAnswer | None, index: int) -> bool:
    """Whether what the model read lies in the slice of that number, from 0."""
    return answer is None or answer.searched is None or answer.searched.window.frame == index


def size_of(image: Shown) -> tuple[int, int]:
    """(rows, columns)."""
    return (image.pixels.shape[0], image.pixels.shape[1]) if isinstance(image, Picture) else image.shape[1:]


def pick_token(opening: Opening, grid: tuple[int, int], place: Click, answer: ImageAnswer | None = None) -> None:
    """Remember the token under a click; a second click lets go of it, and so does one beside what the model read."""
    left, top, width, height = read_box(opening.image, answer)
    row, column = int((place.row - top) * grid[0] // height), int((place.column - left) * grid[1] // width)
    is_inside = 0 <= row < grid[0] and 0 <= column < grid[1] and is_read_from(answer, place.slice)
    opening.clicked = None if not is_inside or (row, column) == opening.clicked else (row, column)
