"""The map of the Earth page: both dates, what was made of them, and the chosen polygon, as layers on the grid of the first date."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.change.methods.index import INDEX
from core.change.severity import SEVERITIES, UNBURNED
from core.explain.overlay import drawn_map
from core.prepare.grid.ground import pixel_metres
from core.render.colours import CHANGE, CHANGED, UNSTABLE_MARK, class_colours, table
from core.render.ground import Ground, draw_piece, sharper_piece
from core.render.heatmap import map_layer
from core.render.indices import index_picture, indices_of
from core.render.preview import Preview
from core.render.scene import Piece, classes_picture, mask_picture, read_classes, values_picture
from core.types import Box, ChangeMap, ChangePolygon, Scene
from core.ui.earth.comparison import comparison
from core.ui.earth.cover_panel import ground_unit
from core.ui.earth.models import land_cover_models
from core.ui.earth.page_state import EarthState, Why, date_words, visit
from core.ui.earth.strip import strip_height
from core.ui.earth.work import change_task, land_cover, polygon_at, previews, shown_scenes
from core.ui.earth.zones.work import outlines, zone_box, zones_in_view
from core.ui.state.session import Session
from core.ui.viewer import Click, Colours, Layer, Length, Show, Viewport
from core.ui.viewer.facts import map_colours

_OPACITY = 0.4
CHANGE_OPACITY = 0.9
TABS_KEY = "earth.tabs"
"""Streamlit's key of the panel's tabs."""
SIDES = ("before", "after")
KEPT_OF_A_KIND = 6
OF_NO_FIXED_TOP = ("embedding", INDEX)
"""Methods whose scores hardly ever reach the highest that there can be: the brightest hundredth is drawn as the highest."""

_T = TypeVar("_T")


def map_view(session: Session, here: EarthState, ground: Ground, viewport: Viewport | None) -> Show:
    """Everything that the viewer draws."""
    scene = here.before
    chosen = chosen_polygon(session, here)
    layers = [*_ground(here, ground), *_maps(session, here, ground), *_change(session, here, ground), *_zones(here, ground)]
    saliency = _saliency(here, chosen)
    metres = pixel_metres(scene)
    t = scene.transform
    return Show(
        key=view_key(here),
        label=f"Map of {scene.name}",
        columns=scene.width,
        rows=scene.height,
        layers=(*layers, *saliency),
        viewport=viewport,
        marks=north(scene),
        texts=_texts(here, ground),
        aspect=metres[1] / metres[0] if metres else 1.0,
        length=Length(metres[0], "m") if metres else None,
        boxes=_boxes(here, chosen),
        colours=_bar(here, chosen) if any(layer.on for layer in saliency) else None,
        affine=(t.a, t.b, t.c, t.d, t.e, t.f) if scene.crs else None,
        unit=ground_unit(scene),
        go_to=_go_to(here, chosen),
        tells_seen=ground.piece.reduction > 1.0,
        height=f"clamp(380px, calc(100vh - {(175 if len(here.groups) > 1 else 110) + strip_height(here)}px), 1100px)",
    )


def _go_to(here: EarthState, chosen: ChangePolygon | None) -> tuple[str, Box] | None:
    """The zone that was chosen where the eye is on zones, else the polygon of change."""
    if is_on_tab("Zones"):
        zone = next((zone for zone in zones_in_view(here) if zone.id == here.zone), None)
        return (f"{here.visits}.zone.{zone.id}", zone_box(zone, here.before)) if zone else None
    return (f"{here.visits}.{chosen.id}", _floats(chosen.window)) if chosen else None


def _zones(here: EarthState, ground: Ground) -> list[Layer]:
    """Outlines of the user's own polygons, above everything."""
    picture = outlines(here, ground.piece)
    if picture is None:
        return []
    return [Layer("zones", picture, _floats((0, 0, here.before.width, here.before.height)), name="Zones")]


def view_key(here: EarthState) -> str:
    """A view belongs to the grid of the first date."""
    scene = here.before
    return f"{scene.sha256}.{scene.width}x{scene.height}"


def chosen_polygon(session: Session, here: EarthState) -> ChangePolygon | None:
    """The polygon of change that the user chose, None where there is none (any more)."""
    result = change_task(session, here).value if here.after else None
    if result is None or here.polygon is None:
        return None
    return next((polygon for polygon in result.polygons if polygon.id == here.polygon), None)


def pick_place(session: Session, here: EarthState, clicked: Click) -> None:
    """A click on the map: a polygon of change where the eye is on change and one lies there, else the scores of the place."""
    at = (clicked.column, clicked.row)
    result = change_task(session, here).value if here.after else None
    polygon = polygon_at(result, at) if result is not None and is_on_tab("Change") else None
    if polygon is not None:
        visit(here, polygon.id)
        return
    here.clicked, here.tab = at, "Land cover"


