"""Reports as files: Markdown, PDF and JSON say the same, and nothing of a person."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pypdf import PdfReader

from core.export import json as json_export
from core.export import markdown, pdf
from core.report.editing import edit_section, sign
from core.report.image import image_report
from core.report.scene_change import change_report
from core.report.scene_map import map_report
from core.report.tables import tables_of
from core.types import Outside, Report, notice
from tests.unit.report import examples as ex

USE = "Research and development use only. Not for clinical decisions."


def pictures() -> list[tuple[str, NDArray[np.uint8]]]:
    values = np.random.default_rng(3).integers(0, 256, (40, 50, 3)).astype(np.uint8)
    return [("The image as displayed", values), ("Attention rollout over the image", values[::-1].copy())]


@pytest.fixture
def report() -> Report:
    region = notice("place.image", height="upper", side="left")
    return image_report(ex.study(), ex.prediction(), ex.explanation(), ex.CHEST_MODEL, region=region, created=ex.NOON)


def text_of(path: Path) -> str:
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in PdfReader(path).pages))


def test_json_holds_every_fact_and_each_sentence_with_its_facts(report: Report, tmp_path: Path) -> None:
    json_export.write(report, tmp_path / "report.json")
    read = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    ids = {fact["id"] for fact in read["facts"]}
    assert all(set(sentence["facts"]) <= ids for sentence in read["sentences"])
    assert [sentence["text"] for sentence in read["sentences"]] == [sentence.text for sentence in report.sentences]
    assert read["parameters"]["model"] == "chest-xray"
    assert read["parameters"]["explanation"]["method"] == "rollout"
    assert (read["kind"], read["language"], read["signed_by"], read["edited"]) == ("image", "en", "", {})


def test_json_has_null_for_a_number_that_is_none(tmp_path: Path) -> None:
    parameters = {"shift": float("nan"), "scale": np.float32(0.5), "file": tmp_path, "size": (1, 2)}
    report = map_report(replace(ex.land_cover_map(), parameters=parameters, mean_confidence=float("nan")))
    json_export.write(report, tmp_path / "report.json")
    read = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert read["parameters"]["shift"] is None
    assert read["parameters"]["scale"] == 0.5
    assert read["parameters"]["size"] == [1, 2]


def test_markdown_holds_every_sentence_and_its_pictures_lie_beside_it(report: Report, tmp_path: Path) -> None:
    markdown.write(report, tmp_path / "report.md", pictures())
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert USE in text.splitlines()[2]
    assert all(f"- {sentence.text}" in text for sentence in report.sentences)
    assert "![Attention rollout over the image](report-2.png)" in text
    assert np.array_equal(np.asarray(Image.open(tmp_path / "report-2.png")), pictures()[1][1])


def test_markdown_shows_names_and_words_as_they_were_typed(report: Report) -> None:
    edited = sign(edit_section(report, "findings", "# not a heading\n<b>a_b*c</b> | [x](y)"), "O*Neil", ex.NOON)
    text = markdown.as_markdown(edited)
    assert r"\# not a heading" in text
    assert r"\<b\>a\_b\*c\</b\> \| \[x\](y)" in text
    assert r"**Signed by O\*Neil" in text.splitlines()[4], "whoever reads the head alone knows that it is signed"
    assert "Edited by hand" in text


def test_the_line_on_use_and_the_page_number_stand_on_every_page(report: Report, tmp_path: Path) -> None:
    pdf.write(report, tmp_path / "report.pdf", pictures())
    pages = PdfReader(tmp_path / "report.pdf").pages
    assert len(pages) >= 2
    for number, page in enumerate(pages, start=1):
        assert USE in page.extract_text()
        assert f"Page {number} of {len(pages)}" in page.extract_text()
        assert [round(float(side)) for side in page.mediabox[2:]] == [595, 842]


@pytest.mark.parametrize("kind", ["image", "outside", "map", "change"])
def test_a_pdf_tells_every_sentence_in_words_or_in_a_table(kind: str, tmp_path: Path) -> None:
    made = {
        "image": image_report(ex.study(), ex.prediction(), ex.explanation(), ex.CHEST_MODEL),
        "outside": image_report(ex.study(), ex.prediction(outside=ex.OUTSIDE), None, ex.CHEST_MODEL),
        "map": map_report(ex.land_cover_map(outside_share=0.5), ex.LAND_MODEL),
        "change": change_report(ex.change_map(), ex.LAND_MODEL),
    }[kind]
    pdf.write(made, tmp_path / "report.pdf", [*pictures(), *pictures()])
    text = text_of(tmp_path / "report.pdf")
    cells = {cell for table in tables_of(made) for row in table.rows for cell in row}
    assert all(cell in text for cell in cells)
    for sentence in made.sentences:
        rows = {fact_id.rpartition(".")[0] for fact_id in sentence.facts}
        if len(rows) != 1 or rows.pop().partition(".")[0] not in {table.group for table in tables_of(made)}:
            assert sentence.text in text, sentence


def test_every_font_is_embedded_truetype_and_no_user_is_named(report: Report, tmp_path: Path) -> None:
    pdf.write(sign(report, "Zofia Wójcik-Šímová, Ωmega Инна", ex.NOON), tmp_path / "report.pdf", pictures())
    reader = PdfReader(tmp_path / "report.pdf")
    fonts = [font.get_object() for page in reader.pages for font in page["/Resources"]["/Font"].values()]  # type: ignore[index]
    assert fonts
    for font in fonts:
        assert font["/Subtype"] == "/TrueType"
        assert "/FontFile2" in font["/FontDescriptor"]
    assert "Signed by Zofia Wójcik-Šímová, Ωmega Инна" in text_of(tmp_path / "report.pdf")
    assert reader.metadata is not None
    assert {str(value) for key, value in reader.metadata.items() if key in ("/Author", "/Creator")} == {"Sightline"}
    assert "DOE" not in str(reader.metadata)


def test_an_edited_section_stands_in_the_pdf_as_it_was_typed(report: Report, tmp_path: Path) -> None:
    pdf.write(edit_section(report, "findings", "No <b>consolidation</b> & no effusion."), tmp_path / "report.pdf")
    text = text_of(tmp_path / "report.pdf")
    assert "No <b>consolidation</b> & no effusion." in text
    assert "Edited by hand" in text
    assert "90 % prediction set: bacterial" not in text


def test_long_words_and_many_lines_do_not_break_the_pages(tmp_path: Path) -> None:
    reason = notice("input.no-image", modality="x" * 400)
    assumptions = tuple(notice("scene.south-up", name=f"{number} {'word ' * 60}") for number in range(60))
    prediction = ex.prediction(outside=Outside(1.0, 2.0, True, reason), assumptions=assumptions)
    report = edit_section(image_report(ex.study(), prediction, ex.explanation(), ex.CHEST_MODEL), "explanation", "line\n" * 200)
    odd = [("A very wide one", np.zeros((4, 900, 3), np.uint8)), ("A tall one", np.zeros((900, 4, 3), np.uint8))]
    pdf.write(report, tmp_path / "report.pdf", odd)
    assert len(PdfReader(tmp_path / "report.pdf").pages) > 4
