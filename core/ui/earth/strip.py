"""The question strip under the map: a line a scene with what is known of it, what is guessed in amber, and one click that accepts it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import streamlit as st

from core.errors import SightlineError
from core.prepare.grid.cover import Cover
from core.prepare.grid.ground import pixel_metres
from core.prepare.grid.reflectance import judged_bands, proposed_scale, scaling_of
from core.readers import SceneOptions
from core.readers.scenes.sensor_names import sensor_in
from core.report.notices import say
from core.sources.scenes import guessed_bands
from core.types import ScaleState, Scaling, Scene
from core.ui.earth.page_state import EarthState, correct, date_words, first_tab
from core.ui.earth.questions import is_open
from core.ui.state.errors import show_error
from core.ui.state.session import Session
from core.ui.widgets.bars import quiet
from core.ui.widgets.words import counted, pixel_size, share

HEADINGS = ("Scene", "Sensor", "Level", "Date", "Pixel", "Bands", "Scale", "Offset", "Cloud", "Valid")
NOT_TOLD = "not told"
SETTLED = frozenset({"bands", "date"})
"""What the user has said of a scene whose guesses were accepted."""
MOST_NAMED = 6
"""Bands that are named; of more, how many there are."""
LINE_PX, HEAD_PX = 30, 92
"""Height of a line of the strip, and of what stands around the lines, in CSS pixels."""


@dataclass(frozen=True)
class StripCell:
    """What stands in a column. is_guess: shown in amber. why: the evidence, on pointing at it."""

    text: str
    is_guess: bool = False
    why: str = ""


def cells_of(scene: Scene, cover: Cover | None) -> tuple[StripCell, ...]:
    """One line, in the order of HEADINGS. cover: None where it could not be read."""
    scale, offset = scaling_of(scene)
    guess = proposed_scale(scene)
    band = judged_bands(scene)[0]
    return (
        StripCell(date_words(scene)),
        *_origin(scene),
        _date(scene),
        StripCell(_metres(scene)),
        _bands(scene),
        _scaling("x ", scale, band.scale if guess is None else guess[0]),
        _scaling("", offset, (band.offset if band.scale is not None else None) if guess is None else guess[1]),
        StripCell("not masked" if cover is None or cover.clouds is None else share(cover.clouds)),
        StripCell(NOT_TOLD if cover is None else share(cover.valid)),
    )


def _origin(scene: Scene) -> tuple[StripCell, StripCell]:
    """Sensor and level: of the product's metadata, else what the name of the file says, which is a guess until it is accepted."""
    product = scene.product
    if product is not None:
        return StripCell(product.sensor), StripCell(" ".join(filter(None, (product.level, product.baseline))))
    is_settled = scene.given >= SETTLED
    told = sensor_in(scene.name)
    why = f"Read from the name {scene.name}; no metadata tell it."
    sensor, level = (StripCell(text if is_settled else f"{text}?", not is_settled, why) if text else StripCell(NOT_TOLD) for text in told)
    return sensor, level


def has_guess(scene: Scene) -> bool:
    """Whether somebody should look at what was made of it."""
    return any(cell.is_guess for cell in cells_of(scene, None))


def accepted(scene: Scene) -> SceneOptions:
    """What the user says of a scene by accepting what was guessed; what was said before stays."""
    guess = proposed_scale(scene)
    scale, offset = guess or (None, None)
    if guess is None and {"scale", "offset"} & scene.given:
        scale, offset = judged_bands(scene)[0].scale, judged_bands(scene)[0].offset
    names: tuple[str, ...] = ()
    if guessed_bands(scene) is not None:
        names = tuple(band.common_name or band.name for band in scene.bands)
    elif "bands" in scene.given:
        names = tuple(band.name for band in scene.bands)
    return SceneOptions(names, scale, offset, None if scene.date_text else scene.date, is_accepted=True)


def strip_height(here: EarthState) -> int:
    """CSS pixels that the strip takes from the map: nothing where nothing is guessed, since it is folded then."""
    if not any(has_guess(group.scene) for group in here.groups):
        return 0
    return HEAD_PX + LINE_PX * len(here.groups)


def question_strip(session: Session, here: EarthState) -> None:
    """The lines, open where something is guessed."""
    guesses = [number for number, group in enumerate(here.groups) if has_guess(group.scene)]
    if not guesses:
        with st.expander(f"What the files say of {counted(len(here.groups), 'scene')}", key="earth.strip"):
            return _lines(here)
    _lines(here, is_asking=True)
    is_waiting = any(is_open(here.groups[number].scene) for number in guesses)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(accept_words(len(guesses)), key="earth.accept", type="primary" if is_waiting else "secondary"):
            _accept(session, here, guesses)
        wait = "Nothing is analysed before that. " if is_waiting else ""
        quiet(f"Amber is guessed. {wait}The tab Scenes corrects it.")
    return None


def accept_words(dates: int) -> str:
    """ "Use these values for both dates"."""
    if dates == 1:
        return "Use these values"
    return f"Use these values for {'both' if dates == 2 else f'all {dates}'} dates"


def _accept(session: Session, here: EarthState, guesses: list[int]) -> None:
    try:
        correct(session, here, {number: accepted(here.groups[number].scene) for number in guesses})
    except SightlineError as error:
        show_error(error)
    else:
        here.tab = first_tab(here)
        st.rerun()


def _lines(here: EarthState, *, is_asking: bool = False) -> None:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in HEADINGS)
    lines = (cells_of(group.scene, here.covers.get(group.scene.sha256)) for group in here.groups)
    body = "".join(f"<tr>{''.join(map(_html, HEADINGS, line))}</tr>" for line in lines)
    asking = " asking" if is_asking else ""
    st.html(f'<div class="strip{asking}"><table><tr>{head}</tr>{body}</table></div>')


def _html(heading: str, cell: StripCell) -> str:
    """heading: stands beside the value where a narrow window has no room for columns."""
    kind = ' class="guess"' if cell.is_guess else ""
    why = f' title="{escape(cell.why)}"' if cell.why else ""
    return f'<td data-name="{heading}"{kind}{why}>{escape(cell.text)}</td>'


def _date(scene: Scene) -> StripCell:
    if not scene.when:
        return StripCell(NOT_TOLD, "date" not in scene.given)
    said = next((one for one in scene.assumptions if one.code.startswith("scene.date-from")), None)
    is_guess = said is not None and "date" not in scene.given
    return StripCell(f"{scene.when}?" if is_guess else scene.when, is_guess, say(said) if said is not None else "")


def _metres(scene: Scene) -> str:
    metres = pixel_metres(scene)
    return NOT_TOLD if metres is None else pixel_size(metres)


def _bands(scene: Scene) -> StripCell:
    guessed = guessed_bands(scene)
    names = [band.name for band in scene.bands]
    if guessed is not None:
        return StripCell(f"{', '.join(band.common_name for band in scene.bands)}?", "bands" not in scene.given, say(guessed))
    return StripCell(", ".join(names) if len(names) <= MOST_NAMED else f"{len(names)} bands", why=", ".join(names))


def _scaling(sign: str, scaling: Scaling, value: float | None) -> StripCell:
    mark = "?" if scaling.is_guess else ""
    if scaling.state is ScaleState.APPLIED and (value in (None, 0.0, 1.0)):
        text = scaling.state.value
    else:
        text = scaling.state.value if value is None else f"{sign}{value:.4g}"
    return StripCell(f"{text}{mark}", scaling.is_guess, say(scaling.evidence))
