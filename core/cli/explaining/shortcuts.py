"""`sightline shortcuts`: whether a model's evidence lies at one place of the image over a folder of cases, and what masking it costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.options import Json
from core.cli.output import about, print_json, print_line, say_aside
from core.cli.progress import Ticker

if TYPE_CHECKING:
    from core.workflows.explaining.shortcuts import PlaceOfEvidence


def shortcuts(
    model: Annotated[str, typer.Argument(metavar="ID", help="A model of the zoo, a model folder, or a hub id (owner/name).")],
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="A folder of cases; it is walked.")],
    method: Annotated[str, typer.Option("--method", metavar="M", help="What finds the evidence.")] = "relevance",
    as_json: Json = False,
) -> None:
    """Pool the evidence of many cases in image coordinates, mask what lies at one place in most of them, and measure the loss."""
    from core.cli.sources import workspace
    from core.workflows.explaining.shortcuts import find_shortcuts

    with workspace() as work, Ticker("images") as ticker:
        found = find_shortcuts(model, data, method, work, ticker, lambda name, error: say_aside(about(name, error)))
    if as_json:
        return print_json(found.as_json())
    print_line(f"{found.n:,} cases by {found.method}, {found.n_failed:,} without an answer")
    for place in found.places:
        print_line(_words(place))
    if not any(place.is_alarm for place in found.places):
        print_line("no alarm: no place decides these answers")
    return None


def _words(place: PlaceOfEvidence) -> str:
    fall = f"masked, the probability falls from {place.before:.2f} to {place.masked:.2f}, elsewhere by {place.elsewhere:z.2f}"
    alarm = "ALARM: " if place.is_alarm else ""
    return f"{alarm}{place.label}: {place.place}, in {100 * place.share:.0f} % of {place.cases:,} cases; {fall} (p {place.p:.2f})"
