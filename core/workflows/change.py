"""From two dates to their change: rasters, transitions, polygons. Everything is streamed in strips, and appears when all of it is whole."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rasterio.crs import CRS

from core.areas.zones import Zone, read_zones
from core.change.detect import EVIDENCE, Detection, check_dates, gather, lay_over
from core.change.methods.base import Method, NetworkMethod
from core.change.scratch import EvidenceFile
from core.change.taken_back import check_local, take_back
from core.change.threshold_sample import SampledThreshold
from core.errors import InputError, OutOfRange
from core.export.qgis_project import ProjectLayer
from core.export.staging import staged
from core.inference.scenes.pair_statistics import STATISTICS
from core.render.colours import class_colours
from core.render.preview import Preview
from core.types import ChangeMap, Progress, Scene, TakenBack
from core.workflows.bands.severity import SEVERITY, severity_layers, write_severity
from core.workflows.change_files import (
    AFTER,
    BEFORE,
    CHANGE,
    CHANGES,
    STATE_COLOURS,
    STATES,
    ChangeKind,
    Findings,
    bring_to,
    clip_to,
    count_zones,
    measure,
    write_rasters,
    write_taken_back,
)
from core.workflows.change_files import LAYER as CHANGES_LAYER
from core.workflows.layers import class_symbol, number_symbol, outline_symbol, write_layers
from core.workflows.scene_map import target_crs
from core.workflows.zones.clip import inside_or_refuse
from core.workflows.zones.files import write_change_zones
from core.workflows.zones.plots import PLOTS, check_cutoff, plot_of, write_plots


def detect_change(
    before: Scene,
    after: Scene,
    method: Method,
    out: Path,
    *,
    min_area_hectares: float = 0.0,
    crs: str | None = None,
    zones: Path | None = None,
    clip: bool = False,
    cutoff: date | None = None,
    taken_back: int = 0,
    progress: Progress | None = None,
    preview: Preview | None = None,
) -> ChangeMap:
    """Write change.tif, change_score.tif (change_probability.tif where the score is one) and changes.gpkg into `out`.

    Where the method knows classes, landcover_before.tif, landcover_after.tif and transitions.csv too, and polygons have `from` and `to`;
    else these are null; where it is dNBR, the files of burn severity. With zones, zones.csv and zones.gpkg too, and plots.geojson where
    one of them has a cut-off date. The second date is brought to the grid of the first.
    Exchanging dates that share a grid exchanges `from` and `to` and changes nothing else (but for a method whose score has a sign).
    min_area_hectares: smaller polygons are left out of changes.gpkg; rasters and transitions keep every pixel.
    crs: a coordinate system for everything that is written; that of the first date by default. zones: a vector file of polygons.
    clip: cut everything to the zones. cutoff: the cut-off date of zones that have none of their own.
    taken_back: so many of the largest polygons are taken back (core/change/taken_back.py); those that cannot be are left as they are.
    progress: told of tiles; what it raises ends the work, and nothing is left of it.
    preview: given the classes of both dates, strip by strip.
    Raises NoOverlap, NoGrid, WrongTask, MissingBands, OutOfRange, UnreadableFile, NotFound, DeviceError.
    """
    started = time.perf_counter()
    check_change(before, after, method, min_area_hectares)
    if taken_back:
        check_local(method)
    target = target_crs(before, crs)
    drawn = read_zones(zones, target) if zones is not None else ()
    if clip:
        inside_or_refuse(before, zones)
    check_cutoff(cutoff, drawn, before, after)
    dates = lay_over(before, after, method)
    kind, tiles = ChangeKind(method.labels, method.is_calibrated, method.is_of_burns), method.tiles(before)

    def look_up() -> None:
        """All tiles are done; whoever watches may still end the work."""
        if progress is not None:
            progress(tiles, tiles)

    with staged(out) as folder:
        scratch = folder / EVIDENCE
        scratch.mkdir()
        with EvidenceFile(scratch / EVIDENCE, before.width) as evidence:
            found = gather(dates, method, evidence, scratch, progress, None if preview is None else preview.add)
            write_rasters(found.strips(), before, kind, folder, found.threshold, method.is_by_class, look_up)
        if target != before.crs:
            bring_to(folder, target, kind)
        if drawn:
            _write_zones(folder, drawn, kind, before, after, cutoff, target)
        if clip:
            clip_to(folder, drawn, kind)
        findings = measure(folder, before, after, kind, min_area_hectares, found.dates.shift)
        findings = _taken_back(findings, found, method, taken_back, folder, look_up)
        severities = write_severity(folder, kind.score, min_area_hectares, look_up) if method.is_of_burns else ()
        _write_layers(folder, kind, before, after, method)
    wishes: dict[str, Any] = {
        "crs": target.to_string(),
        "min_area_hectares": min_area_hectares,
        "zones": zones.name if zones is not None else "",
    }
    wishes |= {"clip": clip, "cutoff": cutoff.isoformat() if cutoff else ""}
    result = _change_map(found, method, findings, kind, out, {**_parameters(found, method), **wishes}, time.perf_counter() - started)
    return replace(result, severity=out / SEVERITY, severities=severities) if severities else result


def _write_zones(folder: Path, zones: Sequence[Zone], kind: ChangeKind, before: Scene, after: Scene, cutoff: date | None, crs: CRS) -> None:
    """zones.csv, zones.gpkg, and plots.geojson where there is a cut-off date."""
    counts = count_zones(folder, zones, kind)
    write_change_zones(folder, counts, kind.labels, crs)
    if cutoff is not None or any(zone.cutoff for zone in zones):
        write_plots(folder / PLOTS, [plot_of(count, before, after, cutoff) for count in counts], before, after, crs)


def _write_layers(folder: Path, kind: ChangeKind, before: Scene, after: Scene, method: Method) -> None:
    """The project, the item and the printed map."""
    classes = class_symbol(kind.labels, class_colours(kind.labels))
    layers = [
        ProjectLayer(CHANGES, "Polygons of change", outline_symbol("changes"), CHANGES_LAYER),
        *severity_layers(folder),
        ProjectLayer(CHANGE, "Change", class_symbol(STATES, STATE_COLOURS)),
        *(
            ProjectLayer(name, f"Land cover {when}", classes, is_on=False)
            for name, when in (((AFTER, "after"), (BEFORE, "before")) if kind.labels else ())
        ),
        ProjectLayer(
            kind.score,
            "Probability of change" if kind.is_calibrated else "Score of change",
            number_symbol(folder / kind.score, of_change=True),
            is_on=False,
        ),
    ]
    model = method.engine.model if isinstance(method, NetworkMethod) else None
    told = {"sightline:method": method.name, **({"sightline:weights": method.weights} if method.weights else {})}
    write_layers(folder, "Change", layers, (CHANGE, STATES), [before, after], model, told)


def check_change(before: Scene, after: Scene, method: Method, min_area_hectares: float = 0.0) -> None:
    """Refusals, before the work. Raises OutOfRange, NoOverlap, NoGrid, and what the method's check raises."""
    if not 0.0 <= min_area_hectares < math.inf:
        raise OutOfRange("--min-area", min_area_hectares, "0 hectares or more")
    check_dates(before, after, method)


