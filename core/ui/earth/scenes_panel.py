"""The Scenes tab: a card for each scene, the questions that its file leaves open, and the way to add another date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from html import escape

import streamlit as st

from core.errors import SightlineError
from core.prepare.grid.ground import pixel_metres
from core.readers import SceneOptions
from core.readers.scenes.band_names import colour_of
from core.readers.scenes.footprint import in_words
from core.render.indices import indices_of
from core.render.scene import band_presets_of
from core.report.notices import say
from core.settings import settings
from core.sources.scenes import guessed_bands
from core.types import Band, Scene
from core.ui.earth.page_state import PAGE, EarthState, correct, date_words, first_tab
from core.ui.earth.questions import is_alike, is_open, questions_of
from core.ui.state.errors import show_error
from core.ui.state.session import Session
from core.ui.state.uploads import OpenFolder
from core.ui.widgets.bars import facts, note, quiet
from core.ui.widgets.choices import apart
from core.ui.widgets.intake import drop_zone, origin_words, place_field, public_samples, sample_tiles
from core.ui.widgets.refusals import refused
from core.ui.widgets.words import counted, pixel_size

CHOICES = (
    "red", "green", "blue", "near infrared", "short-wave infrared 1", "short-wave infrared 2", "red edge 1", "red edge 2", "red edge 3",
    "near infrared narrow", "coastal aerosol", "water vapour", "cirrus", "panchromatic", "thermal infrared 1",
)  # fmt: skip
UNKNOWN = "not known"
MOST_EXPLAINED = 6
"""Bands whose colours stand on the card; of more only the names do."""
MOST_ASKED = 32
"""Bands of a scene that are asked for one by one; a hyperspectral file has hundreds."""


def scenes_tab(session: Session, here: EarthState) -> None:
    """Everything on the scenes that are open."""
    _choose_preset(here)
    _choose_shown_index(here)
    for number, group in enumerate(here.groups):
        with st.container(border=True, key=f"scene-{number}"):
            _card(group.scene)
            _questions(session, here, number)
            _clouds(session, here, number)
    refused(here.refused)
    _add(session, here)


def _choose_preset(here: EarthState) -> None:
    """Which bands the map shows, by one stretch for all dates."""
    offered = band_presets_of([here.groups[number].scene for number in here.pair])
    if len(offered) < 2:
        return
    chosen = st.segmented_control(
        "Bands on the map", offered, default=here.preset if here.preset in offered else offered[0], required=True,
        format_func=apart(offered, str.capitalize), key=f"earth.preset.{'.'.join(offered)}",
    )  # fmt: skip
    if chosen and chosen != here.preset:
        here.preset = chosen
        st.rerun()


def _choose_shown_index(here: EarthState) -> None:
    """An index of single dates as a layer of the map."""
    offered = {name: words for number in dict.fromkeys(here.pair) for name, words in indices_of(here.groups[number].scene).items()}
    if not offered:
        return
    chosen = st.pills(
        "An index on the map", list(offered), default=here.shown_index if here.shown_index in offered else None,
        format_func=apart(list(offered), offered.__getitem__), key=f"earth.shown_index.{'.'.join(offered)}",
    )  # fmt: skip
    if (chosen or "") != here.shown_index:
        here.shown_index = chosen or ""
        st.rerun()


def _card(scene: Scene) -> None:
    st.html(f'<p class="card-title">{escape(date_words(scene))}</p>')
    facts(card_facts(scene))
    for assumption in scene.assumptions:
        if assumption != guessed_bands(scene):
            quiet(say(assumption))


def card_facts(scene: Scene) -> list[tuple[str, str]]:
    """What the file says, in names and values."""
    files = len(scene.files)
    return [
        ("File", scene.name if files == 1 else f"{scene.name}, {counted(files, 'file')}"),
        ("Date", "" if scene.when else "not told"),
        ("Size", size_words(scene)),
        ("Bands", ", ".join(_band_words(band) if len(scene.bands) <= MOST_EXPLAINED else band.name for band in scene.bands)),
        ("Values", _values_words(scene)),
        ("Grid", scene.crs.to_string() if scene.crs and len(scene.crs.to_string()) < 40 else "own projection" if scene.crs else "none"),
        ("Place", footprint_words(scene)),
        ("Origin", origin_words(scene.bands[0].file)),
    ]


def size_words(scene: Scene) -> str:
    """ "640 x 640 px of 10 m, 6.4 x 6.4 km"."""
    size = f"{scene.width:,} x {scene.height:,} px"
    metres = pixel_metres(scene)
    if metres is None:
        return size
    width, height = scene.width * metres[0] / 1000, scene.height * metres[1] / 1000
    return f"{size} of {pixel_size(metres)}, {width:.3g} x {height:.3g} km"


def footprint_words(scene: Scene) -> str:
    """ "47.787 to 47.846° N, 10.335 to 10.422° E", "" where the scene has no place."""
    return in_words(scene.footprint, 3) if scene.footprint is not None else ""


def _band_words(band: Band) -> str:
    return band.name if not band.common_name or band.common_name == band.name.lower() else f"{band.name} ({band.common_name})"


def _values_words(scene: Scene) -> str:
    scaled = {(band.scale, band.offset) for band in scene.bands}
    scale, offset = next(iter(scaled))
    if len(scaled) > 1:
        return f"{scene.dtype}, scale and offset differ between bands"
    if scale is None and offset is None:
        return f"{scene.dtype}, no scale told"
    shift = f" {'-' if offset < 0 else '+'} {abs(offset):g}" if offset else ""
    return f"{scene.dtype}, reflectance = value x {1 if scale is None else scale:g}{shift}"


def _questions(session: Session, here: EarthState, number: int) -> None:
    asked = questions_of(here.groups[number].scene)
    before = {question.title for group in here.groups[:number] for question in questions_of(group.scene)}
    for question in asked:
        if question.title in before:
            quiet(question.again)
        else:
            note(question.title, question.told)
    is_first = any(question.title not in before for question in asked)
    title = "Say what the bands and values are" if asked else "Correct bands, scale or date"
    with st.expander(title, expanded=is_first, key=f"earth.ask.{number}"):
        _form(session, here, number)


def _clouds(session: Session, here: EarthState, number: int) -> None:
    """A mask of the user's own; what it covers holds no data on that date."""
    told = here.groups[number].scene.clouds
    with st.expander("Clouds: not masked" if told is None else f"Clouds: {told.file.name}", key=f"earth.clouds.{number}"):
        quiet("A raster that is not 0 where clouds and shadows are, or SCL or QA_PIXEL by its name.")
        taken = st.session_state.setdefault(f"earth.clouds.taken.{number}", 0)
        upload = st.file_uploader("Cloud mask, GeoTIFF", key=f"earth.clouds.file.{number}.{taken}", max_upload_size=settings().upload_mb)
        if upload is None:
            return
        st.session_state[f"earth.clouds.taken.{number}"] = taken + 1
        folder = OpenFolder(session.browser)
        here.folders.append(folder)
        (path,) = folder.keep([upload])
        _correct(session, here, {number: replace(accepted_so_far(here.groups[number].scene), clouds=str(path))})