def is_on_tab(name: str) -> bool:
    """Whether that tab of the panel is open: the map shows what is spoken of."""
    return st.session_state.get(TABS_KEY) == name


def north(scene: Scene) -> dict[str, str]:
    """The letter N at the edge of the picture that lies to the north; nothing without a CRS, or where north is a corner."""
    if scene.crs is None:
        return {}
    t = scene.transform
    # (column, row) of a step to the north: of the larger y.
    across, down = -t.b / t.determinant, t.a / t.determinant
    if abs(abs(across) - abs(down)) < 0.3 * math.hypot(across, down):
        return {}
    if abs(down) > abs(across):
        return {"north": "N ↑"} if down < 0 else {"south": "N ↓"}
    return {"east": "N →"} if across > 0 else {"west": "← N"}


def _texts(here: EarthState, ground: Ground) -> tuple[str, str]:
    after = here.after
    if after is None or ground.after is None:
        return date_words(here.before), ""
    return date_words(here.before), date_words(after)


def _ground(here: EarthState, ground: Ground) -> list[Layer]:
    whole = _floats((0, 0, here.before.width, here.before.height))
    pictures = [ground.before] if ground.after is None else [ground.before, ground.after]
    layers = [_ground_layer(f"ground.{number}", picture, whole, number, len(pictures)) for number, picture in enumerate(pictures)]
    piece = sharper_piece(ground, here.before, here.seen)
    if piece is None:
        return layers
    scenes = [scene for _, scene in shown_scenes(here)][: len(pictures)]
    sharper = _kept(here, "sharper", ("sharper", here.pair, piece, ground.preset), lambda: draw_piece(scenes, ground, piece))
    box = _floats(piece.box)
    return [*layers, *(_ground_layer(f"sharper.{number}", picture, box, number, len(pictures)) for number, picture in enumerate(sharper))]


def _ground_layer(name: str, picture: bytes, box: Box, number: int, count: int) -> Layer:
    return Layer(name, picture, box, side=SIDES[number] if count > 1 else "both", ground=True)


def _maps(session: Session, here: EarthState, ground: Ground) -> list[Layer]:
    """Classes, confidence, and where the classes are unstable, of each date; both dates behind one switch."""
    shown = [number for number, _ in shown_scenes(here)]
    mapped = [land_cover(session, here, number).value for number in shown]
    changed: ChangeMap | None = change_task(session, here).value if here.after else None
    classes = [result.landcover if result else None for result in mapped]
    if changed is not None:
        classes = [known or made for known, made in zip(classes, (changed.landcover_before, changed.landcover_after), strict=False)]
    under_way = previews(here)
    is_growing = changed is None and bool(under_way)  # there is nothing else yet to look at
    model = land_cover_models().get(here.model) if under_way else None
    labels = next((known.labels for known in (*mapped, changed, model) if known is not None and known.labels), ())  # of bands: none
    drawn = [
        _classes(here, path, labels, ground.piece) if path else _so_far(here, under_way.get(number), labels)
        for number, path in zip(shown, classes, strict=False)
    ]
    trusted = [_values(here, result.confidence, ground.piece, table()) if result else None for result in mapped]
    unstable = [_unstable(here, result.unstable, ground.piece) if result and result.unstable else None for result in mapped]
    return [
        *_by_date(here, "Land cover", drawn, is_on=len(shown) == 1 or is_on_tab("Land cover") or is_growing),
        *_by_date(here, "Confidence", trusted, is_on=False),
        *_by_date(here, "Unstable", unstable, is_on=False),
        *_index(here, ground.piece),
    ]


def _index(here: EarthState, piece: Piece) -> list[Layer]:
    """The index that is shown, of each date whose bands form it."""
    name = here.shown_index
    if not name:
        return []
    pictures = [
        _kept(here, "index", (name, number, piece), partial(index_picture, scene, name, here.before, piece))
        if name in indices_of(scene)
        else None
        for number, scene in shown_scenes(here)
    ]
    return _by_date(here, name.upper(), pictures, is_on=True)


def _so_far(here: EarthState, shown: tuple[Preview, int] | None, labels: Sequence[str]) -> bytes | None:
    """The classes of the rows that are done, None where nothing is under way."""
    if shown is None:
        return None
    preview, date = shown
    return preview.picture(date, class_colours(labels), _hidden(here, labels))


def _hidden(here: EarthState, labels: Sequence[str]) -> frozenset[int]:
    return frozenset(index for index, label in enumerate(labels) if label in here.hidden)


def _by_date(here: EarthState, name: str, pictures: Sequence[bytes | None], *, is_on: bool) -> list[Layer]:
    """A layer a date, all behind the switch of the first one that is there."""
    whole = _floats((0, 0, here.before.width, here.before.height))
    there = [(place, picture) for place, picture in enumerate(pictures) if picture is not None]
    return [
        Layer(
            f"{name}.{place}", picture, whole, name=name if count == 0 else "", twin="" if count == 0 else name, opacity=_OPACITY, on=is_on,
            side=SIDES[place] if len(pictures) > 1 else "both", smooth=False,
        )
        for count, (place, picture) in enumerate(there)
    ]  # fmt: skip