def _taken_back(findings: Findings, found: Detection, method: Method, wanted: int, folder: Path, step: Callable[[], None]) -> Findings:
    """With what became of the largest polygons. step: called before each; what it raises ends the work."""
    if not wanted:
        return findings
    dates, of_part = found.dates, method.of_part(found.statistics)
    told: dict[int, TakenBack] = {}
    for polygon in findings.polygons[:wanted]:
        step()
        with TemporaryDirectory(dir=folder) as scratch:
            try:
                told[polygon.id] = take_back(dates.before, dates.aligned, of_part, found.threshold, polygon, Path(scratch))
            except InputError:  # of this polygon: too large, or of its surroundings alone not found
                continue
    write_taken_back(folder, told.values())
    return replace(findings, polygons=tuple(replace(one, taken_back=told.get(one.id)) for one in findings.polygons))


def _change_map(
    found: Detection, method: Method, findings: Findings, kind: ChangeKind, out: Path, parameters: dict[str, Any], seconds: float
) -> ChangeMap:
    told = found.caveats
    return ChangeMap(
        before=found.dates.before,
        after=found.dates.after,
        model=method.model,
        weights=method.weights,
        method=method.name,
        labels=kind.labels,
        change=out / CHANGE,
        score=out / kind.score,
        polygons_file=out / CHANGES,
        transitions=findings.transitions,
        became=findings.became,
        polygons=findings.polygons,
        changed_pixels=findings.changed_pixels,
        valid_pixels=findings.valid_pixels,
        changed_hectares=findings.changed_hectares,
        outlined_hectares=findings.outlined_hectares,
        parameters=parameters,
        assumptions=(*told.everything, *method.notices),
        landcover_before=out / BEFORE if kind.labels else None,
        landcover_after=out / AFTER if kind.labels else None,
        is_calibrated=kind.is_calibrated,
        warnings=told.warnings,
        is_ground_known=found.dates.is_ground_known,
        is_scale_known=found.dates.is_scale_known,
        linear=tuple(label for label in kind.labels if label in method.linear),
        seconds=seconds,
    )


def _parameters(found: Detection, method: Method) -> dict[str, Any]:
    outside, shift = found.outside, found.dates.shift
    return {
        "threshold": found.threshold,
        **method.parameters(found.dates.reading),
        **({} if found.sampled is None else _learned(found.sampled, method.sample)),
        **({} if outside is None else {"outside_share_before": outside[0], "outside_share_after": outside[1]}),
        **({} if shift is None else {"shift_pixels": round(shift, 2)}),
        **({STATISTICS: dict(found.statistics)} if found.statistics else {}),
    }


def _learned(sampled: SampledThreshold, sample: Path | None) -> dict[str, Any]:
    """What a threshold was learned from, and how it does there."""
    return {
        "sample": sample.name if sample is not None else "",
        "sample_changed_pixels": sampled.changed,
        "sample_unchanged_pixels": sampled.unchanged,
        "sample_sensitivity": round(sampled.sensitivity, 4),
        "sample_specificity": round(sampled.specificity, 4),
    }
