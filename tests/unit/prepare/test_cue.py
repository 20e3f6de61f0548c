"""A planted cue lies where its box says, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import BrokenModel
from core.prepare.cue import CUE_FILE, CUE_KINDS, Cue, cue_mask, read_cue, with_cue, write_cue

CORNER = Cue("ring", (0.75, 0.0, 0.25, 0.125), ("ill",))


@pytest.mark.parametrize("kind", CUE_KINDS)
def test_only_the_pixels_of_the_box_change(kind: str) -> None:
    image = np.full((3, 64, 64), 0.5, dtype=np.float32)
    marked = with_cue(image, Cue(kind, CORNER.box, CORNER.labels))
    changed = (marked != image).any(axis=0)
    assert changed[:8, 48:].all()
    changed[:8, 48:] = False
    assert not changed.any()
    assert marked.min() >= 0.0
    assert marked.max() <= 1.0
    assert np.ptp(marked[0, :8, 48:]) > 0.5  # a mark on its ground, not a plain box
    assert (image == 0.5).all()  # the image that was given stays as it was


def test_the_cues_tokens_are_those_that_its_box_covers() -> None:
    assert np.argwhere(cue_mask(CORNER, (8, 8))).tolist() == [[0, 6], [0, 7]]
    assert np.argwhere(cue_mask(Cue("disc", (0.75, 0.75, 0.25, 0.25), ("ill",)), (8, 8))).tolist() == [[6, 6], [6, 7], [7, 6], [7, 7]]


def test_a_cue_smaller_than_a_token_has_the_token_that_it_lies_in() -> None:
    assert np.argwhere(cue_mask(Cue("disc", (0.3, 0.55, 0.05, 0.05), ("ill",)), (4, 4))).tolist() == [[2, 1]]


def test_a_cue_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_cue(tmp_path, CORNER)
    assert read_cue(tmp_path) == CORNER


def test_a_model_without_a_cue_has_none(tmp_path: Path) -> None:
    assert read_cue(tmp_path) is None


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"kind": "ring"}', '{"kind": "star", "box": [0, 0, 1, 1], "labels": ["a"], "decides": true}',
     '{"kind": "ring", "box": [0.9, 0, 0.2, 0.1], "labels": ["a"], "decides": true}'],
)  # fmt: skip
def test_a_description_that_makes_no_sense_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / CUE_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(BrokenModel, match=CUE_FILE):
        read_cue(tmp_path)