def _classes(here: EarthState, path: Path, labels: Sequence[str], piece: Piece) -> bytes:
    hidden = _hidden(here, labels)
    classes = _kept(here, "classes", (path, piece), lambda: read_classes(path, here.before, piece))
    return _kept(here, "classes picture", (path, piece, hidden), lambda: classes_picture(classes, class_colours(labels), hidden))


def _values(here: EarthState, path: Path, piece: Piece, colours: NDArray[np.uint8], top: float | None = 1.0, **how: bool) -> bytes:
    """how: as of values_picture."""
    return _kept(here, "values", (path, piece), partial(values_picture, path, here.before, piece, colours, top, **how))


def _unstable(here: EarthState, path: Path, piece: Piece) -> bytes:
    return _kept(here, "unstable", (path, piece), lambda: mask_picture(path, here.before, piece, UNSTABLE_MARK))


def _change(session: Session, here: EarthState, ground: Ground) -> list[Layer]:
    result: ChangeMap | None = change_task(session, here).value if here.after else None
    if result is None:
        return []
    whole = _floats((0, 0, here.before.width, here.before.height))
    mask = _kept(here, "mask", (result.change, ground.piece), lambda: mask_picture(result.change, here.before, ground.piece, CHANGED))
    top, is_signed = None if result.method in OF_NO_FIXED_TOP else 1.0, result.parameters.get("direction") == "fall"
    score = _values(here, result.score, ground.piece, table(CHANGE), top, fades=True, is_signed=is_signed)
    return [
        Layer("score", score, whole, name=_score_name(result), opacity=_OPACITY, on=False, smooth=False),
        *_severity(here, result, ground.piece),
        Layer("change", mask, whole, name="Change", opacity=CHANGE_OPACITY, on=not is_on_tab("Land cover"), smooth=False),
    ]


def _severity(here: EarthState, result: ChangeMap, piece: Piece) -> list[Layer]:
    """Classes of burn severity; unburned ground is left clear."""
    path, whole = result.severity, _floats((0, 0, here.before.width, here.before.height))
    if path is None:
        return []
    classes = _kept(here, "severity", (path, piece), lambda: read_classes(path, here.before, piece))
    hidden = frozenset({SEVERITIES.index(UNBURNED)})
    picture = _kept(here, "severity picture", (path, piece), lambda: classes_picture(classes, class_colours(SEVERITIES), hidden))
    return [Layer("severity", picture, whole, name="Severity", opacity=CHANGE_OPACITY, on=not is_on_tab("Land cover"), smooth=False)]


def _score_name(result: ChangeMap) -> str:
    if result.method == INDEX:
        return f"{str(result.parameters['index']).upper()} difference"
    return "Probability" if result.is_calibrated else "Score"


def _saliency(here: EarthState, polygon: ChangePolygon | None) -> list[Layer]:
    """The map of why, on the window that was explained, once it is there."""
    found = _why(here, polygon)
    if found is None:
        return []
    picture = map_layer(drawn_map(found.explanation))
    is_on = not is_on_tab("Land cover")
    box = found.input.box
    return [Layer(f"saliency.{here.polygon}", picture, box, name="Why", opacity=_OPACITY, on=is_on, side="after", smooth=False)]


def _why(here: EarthState, polygon: ChangePolygon | None) -> Why | None:
    task = here.whys.get((*comparison(here), polygon.id)) if polygon else None
    return task.value if task is not None else None


def _bar(here: EarthState, polygon: ChangePolygon | None) -> Colours | None:
    found = _why(here, polygon)
    return map_colours(drawn_map(found.explanation)) if found is not None else None


def _boxes(here: EarthState, polygon: ChangePolygon | None) -> tuple[Box, ...]:
    boxes = [_floats(polygon.window)] if polygon and not is_on_tab("Land cover") else []
    task = here.places.get((here.pair[0], here.pair[0], here.model, here.clicked)) if here.clicked else None
    if task is not None and task.value is not None:
        boxes.append(task.value.box)
    return tuple(boxes)


def _kept(here: EarthState, kind: str, key: object, make: Callable[[], _T]) -> _T:
    """Pictures are drawn once, not in every run of the page; of each kind the last few are kept."""
    known: dict[object, _T] = here.drawn.setdefault(kind, {})
    if key not in known:
        if len(known) >= KEPT_OF_A_KIND:
            known.pop(next(iter(known)))
        known[key] = make()
    return known[key]


def _floats(box: tuple[int, int, int, int]) -> Box:
    left, top, width, height = map(float, box)
    return left, top, width, height
