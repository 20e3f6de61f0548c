"""How the PDF looks: one typeface, one accent, generous margins."""

from __future__ import annotations

from functools import cache

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from core.settings import PROJECT

PAGE_WIDTH, PAGE_HEIGHT = A4
MARGIN = 20 * mm
TEXT_WIDTH = PAGE_WIDTH - 2 * MARGIN
GUTTER = 6 * mm

FONT, BOLD = "Sightline", "Sightline-Bold"
FILES = {FONT: "DejaVuSansCondensed.ttf", BOLD: "DejaVuSansCondensed-Bold.ttf"}

INK = HexColor("#1c2326")
QUIET_HEX = "#6b757a"
QUIET = HexColor(QUIET_HEX)
HAIRLINE = HexColor("#d3d9db")
TRACK = HexColor("#eceff0")
ACCENT = HexColor("#1f7a6d")
AMBER = HexColor("#b5691a")
AMBER_PAPER = HexColor("#fbf3e8")


@cache
def register_fonts() -> None:
    """Make the typeface known to reportlab. Once a process: TrueType, embedded as a subset of the letters used."""
    for name, file in FILES.items():
        pdfmetrics.registerFont(TTFont(name, str(PROJECT / "assets" / "fonts" / file)))
    pdfmetrics.registerFontFamily(FONT, normal=FONT, bold=BOLD, italic=FONT, boldItalic=BOLD)


def style(
    size: float, *, bold: bool = False, colour: HexColor = INK, before: float = 0, after: float = 0, indent: float = 0
) -> ParagraphStyle:
    """A paragraph style; lengths in points."""
    return ParagraphStyle(
        name=f"{size}-{bold}-{colour}",
        fontName=BOLD if bold else FONT,
        bulletFontName=FONT,
        bulletFontSize=size,
        fontSize=size,
        leading=size * 1.42,
        textColor=colour,
        spaceBefore=before,
        spaceAfter=after,
        leftIndent=indent,
        splitLongWords=True,
    )


TITLE = style(19, bold=True, after=3)
SUBTITLE = style(8.5, colour=QUIET, after=12)
HEADING = style(10.5, bold=True, colour=ACCENT, before=13, after=4)
LEAD = style(11.5, bold=True, after=4)
BODY = style(9.2, after=3)
BULLET = style(8.8, after=2.2, indent=9)
CAPTION = style(7.6, colour=QUIET, before=3)
WARNING = style(9.6, bold=True, colour=AMBER)
CELL = style(8.6)
CELL_HEAD = style(7.6, colour=QUIET)
SMALL = style(6.8)
