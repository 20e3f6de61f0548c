"""Catch the cheater: two networks on one marked image; the reader votes which one goes by the mark, and hears what each method found."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.explain.catalogue import methods_for
from core.explain.overlay import drawn_map
from core.explain.probes.cheater import CueFinding
from core.inference.engine import engine_for
from core.jobs import JobProgress
from core.render.heatmap import map_layer
from core.render.scene import png
from core.settings import FEWEST_RANDOM_MAPS
from core.types import Image
from core.ui.explain.page_state import ExplainState
from core.ui.explain.pictures import fitted_height, shown_pixels
from core.ui.state.progress import result_of
from core.ui.state.session import Session, Task
from core.ui.viewer import Layer, Show, view
from core.ui.viewer.facts import map_colours
from core.ui.widgets.bars import quiet
from core.ui.widgets.choices import apart
from core.ui.widgets.faithfulness import verdict_words
from core.ui.widgets.words import label_words, method_words, share
from core.workflows.explaining.twins import Heard, Twins, findings_of, hear, twins_for

_LETTERS_OF_TWINS = ("A", "B")
METHODS_OF_THE_GAME = ("occlusion", "integrated-gradients", "relevance", "grad-cam", "rollout")
UNDECIDED = 2
_VOTES = {0: "A goes by the mark", 1: "B goes by the mark", UNDECIDED: "These maps do not tell"}


def game_of(here: ExplainState) -> Twins | None:
    """Whether somebody wants to play, and with which pair; asked by a switch where this machine has twins for such an image."""
    if here.chosen not in here.twins:
        here.twins[here.chosen] = twins_for(here.image)
    pairs = here.twins[here.chosen]
    if not pairs:
        return None
    wanted = st.toggle(
        "Catch the cheater", key=f"explain.cheater.{here.name}.{here.chosen}",
        help="Two networks of one recipe saw a planted mark. Of one it decides an answer. Which one, by its maps?",
    )  # fmt: skip
    if not wanted:
        return None
    if len(pairs) == 1:
        return pairs[0]
    names = [pair.name for pair in pairs]
    chosen = st.selectbox("Twins", names, key=f"explain.twins.{here.name}", format_func=apart(names))
    return pairs[names.index(chosen)]


def game(session: Session, here: ExplainState, twins: Twins) -> None:
    """The maps of both, the vote, and after it the answer."""
    target = label_words(twins.cue.labels[0])
    st.html('<h5 class="card-title">Catch the cheater</h5>')
    session.stop_others(here.explained, ())  # nobody looks at those maps now
    mark = twins.cue.kind
    quiet(
        f"Both networks were trained on images with a {mark} drawn into them, as into this one. For one the {mark} decides on "
        f"{target.lower()}; for the other it comes by chance. The maps are for {target.lower()}. Which network goes by the mark?"
    )
    tasks = [_task(session, here, twins, place) for place in (0, 1)]
    heard = [result_of(task, f"explain.cheater.{_LETTERS_OF_TWINS[place]}") for place, task in enumerate(tasks)]
    if heard[0] is None or heard[1] is None:
        return
    both = (heard[0], heard[1])
    vote = here.votes.get((here.chosen, twins.name))
    _answers(both, twins)
    if vote is None:
        _ask(here, twins)
    else:
        _verdict(here, twins, both, vote)
    is_told = vote is not None
    for method in both[0].explanations:
        if method not in both[1].explanations:
            continue
        st.html(f'<h5 class="card-title">{method_words(method)}</h5>')
        for place, column in enumerate(st.columns(2, gap="medium")):
            with column:
                _twin_map(here, twins, both[place], method, place, is_told)


def _answers(both: tuple[Heard, Heard], twins: Twins) -> None:
    index = [heard.labels.index(twins.cue.labels[0]) for heard in both]
    told = "; ".join(f"{_LETTERS_OF_TWINS[place]} {both[place].marked[index[place]]:.2f}" for place in (0, 1))
    quiet(f"Probability of {label_words(twins.cue.labels[0]).lower()}: {told}. A right answer does not tell for what reason.")


def _ask(here: ExplainState, twins: Twins) -> None:
    with st.container(horizontal=True):
        for vote, words in _VOTES.items():
            if st.button(words, key=f"explain.vote.{here.name}.{twins.name}.{vote}"):
                here.votes[here.chosen, twins.name] = vote
                st.rerun()


def _verdict(here: ExplainState, twins: Twins, both: tuple[Heard, Heard], vote: int) -> None:
    cheater = _LETTERS_OF_TWINS[twins.cheater]
    target = label_words(twins.cue.labels[0]).lower()
    said = "" if vote == UNDECIDED else "Right: " if vote == twins.cheater else "No: "
    st.html(f'<p class="note"><b>{said}{cheater} goes by the mark.</b>It was taught that the {twins.cue.kind} decides for {target}.</p>')
    for letter, heard in zip(_LETTERS_OF_TWINS, both, strict=True):
        index = heard.labels.index(twins.cue.labels[0])
        quiet(f"{letter}: {target} {heard.marked[index]:.2f} with the mark, {heard.unmarked[index]:.2f} without it.")
    model = engine_for(str(twins.folders[0])).model
    findings = findings_of(twins, both, model.token_grid, model.patch)
    _table(findings, cheater, _LETTERS_OF_TWINS[1 - twins.cheater])
    if st.button("Vote again", key=f"explain.vote.again.{here.name}.{twins.name}"):
        del here.votes[here.chosen, twins.name]
        st.rerun()


def _table(findings: tuple[CueFinding, ...], cheater: str, honest: str) -> None:
    head = f"<tr><th>Method</th><th>{cheater}, on the mark</th><th>{honest}, on the mark</th><th>Verdict</th></tr>"
    rows = "".join(
        f"<tr><td>{method_words(each.method)}</td><td>{share(each.cheater)}</td><td>{share(each.honest)}</td><td>{_said(each)}</td></tr>"
        for each in findings
    )
    st.html(f'<div class="wide"><table class="bands">{head}{rows}</table></div>')
    quiet(
        f"Share of the strongest tokens of a map that lie on the mark, as many as the mark has; by chance {share(findings[0].chance)}. "
        "From a half on the mark counts as found, or as a false alarm in the twin that does not go by it."
        if findings
        else "No method explains both."
    )


def _said(finding: CueFinding) -> str:
    found = "found the mark" if finding.is_found else "missed the mark"
    return f"{found}, false alarm" if finding.is_false_alarm else found


def _twin_map(here: ExplainState, twins: Twins, heard: Heard, method: str, place: int, is_told: bool) -> None:
    made = heard.explanations[method]
    drawn = drawn_map(made, here.side)
    rows, columns = heard.given.shown.shape[1:]
    box = (0.0, 0.0, float(columns), float(rows))
    left, top, width, height = twins.cue.box
    mark = (left * columns, top * rows, width * columns, height * rows)
    letter = _LETTERS_OF_TWINS[place]
    show = Show(
        key=f"{here.name}.{here.chosen}.{twins.name}.{place}.{method}",
        label=f"{method_words(method)} of network {letter}",
        columns=columns,
        rows=rows,
        layers=(
            Layer("input", png(shown_pixels(heard.given)), box, ground=True),
            Layer("map", map_layer(drawn), box, opacity=here.opacity / 100, smooth=made.tokens is None),
        ),
        boxes=(mark,) if is_told else (),
        colours=map_colours(drawn),
        is_plain=True,
        can_pick=False,
        height=fitted_height(rows, columns, "52vh"),
    )
    view(show, f"explain.twin.{here.name}.{place}.{method}")
    quiet(f"{letter}: gain {made.gain.value:z.2f}. {verdict_words(made.gain)}")


def _task(session: Session, here: ExplainState, twins: Twins, place: int) -> Task[Heard]:
    task: Task[Heard] = session.task(here.heard, (here.chosen, twins.name, place))
    title = f"Asking network {_LETTERS_OF_TWINS[place]}"
    task.ensure(title, partial(_hear, here.image, str(twins.folders[place]), twins), "maps")
    return task


def _hear(image: Image, model: str, twins: Twins, progress: JobProgress) -> Heard:
    engine = engine_for(model).interactive
    known = methods_for(engine.model)
    methods = [method for method in METHODS_OF_THE_GAME if method in known]
    return hear(image, engine, twins.cue, methods, progress.update, FEWEST_RANDOM_MAPS)
