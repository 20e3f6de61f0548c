"""What the Earth page starts: maps and changes as jobs, scores of a place, the why of a polygon of change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from core.change.band_means import BandMeans, band_means
from core.change.methods.base import Method
from core.change.methods.choose import WITHOUT_MODEL
from core.change.taken_back import take_back
from core.errors import InputError
from core.explain.catalogue import ranked_methods
from core.inference.calibration import probabilities
from core.inference.engine import engine_for
from core.inference.prediction import predict_input
from core.inference.scenes.pair_statistics import STATISTICS
from core.jobs import JobProgress, Lane
from core.prepare.grid.align import on_grid_of
from core.prepare.scene_input import input_at
from core.render.ground import Ground, draw_ground
from core.render.preview import Preview
from core.render.scene import NATURAL_COLOUR, band_presets_of
from core.report.notices import say
from core.types import ChangeMap, ChangePolygon, LandCoverMap, Scene, TakenBack
from core.ui.earth.comparison import chosen_method, comparison, misfit, opened_method
from core.ui.earth.models import change_model, megapixels, unreadable_dates
from core.ui.earth.page_state import Comparison, EarthState, Pixel, PlaceScores, Why, date_words
from core.ui.earth.questions import is_open
from core.ui.state.session import Session, Task
from core.workflows.change import detect_change
from core.workflows.image import explain_input
from core.workflows.scene_map import map_scene

Opener = Callable[[], Method]
AUTOMATIC_MEGAPIXELS = 4.0
"""Dates of up to so many million pixels of the model are analysed without being asked; more wait for a button."""


def shown_scenes(here: EarthState) -> list[tuple[int, Scene]]:
    """(number, scene on the grid of the first) of the dates shown that can be laid on one another."""
    shown = [(here.pair[0], here.before)]
    if here.after and misfit(here) is None:
        shown.append((here.pair[1], on_grid_of(here.after, here.before)))
    return shown


def is_quick(here: EarthState) -> bool:
    """Whether the dates shown may be mapped without being asked."""
    return _is_clear_and_small(here) and not any(unreadable_dates(here, number) for number in here.pair)


def _is_clear_and_small(here: EarthState) -> bool:
    shown = set(here.pair)
    is_clear = not any(is_open(here.groups[number].scene) for number in shown)
    return is_clear and sum(megapixels(here, number) for number in shown) <= AUTOMATIC_MEGAPIXELS


def ground(session: Session, here: EarthState) -> Task[Ground]:
    """The pictures of the dates shown."""
    shown = [here.groups[number].scene for number in here.pair]
    preset = here.preset if here.preset in band_presets_of(shown) else NATURAL_COLOUR
    task: Task[Ground] = session.task(here.grounds, (*here.pair, preset))
    before, after = here.before, here.after if misfit(here) is None else None
    task.ensure("Drawing", lambda progress: draw_ground(before, after, progress.update, preset), "pictures")
    return task


def land_cover(session: Session, here: EarthState, number: int) -> Task[LandCoverMap]:
    """The map of one scene; empty until it is started."""
    return session.task(here.maps, (number, here.model))


def change_task(session: Session, here: EarthState) -> Task[ChangeMap]:
    """The change between the dates shown; empty until it is started."""
    return session.task(here.changes, comparison(here))


def start_map(session: Session, here: EarthState, number: int) -> None:
    """Begin to map a scene."""
    scene, model = here.groups[number].scene, here.model
    folder = _folder(here, f"map-{scene.when or number + 1}")
    preview = here.previews[number, model] = Preview(scene.width, scene.height)
    land_cover(session, here, number).start(
        f"Mapping {date_words(scene)}", partial(_mapped, scene, model, folder, preview), "tiles", Lane.HEAVY
    )


def start_change(session: Session, here: EarthState) -> None:
    """Begin to compare the dates shown."""
    before, after, chosen = here.before, here.after, comparison(here)
    if after is None:
        return
    *_, method, index, threshold = chosen
    preview = None if method in WITHOUT_MODEL else Preview(before.width, before.height, dates=2)
    if preview is not None:
        here.previews[chosen] = preview
    folder = _folder(here, "-".join(filter(None, ("change", method, index, threshold))))
    compared = partial(_compared, before, after, _opener(chosen), folder, preview)
    change_task(session, here).start(f"Comparing {date_words(before)} with {date_words(after)}", compared, "tiles", Lane.HEAVY)


def dates_of_result(made: LandCoverMap | ChangeMap) -> tuple[Scene, tuple[Scene, ...]]:
    """(the scene on whose grid a result lies, the dates that somebody who labels it looks at: those of a change, that of a map)."""
    if isinstance(made, ChangeMap):
        return made.before, (made.before, made.after)
    return made.scene, (made.scene,)


def _mapped(scene: Scene, model: str, folder: Path, preview: Preview, progress: JobProgress) -> LandCoverMap:
    return map_scene(scene, engine_for(model), folder, progress=progress.update, preview=preview)


def _opener(chosen: Comparison) -> Opener:
    """What a job calls to open a way to compare; which change model there is can be asked only here, where the page runs."""
    known = change_model()
    return partial(opened_method, known.id if known else "", *chosen[2:])


def _compared(before: Scene, after: Scene, opened: Opener, folder: Path, preview: Preview | None, progress: JobProgress) -> ChangeMap:
    return detect_change(before, after, opened(), folder, progress=progress.update, preview=preview)


def start_what_is_quick(session: Session, here: EarthState) -> None:
    """The change of two dates, the map of one, where it costs little; what was begun before is not begun again.

    The change brings the classes of both dates with it, so that their maps can wait until somebody asks for areas.
    """
    if here.after is None or misfit(here) is not None:
        for number in dict.fromkeys(here.pair) if here.model and is_quick(here) else ():
            map_if_new(session, here, number)
    elif chosen_method(here) and _is_clear_and_small(here) and not change_task(session, here).title:
        start_change(session, here)


def map_if_new(session: Session, here: EarthState, number: int) -> bool:
    """Begin to map a scene, unless that was ever begun. Whether it begins now."""
    is_new = not land_cover(session, here, number).title
    if is_new:
        start_map(session, here, number)
    return is_new


def stop_switched_off(session: Session, here: EarthState) -> None:
    """Stop comparisons of the dates shown by a method, and maps by a model, that were chosen before and are not any more."""
    wanted = comparison(here)
    session.stop_others(here.changes, {key for key in here.changes if key[:2] != here.pair or key == wanted})
    session.stop_others(here.maps, {key for key in here.maps if key[1] == here.model})


def previews(here: EarthState) -> dict[int, tuple[Preview, int]]:
    """What the maps and changes under way show so far of the dates in view: number of the scene -> (preview, which of its maps)."""
    found: dict[int, tuple[Preview, int]] = {}
    change = comparison(here) if here.after else None
    if change is not None and change in here.previews and _is_running(here.changes.get(change)):
        found = {number: (here.previews[change], date) for date, number in enumerate(here.pair)}
    own = {number: (here.previews[number, here.model], 0) for number in here.pair if _is_drawn_as_it_comes(here, number)}
    return {number: shown for number, shown in {**found, **own}.items() if shown[0].rows}


def _is_drawn_as_it_comes(here: EarthState, number: int) -> bool:
    """A map is made on the grid of its own date; on another than the first date's it is drawn when it is whole, and warped."""
    scene, first = here.groups[number].scene, here.before
    is_on_grid = (scene.crs, scene.transform, scene.width, scene.height) == (first.crs, first.transform, first.width, first.height)
    return is_on_grid and _is_running(here.maps.get((number, here.model)))


