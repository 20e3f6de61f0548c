"""Home: what this is, three ways in, what the models here know."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.sources import bundled
from core.ui.shell import sign_in
from core.ui.shell.frame import device
from core.ui.shell.warm_up import ready
from core.ui.widgets.bars import quiet
from core.ui.widgets.intake import ask_for
from core.ui.widgets.thumbnails import thumbnail


@dataclass(frozen=True)
class Tile:
    """A way in: the samples that its page opens."""

    page: str
    title: str
    words: str
    samples: tuple[str, ...]


TILES = (
    Tile("pages/radiology.py", "A chest radiograph", "Classified, explained, and reported.", ("chest-radiograph-opacity",)),
    Tile("pages/radiology.py", "A CT series", "Put in order, searched, and scrolled.", ("ct-series",)),
    Tile("pages/earth.py", "One place, two dates", "Mapped, compared, and measured.", ("earth-before", "earth-after")),
)


def models_here() -> None:
    """What the models know, once their libraries are there: all above it shows meanwhile."""
    ready()
    from core.ui.models.cards import model_cards

    model_cards()


sign_in.guard()
st.html(
    '<p class="lead">Sightline reads medical images and satellite scenes, says what it sees and how sure it is, '
    "shows what it looked at, and measures whether that picture can be believed.</p>"
)

here = {sample.id: sample for sample in bundled()}
for number, (column, tile) in enumerate(zip(st.columns(3, gap="medium"), TILES, strict=True)):
    paths = [here[name].local for name in tile.samples if name in here]
    with column, st.container(key=f"tile-{number}"):
        picture = thumbnail([path for path in paths if path is not None])
        if picture:
            st.image(picture, width="stretch", alt=f"{tile.title}: a synthetic sample")
        if st.button(tile.title, key=f"open-{number}", type="tertiary"):
            ask_for(tile.samples)
            st.switch_page(tile.page)
        quiet(tile.words)
quiet("These samples are synthetic. Open your own files on each page; they stay on this machine.")

st.markdown("#### Models on this machine")
quiet(f"They run on {device()}.")
models_here()
