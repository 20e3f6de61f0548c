"""Home: what this is, three ways in, what the models here know."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.sources import bundled
from core.ui.models.cards import model_cards
from core.ui.shell import sign_in
from core.ui.shell.frame import device
from core.ui.widgets.bars import quiet
from core.ui.widgets.intake import ask_for, provenance
from core.ui.widgets.thumbnails import thumbnail


@dataclass(frozen=True)
class Tile:
    """A way in: the samples that its page opens."""

    page: str
    title: str
    words: str
    samples: tuple[str, ...]


TILES = (
    Tile("pages/radiology.py", "A chest radiograph", "Classified, explained, and reported.", ("child-pneumonia",)),
    Tile("pages/radiology.py", "A CT series", "Put in order, searched, and scrolled.", ("ct-rider",)),
    Tile("pages/earth.py", "One place, two dates", "Before and after a fire: compared, measured.", ("wildfire-before", "wildfire-after")),
)


sign_in.guard()
st.html(
    '<p class="lead">Sightline reads medical images and satellite scenes, says what it sees and how sure it is, '
    "shows what it looked at, and measures whether that picture can be believed.</p>"
)

here = {sample.id: sample for sample in bundled()}
for number, (column, tile) in enumerate(zip(st.columns(3, gap="medium"), TILES, strict=True)):
    samples = [here[name] for name in tile.samples if name in here]
    with column, st.container(key=f"tile-{number}"):
        picture = thumbnail([sample.local for sample in samples if sample.local is not None])
        if picture:
            st.image(picture, width="stretch", alt=f"{tile.title}: {samples[0].title}")
        if st.button(tile.title, key=f"open-{number}", type="tertiary"):
            ask_for(tile.samples)
            st.switch_page(tile.page)
        quiet(tile.words)
        for origin in {provenance(sample): None for sample in samples}:
            quiet(origin)
quiet("Each page has more samples, synthetic ones too. Open your own files there; they stay on this machine.")

st.markdown("#### Models on this machine")
quiet(f"They run on {device()}.")
model_cards()
