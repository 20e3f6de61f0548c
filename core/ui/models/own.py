"""Models of the user's own, beside those of the zoo: a folder or a hub id, opened once and then offered on every page."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st

from core.inference.engine import engine_for
from core.jobs import JobProgress, Lane
from core.prepare.domains import image_domain
from core.sources import inside_roots
from core.ui.state.errors import guarded, show_error
from core.ui.state.progress import is_under_way
from core.ui.state.session import Session, Task, session
from core.ui.widgets.bars import quiet
from models.kinds import NAMES
from models.measured import MEASURED
from models.registry import CALIBRATION, CARD, HUB_ID, OUTSIDE, PREPROCESS, ModelSummary, find_folder, list_models, summarise

_PLACE = "models"
OPENING = "models.opening"
WANTED = "models.wanted"
"""Under this name the session carries the model that the page shows next."""
LACKS = {
    PREPROCESS: "It does not say what images it was made for (preprocess.json): it is shown any, and refuses none by header or by kind.",
    CALIBRATION: "It is not calibrated: its numbers are scores, not probabilities, and there are no 90 % prediction sets.",
    OUTSIDE: "It has no OOD detector: nothing but header and kind could make it refuse, and it answers whatever else it is given.",
    MEASURED: "Nothing was measured of it here: no calibration plot, no confusion matrix, no operating points.",
    CARD: "It has no card: nobody says what it was trained on, what it reaches, and what it does not know.",
}
"""File -> what follows where a model folder does not have it."""


def known_models() -> tuple[ModelSummary, ...]:
    """The models of the zoo, then the user's own. Raises BrokenModel for a folder of the zoo that is not whole."""
    return (*list_models(), *own_models(session()).values())


def own_models(session: Session) -> dict[str, ModelSummary]:
    """What the user has opened, by the name that engines know it by."""
    own: dict[str, ModelSummary] = session.places.setdefault(_PLACE, {})
    return own


def own_model_form(session: Session) -> None:
    """One field for a folder or a hub id. A hub id is fetched when the button is pressed, and never otherwise."""
    with st.form("models.form", border=False):
        field, button = st.columns([5, 1], vertical_alignment="bottom")
        given = field.text_input("A model folder on this machine, or a hub id", key="models.place", placeholder="folder, or owner/name")
        is_asked = button.form_submit_button("Open", width="stretch")
    quiet(
        f"A folder as `sightline train` writes it, or a classifier that transformers saved: {NAMES}. "
        "A hub id is downloaded when the button is pressed, and kept for the next time."
    )
    task: Task[ModelSummary] = session.task(session.places.setdefault(OPENING, {}), OPENING)
    with guarded():
        if is_asked and given.strip():
            task.start(f"Opening {given.strip()}", partial(_open, _name(given.strip())), "steps", Lane.DOWNLOAD)
        if is_under_way(task, OPENING):
            return
        if task.failed:
            show_error(task.failed)
        if task.value is not None:
            own_models(session)[task.value.id] = task.value
            st.session_state[WANTED], task.value = task.value.id, None
            st.rerun()


def lacks(model: ModelSummary) -> list[str]:
    """What a model of somebody else often has not, and what follows from it; [] for a whole one."""
    has = {name: (model.folder / name).is_file() for name in LACKS}
    has[MEASURED] = has[MEASURED] or image_domain(model.preprocess.domain).dates > 1  # whose figures are all in the card
    return [sentence for name, sentence in LACKS.items() if not has[name]]


def _name(given: str) -> str:
    """A hub id as it is; a folder where the server may read it. Raises UnsafeFile, NotFound."""
    if HUB_ID.fullmatch(given) and not Path(given).is_dir():
        return given
    return str(inside_roots(Path(given)))


def _open(name: str, progress: JobProgress) -> ModelSummary:
    progress.update(0)
    folder = find_folder(name)
    engine_for(name)  # a folder whose weights do not fit is refused here rather than on the page that uses it
    return summarise(name, folder)