def _is_running(task: Task[Any] | None) -> bool:
    return task is not None and task.job is not None


def settle(here: EarthState) -> None:
    """Take over what jobs left, before anything is drawn from it."""
    for book in here.books:
        for task in book.values():
            task.settle()


def running(here: EarthState) -> Iterator[tuple[str, Task[Any]]]:
    """Maps and changes that are under way, each with a name of its own."""
    for name, book in (("map", here.maps), ("change", here.changes)):
        for key, task in book.items():
            if task.job is not None:
                yield f"{name}.{'.'.join(map(str, key))}", task


def _folder(here: EarthState, name: str) -> Path:
    here.runs += 1
    folder = here.results.path / f"{here.runs:02}-{name}"
    folder.mkdir()
    return folder


def place_scores(session: Session, here: EarthState, number: int, scene: Scene) -> Task[PlaceScores]:
    """What the model says of the clicked place at one date. scene: on the grid of the first date."""
    at, model = here.clicked or (0, 0), here.model
    task: Task[PlaceScores] = session.task(here.places, (number, here.pair[0], model, at))
    session.stop_others(here.places, {key for key in here.places if key[-1] == at})
    task.ensure("Reading a place", partial(_scores, scene, model, at), "windows")
    return task


def _scores(scene: Scene, model: str, at: Pixel, progress: JobProgress) -> PlaceScores:
    engine = engine_for(model).interactive
    given = input_at(scene, engine.model.preprocess, *at)
    prediction = predict_input(engine, given)
    progress.update(1, 1)
    if prediction.token_logits is None:
        return PlaceScores(prediction, None, given.box)
    left, top, width, height = given.box
    rows, columns = prediction.token_logits.shape[:2]
    across, down = width / columns, height / rows
    column = min(columns - 1, max(0, int((at[0] + 0.5 - left) / across)))
    row = min(rows - 1, max(0, int((at[1] + 0.5 - top) / down)))
    scores = probabilities(prediction.token_logits[row, column], engine.model.calibration)
    return PlaceScores(prediction, tuple(map(float, scores)), (left + column * across, top + row * down, across, down))