def accepted_so_far(scene: Scene) -> SceneOptions:
    """What the user has said of a scene before, so that a further answer does not take it back."""
    band = scene.bands[0]
    is_scaled = bool({"scale", "offset"} & scene.given)
    return SceneOptions(
        bands=tuple(one.name for one in scene.bands) if "bands" in scene.given else (),
        scale=band.scale if is_scaled else None,
        offset=band.offset if is_scaled else None,
        date=scene.date if "date" in scene.given and not scene.date_text else None,
    )


def _form(session: Session, here: EarthState, number: int) -> None:
    scene = here.groups[number].scene
    alike = _alike(here, number)
    with st.form(f"earth.form.{number}.{hash(scene.bands)}", border=False):
        colours = _band_fields(scene.bands, number)
        left, right = st.columns(2)
        band = scene.bands[0]
        scale = left.number_input(
            "Scale", value=band.scale, format="%.7f", step=0.0001, placeholder="not told", key=f"earth.scale.{number}"
        )  # fmt: skip
        offset = right.number_input(
            "Offset", value=band.offset, format="%.4f", step=0.1, placeholder="not told", key=f"earth.offset.{number}"
        )  # fmt: skip
        quiet("Reflectance = value x scale + offset. Sentinel-2: 0.0001 and 0, since January 2022 (baseline 04.00) 0.0001 and -0.1; "
              "Landsat Collection 2: 0.0000275 and -0.2.")  # fmt: skip
        day = st.date_input("Date", value=scene.date, format="YYYY-MM-DD", min_value="1950-01-01", key=f"earth.date.{number}")
        for_all = bool(alike) and st.checkbox(f"The same bands and scale for {_others(len(alike))}", value=True, key=f"earth.all.{number}")
        is_given = st.form_submit_button("Use these", type="primary")
    if is_given:
        names = band_names(scene.bands, colours) if colours else ()
        told = {number: SceneOptions(names, scale, offset, _date_told(scene, day))}
        for other in alike if for_all else ():
            told[other] = SceneOptions(names, scale, offset, _date_told(here.groups[other].scene, here.groups[other].scene.date))
        _correct(session, here, told)


