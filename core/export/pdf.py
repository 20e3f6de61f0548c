"""report.pdf: A4, the picture beside its overlay, findings as bars, measurements against random, and every fact by number.

The small numbers after a sentence are those of the facts at the end: each word can be followed back to where it came from.
The typeface is embedded; the file's properties name no user.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from reportlab import rl_config
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import CondPageBreak, Flowable, KeepTogether, Paragraph, SimpleDocTemplate, Spacer
from reportlab.platypus import Table as Grid

from core.explain.overlay import bar_colours
from core.export import pdf_style as styles
from core.export.pdf_parts import AgainstRandom, ColourBar, PdfBar, picture
from core.report.language import Language, language_of
from core.report.tables import Table, is_told_by_table, tables_of
from core.report.text import addendum_title, is_warning, moment, section_title, sections_of, signature
from core.types import Addendum, Fact, Report, Sentence

RUNNING = ("technique", "explanation")
"""Sections set as one paragraph; the others give each sentence a line of its own."""
rl_config.useA85 = 0  # streams as bytes: spelt as text, letter by letter, two pictures took longer than the rest of the report
PICTURE_HEIGHT = 88 * mm
FRAME_PADDING = 6
"""Points that reportlab keeps free inside its margins."""
IN_BARS = ("probability", "score", "share")
"""Units of facts that are drawn as a bar beside their row."""

Pictures = Sequence[tuple[str, NDArray[np.uint8]]]


def write(report: Report, path: Path, pictures: Pictures = (), details: Pictures = ()) -> None:
    """Write the report to `path`.

    pictures: (caption, uint8 [rows, columns, 3]), set two beside each other; of an explained image the last one is the overlay.
    details: pictures behind the sections: a locator, then three of each of the largest changes.
    """
    styles.register_fonts()
    written = BytesIO()  # a file of reportlab's own stays open where the disk is full
    document = SimpleDocTemplate(
        written,
        pagesize=(styles.PAGE_WIDTH, styles.PAGE_HEIGHT),
        leftMargin=styles.MARGIN - FRAME_PADDING,
        rightMargin=styles.MARGIN - FRAME_PADDING,
        topMargin=24 * mm,
        bottomMargin=20 * mm,
        title=report.title,
        author="Sightline",
        creator="Sightline",
        subject=language_of(report.language).words["intended_use"],
    )
    document.build(_story(report, pictures, details), canvasmaker=_numbered(language_of(report.language)))
    path.write_bytes(written.getvalue())


def _story(report: Report, pictures: Pictures, details: Pictures) -> list[Flowable]:
    words = language_of(report.language).words
    state = f"<b>{escape(signature(report))}</b> {escape(words['created'].format(at=moment(report.created)))}"
    story: list[Flowable] = [Paragraph(escape(report.title), styles.TITLE), Paragraph(state, styles.SUBTITLE)]
    story += _pictures(report, pictures)
    for section in sections_of(report):
        story += _section(report, section)
    for addendum in report.addenda:
        story += _addendum(report, addendum)
    return [*story, *_details(report, details), *_facts(report)]


def _details(report: Report, details: Pictures) -> list[Flowable]:
    """A locator across the page, and three pictures a row; a change is not parted by the end of a page."""
    if not details:
        return []
    heading = Paragraph(escape(language_of(report.language).words["largest_changes"]), styles.HEADING)
    first, *others = [(escape(caption), pixels) for caption, pixels in details]
    where = [picture(first[1], styles.TEXT_WIDTH, PICTURE_HEIGHT), Paragraph(first[0], styles.CAPTION)]
    parts: list[Flowable] = [KeepTogether([heading, *where])]
    width = (styles.TEXT_WIDTH - 2 * styles.GUTTER) / 3
    widths = [width + styles.GUTTER, width + styles.GUTTER, width]
    style = _flush([("RIGHTPADDING", (0, 0), (-2, -1), styles.GUTTER)])
    for row in range(0, len(others), 3):
        cells = [[picture(pixels, width, width), Paragraph(caption, styles.CAPTION)] for caption, pixels in others[row : row + 3]]
        parts.append(KeepTogether([Spacer(0, 8), Grid([cells], colWidths=widths[: len(cells)], hAlign="LEFT", style=style)]))
    return parts


def _pictures(report: Report, pictures: Pictures) -> list[Flowable]:
    if not pictures:
        return []
    beside = 3 if len(pictures) in (3, 5, 6) else 2
    width = (styles.TEXT_WIDTH - (beside - 1) * styles.GUTTER) / beside
    blocks = [_block(report, caption, pixels, width, number == len(pictures)) for number, (caption, pixels) in enumerate(pictures, start=1)]
    rows = [blocks[first : first + beside] for first in range(0, len(blocks), beside)]
    rows[-1] += [[] for _ in range(beside - len(rows[-1]))]
    style = _flush([("RIGHTPADDING", (0, 0), (-2, -1), styles.GUTTER)])
    widths = [width + styles.GUTTER] * (beside - 1) + [width]
    return [Grid(rows, colWidths=widths, hAlign="LEFT", style=style)]


def _block(report: Report, caption: str, pixels: NDArray[np.uint8], width: float, is_last: bool) -> list[Flowable]:
    known = {fact.id: fact.value for fact in report.facts}
    block: list[Flowable] = [picture(pixels, width, PICTURE_HEIGHT), Paragraph(escape(caption), styles.CAPTION)]
    if is_last and "map.high" in known:
        ends = (str(known["map.low"]), str(known["map.high"]))
        block.insert(1, ColourBar(block[0].drawWidth, ends, bar_colours(bool(known["map.signed"]))))
        block.insert(1, Spacer(0, 4))
    return [*block, Spacer(0, 6)]


def _section(report: Report, section: str) -> list[Flowable]:
    heading = Paragraph(escape(section_title(report, section)), styles.HEADING)
    body = _edited(report, section) if section in report.edited else _composed(report, section)
    if section == "findings" and section not in report.edited:
        body += [part for table in tables_of(report) for part in _table(report, table)]
    if section == "explanation" and section not in report.edited:
        return [KeepTogether([heading, *body, *_measurements(report)])]
    return [KeepTogether([heading, *body[:1]]), *body[1:]]


def _edited(report: Report, section: str) -> list[Flowable]:
    mark = language_of(report.language).words["edited"]
    lines = [line for line in report.edited[section].splitlines() if line.strip()]
    return [Paragraph(escape(mark), styles.CAPTION), Spacer(0, 3), *(Paragraph(escape(line), styles.BODY) for line in lines)]


def _addendum(report: Report, addendum: Addendum) -> list[Flowable]:
    lines = [Paragraph(escape(line), styles.BODY) for line in addendum.text.splitlines() if line.strip()]
    return [KeepTogether([Paragraph(escape(addendum_title(report, addendum)), styles.HEADING), *lines[:1]]), *lines[1:]]


def _composed(report: Report, section: str) -> list[Flowable]:
    tables = tables_of(report)
    told = [one for one in report.sentences if one.section == section and not is_told_by_table(one, tables)]
    if section in RUNNING:
        return [Paragraph(" ".join(_traced(report, sentence) for sentence in told), styles.BODY)]
    if section == "limits":
        return [Paragraph(_traced(report, sentence), styles.BULLET, bulletText="\N{EN DASH}") for sentence in told]
    return [_finding(report, sentence, is_first=number == 0) for number, sentence in enumerate(told)]


def _finding(report: Report, sentence: Sentence, is_first: bool) -> Flowable:
    if not is_warning(report, sentence):
        return Paragraph(_traced(report, sentence), styles.LEAD if is_first else styles.BODY)
    box = [("BACKGROUND", (0, 0), (-1, -1), styles.AMBER_PAPER), ("LINEBEFORE", (0, 0), (0, -1), 2.4, styles.AMBER)]
    padding = [(side, (0, 0), (-1, -1), size) for side, size in (("LEFTPADDING", 8), ("TOPPADDING", 5), ("BOTTOMPADDING", 7))]
    cells = [[Paragraph(_traced(report, sentence), styles.WARNING)]]
    return Grid(cells, colWidths=[styles.TEXT_WIDTH], style=_flush([*box, *padding]), spaceAfter=5)


def _traced(report: Report, sentence: Sentence) -> str:
    """The sentence in reportlab's markup, with the numbers of its facts."""
    places = {fact.id: number for number, fact in enumerate(report.facts, start=1)}
    numbers = _ranges(sorted(places[fact_id] for fact_id in sentence.facts))
    trace = f'<font name="{styles.FONT}" color="{styles.QUIET_HEX}"><super rise="3.2" size="5">{numbers}</super></font>'
    return escape(sentence.text) + (trace if numbers else "")