def largest(result: ChangeMap) -> list[ChangePolygon]:
    """Polygons of change, the largest first."""
    return sorted(result.polygons, key=lambda polygon: -polygon.hectares)


def polygon_at(result: ChangeMap, at: Pixel) -> ChangePolygon | None:
    """The smallest polygon whose box holds a pixel."""
    holding = [
        polygon for polygon in result.polygons
        if 0 <= at[0] - polygon.window[0] < polygon.window[2] and 0 <= at[1] - polygon.window[1] < polygon.window[3]
    ]  # fmt: skip
    return min(holding, key=lambda polygon: polygon.window[2] * polygon.window[3], default=None)


def polygon_explanation(session: Session, here: EarthState, polygon: ChangePolygon) -> Task[Why]:
    """The explanation of the window at the middle of a polygon, on the second date, for what the polygon became."""
    key = (*comparison(here), polygon.id)
    task: Task[Why] = session.task(here.whys, key)
    session.stop_others(here.whys, {key})
    if here.after:
        scene = on_grid_of(here.after, here.before)
        task.ensure("Explaining", partial(_why, scene, here.model, polygon), "forward passes")
    return task


def polygon_bands(session: Session, here: EarthState, result: ChangeMap, polygon: ChangePolygon) -> Task[BandMeans]:
    """What the bands that were compared say of a polygon at both dates."""
    key = (*comparison(here), polygon.id)
    task: Task[BandMeans] = session.task(here.means, key)
    session.stop_others(here.means, {key})
    if here.after:
        aligned, colours = on_grid_of(here.after, here.before), result.parameters["bands"]
        read = partial(band_means, here.before, aligned, colours, result.change, polygon.window)
        task.ensure("Reading a place", lambda progress: read(progress.update), "rows")
    return task


def polygon_taken_back(session: Session, here: EarthState, result: ChangeMap, polygon: ChangePolygon) -> Task[TakenBack]:
    """What becomes of a polygon when the old pixels are put back."""
    key = (*comparison(here), polygon.id)
    task: Task[TakenBack] = session.task(here.taken_back, key)
    session.stop_others(here.taken_back, {key})
    if here.after:
        aligned, chosen = on_grid_of(here.after, here.before), comparison(here)
        work = partial(_taken_back, here.before, aligned, _opener(chosen), result, polygon, here.results.path)
        task.ensure("Putting the old pixels back", work, "comparisons", Lane.HEAVY)
    return task


def _taken_back(
    before: Scene, aligned: Scene, opened: Opener, result: ChangeMap, polygon: ChangePolygon, folder: Path, progress: JobProgress
) -> TakenBack:
    method = opened().of_part(result.parameters.get(STATISTICS, {}))
    threshold = float(result.parameters["threshold"])
    with TemporaryDirectory(dir=folder) as scratch:
        return take_back(before, aligned, method, threshold, polygon, Path(scratch), progress.update)


def _why(scene: Scene, model: str, polygon: ChangePolygon, progress: JobProgress) -> Why:
    engine = engine_for(model).interactive
    given = input_at(scene, engine.model.preprocess, *middle(polygon.window))
    outside = predict_input(engine, given).outside
    if outside.is_outside:
        raise InputError(
            f"The place is outside what the model knows, and is not explained. {say(outside.reason)}".strip(),
            "The Explain page shows how a model reacts to such a place.",
        )
    assert polygon.after is not None
    return Why(
        explain_input(scene, engine, given, ranked_methods(engine.model, polygon.after)[0], polygon.after, progress=progress.update), given
    )


def middle(window: tuple[int, int, int, int]) -> Pixel:
    """The pixel (column, row) at the middle of a window (left, top, width, height)."""
    return window[0] + window[2] // 2, window[1] + window[3] // 2