def _date_told(scene: Scene, day: date | None) -> date | None:
    """The day, unless it stands for the year or the month that is all that is known."""
    return None if scene.date_text and day == scene.date else day


def _correct(session: Session, here: EarthState, told: dict[int, SceneOptions]) -> None:
    try:
        correct(session, here, told)
    except SightlineError as error:
        show_error(error)
    else:
        here.tab = first_tab(here)
        st.rerun()


def _band_fields(bands: Sequence[Band], number: int) -> list[str]:
    """What the user says that each band shows; nothing where there are too many to ask."""
    if len(bands) > MOST_ASKED:
        quiet(f"{len(bands)} bands: their names are taken from the file.")
        return []
    told = []
    columns = st.columns(2)
    for place, band in enumerate(bands):
        options = [UNKNOWN, *CHOICES] if band.common_name in CHOICES or not band.common_name else [UNKNOWN, band.common_name, *CHOICES]
        told.append(
            columns[place % 2].selectbox(
                f"Band {place + 1}" if band.name == f"band {place + 1}" else band.name,
                options,
                options.index(band.common_name) if band.common_name else 0,
                format_func=apart(options),
                key=f"earth.band.{number}.{place}",
            )
        )
    return told


def band_names(bands: Sequence[Band], colours: Sequence[str]) -> tuple[str, ...]:
    """Names for the reader: the file's own where it says the same as the user, else what the user said."""
    return tuple(
        band.name if colour_of(band.name) == colour else f"band {place}" if colour == UNKNOWN else colour
        for place, (band, colour) in enumerate(zip(bands, colours, strict=True), start=1)
    )


def _alike(here: EarthState, number: int) -> list[int]:
    """Other scenes that leave the same question open."""
    scene = here.groups[number].scene
    others = [other for other in range(len(here.groups)) if other != number]
    return [
        other for other in others
        if is_open(here.groups[other].scene) and is_alike(scene, here.groups[other].scene)
    ]  # fmt: skip


def _others(count: int) -> str:
    return "the other scene that leaves this open" if count == 1 else f"the {count} other scenes that leave this open"


def _add(session: Session, here: EarthState) -> None:
    """Another date; its keys change with each addition, so that an uploader does not give the same file twice."""
    task, key = PAGE.arrival(session), f"earth.add.{here.added}"
    if task.job is not None:
        return
    if task.failed:
        show_error(task.failed)
    with st.expander("Add another date", key=f"{key}.expander", expanded=bool(task.failed)):
        wanted = drop_zone("Drop GeoTIFF files, or products as zip or tar", f"{key}.upload")
        wanted = place_field(session, key) or wanted
        wanted = sample_tiles("geotiff", key) or wanted
    wanted = public_samples(session, ("geotiff",), key) or wanted
    if wanted:
        PAGE.open(session, wanted)
        st.rerun()
