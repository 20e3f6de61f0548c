"""`sightline explain-benchmark`: all methods of explanation by all measures on one's own images."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.options import Json
from core.cli.output import about, print_json, print_line, say_aside
from core.cli.progress import Ticker

if TYPE_CHECKING:
    from core.workflows.evaluation.explanations import ExplanationBenchmark

SHOWN = ("gain", "supported", "saco", "sensitivity", "filling", "dropping", "agreement", "energy", "pointing", "overlap", "seconds")
"""Columns of the text; JSON and CSV have all."""


def benchmark_command(
    model: Annotated[str, typer.Argument(metavar="ID", help="A model of the zoo, a model folder, or a hub id (owner/name).")],
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            metavar="DIR",
            help="A folder of images; boxes in DIR/index.csv (file, boxes: [[label, x, y, width, height]]), or NAME_mask.png or "
            "NAME_readers.png beside NAME, measure where maps lie.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder for benchmark.json, benchmark.csv, and to go on from."),
    ] = None,
    methods: Annotated[str, typer.Option("--methods", metavar="M,M", help="Methods with a comma between them; all by default.")] = "",
    limit: Annotated[int, typer.Option("--limit", metavar="N", help="Images in all, as many of each answer where there are.")] = 24,
    seconds: Annotated[float | None, typer.Option("--seconds", metavar="S", help="After so long no further map is begun.")] = None,
    maps: Annotated[
        int | None, typer.Option("--maps", metavar="N", help="Random maps that each is ranked among; 100 by default, and at least.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure the maps of every method, by the answer that they explain, with 95 % intervals and the time they take."""
    from core.cli.explaining.knobs import maps_of
    from core.cli.sources import workspace
    from core.export.json import plain
    from core.export.staging import check_writable, make_folder, staged
    from core.workflows.evaluation.explanations import RECORD, BenchmarkPlan, benchmark_explanations

    ranked_among = maps_of(maps)
    chosen = tuple(name.strip() for name in methods.split(",") if name.strip())
    if out is not None:
        check_writable(out)
        make_folder(out)
    plan = BenchmarkPlan(chosen, limit, seconds, ranked_among, None if out is None else out / RECORD)
    with workspace() as work, Ticker("images") as ticker:
        found = benchmark_explanations(model, data, work, plan, ticker, lambda label, error: say_aside(about(label, error)))
    if not found.is_whole:
        say_aside(f"The time ran out after {found.n} images; the table holds what was measured.")
    if out is not None:
        import json

        with staged(out) as folder:
            (folder / "benchmark.json").write_text(json.dumps(plain(found.as_json()), indent=1) + "\n", encoding="utf-8")
            (folder / "benchmark.csv").write_text(as_csv(found), encoding="utf-8")
    if as_json:
        return print_json(plain(found.as_json()))
    return _say(found)


def as_csv(found: ExplanationBenchmark) -> str:
    """A line for each answer, method and measure."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("label", "method", "measure", "n", "mean", "low", "high"))
    writer.writerows((each.label, each.method, each.measure, each.n, each.mean, each.low, each.high) for each in found.cells)
    return text.getvalue()


def _say(found: ExplanationBenchmark) -> None:
    told = f"{found.n:,} images, in {found.n_drawn:,} of which something was drawn"
    print_line(f"{told}; {found.n_outside:,} outside what the model knows, {found.n_failed:,} not read; {found.seconds:.0f} s")
    for label in sorted({each.label for each in found.cells}):
        of_label = [each for each in found.cells if each.label == label]
        columns = [measure for measure in SHOWN if any(each.measure == measure for each in of_label)]
        print_line(f"{label}: {max(each.n for each in of_label):,} images; mean (95 % interval)")
        rows = [["method", *columns]]
        for method in dict.fromkeys(each.method for each in of_label):
            rows.append([method, *(_cell(found, label, method, measure) for measure in columns)])
        widths = [max(len(row[place]) for row in rows) for place in range(len(columns) + 1)]
        for row in rows:
            print_line("  " + "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip())


def _cell(found: ExplanationBenchmark, label: str, method: str, measure: str) -> str:
    cell = found.value(label, method, measure)
    if cell is None:
        return "-"
    interval = "" if cell.low is None or cell.high is None else f" ({cell.low:z.2f} to {cell.high:z.2f})"
    return f"{cell.mean:z.2f}{interval}"