def _ranges(numbers: Sequence[int]) -> str:
    """[3, 4, 5, 9] as "3-5,9"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _table(report: Report, table: Table) -> list[Flowable]:
    shares = [next((cell for cell in row if cell is not None and cell.unit in IN_BARS), None) for row in table.cells]
    has_bars = table.group in ("label", "class") and all(shares)
    head = [Paragraph(escape(column), styles.CELL_HEAD) for column in table.columns]
    bar_width = 60 * mm
    rows: list[list[Any]] = [[*head, ""] if has_bars else head]
    for row, share in zip(table.rows, shares, strict=True):
        cells = [Paragraph(escape(cell), styles.CELL) for cell in row]
        rows.append([*cells, PdfBar(float(share.value), bar_width)] if has_bars and share else cells)  # type: ignore[arg-type]
    rest = styles.TEXT_WIDTH - (bar_width if has_bars else 0)
    widths = [rest / len(head)] * len(head) + ([bar_width] if has_bars else [])
    lines = [("LINEBELOW", (0, 0), (-1, -1), 0.4, styles.HAIRLINE), ("VALIGN", (0, 0), (-1, -1), "MIDDLE")]
    padding = [("TOPPADDING", (0, 0), (-1, -1), 2.2), ("BOTTOMPADDING", (0, 0), (-1, -1), 2.6)]
    grid = Grid(rows, colWidths=widths, repeatRows=1, hAlign="LEFT", style=_flush([*lines, *padding]), spaceBefore=4, spaceAfter=6)
    return [Paragraph(escape(table.title), styles.style(8.8, bold=True, before=5)), grid] if table.group != "label" else [grid]


def _measurements(report: Report) -> list[Flowable]:
    known = {fact.id: fact for fact in report.facts}
    words = language_of(report.language).words
    width = (styles.TEXT_WIDTH - styles.GUTTER) / 2
    charts = []
    for name in ("deletion", "insertion"):
        if f"{name}.value" not in known:
            return []
        value, low, mean, high = (_number(known[f"{name}.{part}"]) for part in ("value", "random_low", "random_mean", "random_high"))
        charts.append(AgainstRandom(words[name], value, (low, mean, high), (words["this_map"], words["random"]), width))
    style = _flush([("LEFTPADDING", (1, 0), (1, 0), styles.GUTTER)])
    return [Grid([charts], colWidths=[width, width + styles.GUTTER], hAlign="LEFT", style=style, spaceBefore=6)]


def _facts(report: Report) -> list[Flowable]:
    language = language_of(report.language)
    rows: list[list[Any]] = []
    for number, fact in enumerate(report.facts, start=1):
        cells = (str(number), fact.id, language.write(fact), fact.source)
        rows.append([Paragraph(escape(cell), styles.SMALL) for cell in cells])
    lines = [("LINEBELOW", (0, 0), (-1, -1), 0.3, styles.HAIRLINE), ("VALIGN", (0, 0), (-1, -1), "TOP")]
    padding = [("TOPPADDING", (0, 0), (-1, -1), 1.1), ("BOTTOMPADDING", (0, 0), (-1, -1), 1.4)]
    widths = [8 * mm, 46 * mm, styles.TEXT_WIDTH - 82 * mm, 28 * mm]
    grid = Grid(rows, colWidths=widths, hAlign="LEFT", style=_flush([*lines, *padding]))
    return [CondPageBreak(50 * mm), Paragraph(escape(language.words["facts"]), styles.HEADING), grid]


def _number(fact: Fact) -> float:
    return float(fact.value) if isinstance(fact.value, (int, float)) else float("nan")


def _flush(commands: Sequence[Any]) -> list[Any]:
    """Table commands without reportlab's own padding at the sides, before those given."""
    none = [(side, (0, 0), (-1, -1), 0) for side in ("LEFTPADDING", "RIGHTPADDING", "TOPPADDING", "BOTTOMPADDING")]
    return [*none, ("FONTNAME", (0, 0), (-1, -1), styles.FONT), ("VALIGN", (0, 0), (-1, -1), "TOP"), *commands]


