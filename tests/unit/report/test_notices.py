"""The words of notices: a code and its values become a sentence, by the templates of a language."""

from __future__ import annotations

import pytest

from core.errors import NotFound
from core.report.language import language_of
from core.report.notices import NoticeWords, say, say_all
from core.types import notice

WORDS = NoticeWords(
    templates={
        "test.files": {"one": "1 file of {of} was left out.", "other": "{count} files of {of} were left out."},
        "test.reads": "The file holds {modality:kind}; the model reads {parts:or}.",
        "test.wide": "It is {metres:.1f} m wide.",
    },
    words={"kind": {"CT": "a CT image", "other": "an object of modality {value}"}},
    lists={"plain": ", ", "or": " or "},
)


@pytest.mark.parametrize(("count", "sentence"), [(1, "1 file of 9 was left out."), (3, "3 files of 9 were left out.")])
def test_one_thing_and_several_have_forms_of_their_own(count: int, sentence: str) -> None:
    assert WORDS.say(notice("test.files", count=count, of=9)) == sentence


@pytest.mark.parametrize(("modality", "words"), [("CT", "a CT image"), ("ZZ", "an object of modality ZZ")])
def test_an_id_is_put_into_words_and_an_unknown_one_is_quoted(modality: str, words: str) -> None:
    told = WORDS.say(notice("test.reads", modality=modality, parts=("CHEST", "THORAX")))
    assert told == f"The file holds {words}; the model reads CHEST or THORAX."


def test_a_number_is_written_as_its_template_says() -> None:
    assert WORDS.say(notice("test.wide", metres=12.345)) == "It is 12.3 m wide."


def test_a_notice_may_hold_another() -> None:
    told = notice("dicom.no-volume", slices=14, reason=notice("stack.tilted", degrees=18.5))
    assert say(told) == (
        "The 14 slices are shown one by one, not as a volume: "
        "the gantry was tilted by 18.5 degrees, so that the slices are sheared against each other."
    )


def test_the_values_of_a_notice_are_text_of_files_and_never_a_template() -> None:
    assert say(notice("scene.south-up", name="{bands}.tif")) == "{bands}.tif is stored south-up."


def test_equal_notices_are_one_whatever_the_order_of_their_values() -> None:
    assert notice("test.files", count=1, of=9) == notice("test.files", of=9, count=1)
    assert notice("test.files", count=1, of=9)["of"] == 9
    assert len({notice("test.files", count=1), notice("test.files", count=1), notice("test.files", count=2)}) == 2


def test_nothing_to_say_is_no_word() -> None:
    assert (say(None), say_all(())) == ("", ())


def test_a_language_without_notices_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(NotFound, match=r"Choose one of en\."):
        say(notice("dicom.modality-not-told"), "tlh")
    with pytest.raises(NotFound, match=r"Choose one of en\."):
        language_of("notices.en")