def _numbered(language: Language) -> type[Canvas]:
    """A canvas that writes the line on use, and the page with the count of pages, on every page when all are known."""

    class Numbered(Canvas):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **{**options, "initialFontName": styles.FONT})
            self._pages: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802 (reportlab's name)
            self._pages.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, page in enumerate(self._pages, start=1):
                self.__dict__.update(page)
                _frame(self, language, number, len(self._pages))
                super().showPage()
            super().save()

    return Numbered


def _frame(canvas: Canvas, language: Language, number: int, pages: int) -> None:
    top = styles.PAGE_HEIGHT - 14 * mm
    right = styles.PAGE_WIDTH - styles.MARGIN
    canvas.setFont(styles.BOLD, 8)
    canvas.setFillColor(styles.ACCENT)
    canvas.drawString(styles.MARGIN, top, "Sightline")
    canvas.setFont(styles.FONT, 8)
    canvas.setFillColor(styles.INK)
    canvas.drawRightString(right, top, language.words["intended_use"])
    canvas.setStrokeColor(styles.HAIRLINE)
    canvas.setLineWidth(0.5)
    canvas.line(styles.MARGIN, top - 2.6 * mm, right, top - 2.6 * mm)
    canvas.setFont(styles.FONT, 7.4)
    canvas.setFillColor(styles.QUIET)
    canvas.drawRightString(right, 11 * mm, language.words["page"].format(page=number, pages=pages))
