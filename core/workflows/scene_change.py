"""From two dates to their change: rasters, transitions, polygons. Everything is streamed in strips, and appears when all of it is whole."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from core.areas.zones import read_zones
from core.change.caveats import caveats, shift_between
from core.change.compare import CLASSES, METHODS, compare
from core.change.scratch import EvidenceFile
from core.change.threshold import CLASS_THRESHOLD, DEVIATIONS, Histogram
from core.errors import OutOfRange
from core.export.staging import staged
from core.inference.engine import Engine
from core.inference.scenes.scores import check_mappable
from core.prepare.grid.align import on_grid_of, overlap_or_refuse
from core.prepare.grid.tiles import OVERLAP, tile_grid
from core.prepare.scene_input import ground_refusal
from core.types import ChangeMap, Progress, Scene
from core.workflows.change_files import AFTER, BEFORE, CHANGE, CHANGES, Kind, bring_to, measure, write_rasters
from core.workflows.scene_map import target_crs

EVIDENCE = "evidence"


def detect_change(
    before: Scene,
    after: Scene,
    engine: Engine,
    out: Path,
    *,
    method: str = CLASSES,
    min_area_hectares: float = 0.0,
    crs: str | None = None,
    zones: Path | None = None,
    progress: Progress | None = None,
) -> ChangeMap:
    """Write change.tif, change_score.tif, landcover_before.tif, landcover_after.tif, transitions.csv and changes.gpkg into `out`; with
    zones, zones.csv too. The second date is brought to the grid of the first.

    method: "classes": a pixel has changed where its most probable class differs and the dates disagree on at least 70 % of their class
    probabilities. "embedding": where its token's embedding lies further apart than is usual between these dates, whatever its class.
    Exchanging dates that share a grid exchanges `from` and `to` and changes nothing else.
    min_area_hectares: smaller patches are left out of changes.gpkg; rasters and transitions keep every pixel.
    crs: a coordinate system for everything that is written; that of the first date by default. zones: a vector file of polygons.
    progress: told of tiles; what it raises ends the work, and nothing is left of it.
    Raises NoOverlap, NoGrid, WrongTask, MissingBands, OutOfRange, UnreadableFile, NotFound, DeviceError.
    """
    started = time.perf_counter()
    model = engine.model
    check_change(before, after, engine, method, min_area_hectares)
    target = target_crs(before, crs)
    drawn = read_zones(zones, target) if zones is not None else ()
    aligned = on_grid_of(after, before)
    shift = shift_between(before, aligned, model.preprocess)
    tiles, usual, kind = tiles_of_both(before, engine), Histogram(), Kind(model.labels)
    valid, outside = 0, [0, 0]
    with staged(out) as folder:
        scratch = folder / EVIDENCE
        scratch.mkdir()
        with EvidenceFile(scratch / EVIDENCE, before.width) as evidence:
            for strip in compare(before, aligned, engine, method, progress=progress):
                evidence.append(strip.evidence)
                usual.add(strip.evidence.score)
                valid += strip.valid
                outside = [so_far + more for so_far, more in zip(outside, strip.outside, strict=True)]
            threshold = CLASS_THRESHOLD if method == CLASSES else usual.unusual()
            write_rasters(evidence.strips(), before, kind, folder, threshold, method == CLASSES, lambda: _tell(progress, tiles))
        if target != before.crs:
            bring_to(folder, target, kind)
        found = measure(folder, before, after, kind, drawn, min_area_hectares)
    shares = tuple(
        1.0 if ground_refusal(scene, model.preprocess) else count / max(valid, 1)
        for scene, count in zip((before, after), outside, strict=True)
    )
    return ChangeMap(
        before=before,
        after=after,
        model=model.id,
        weights=model.weights_hash,
        method=method,
        labels=model.labels,
        change=out / CHANGE,
        score=out / kind.score,
        polygons_file=out / CHANGES,
        transitions=found.transitions,
        polygons=found.polygons,
        changed_pixels=found.changed_pixels,
        valid_pixels=found.valid_pixels,
        changed_hectares=found.changed_hectares,
        parameters={
            **_parameters(engine, method, threshold),
            "outside_share_before": shares[0],
            "outside_share_after": shares[1],
            **({} if shift is None else {"shift_pixels": round(shift, 2)}),
            "crs": target.to_string(),
            "min_area_hectares": min_area_hectares,
            "zones": zones.name if zones is not None else "",
        },
        assumptions=caveats(before, after, aligned, model.preprocess, shift, shares),
        landcover_before=out / BEFORE,
        landcover_after=out / AFTER,
        seconds=time.perf_counter() - started,
    )


def check_change(before: Scene, after: Scene, engine: Engine, method: str = CLASSES, min_area_hectares: float = 0.0) -> None:
    """Refusals, before the work. Raises OutOfRange, NoOverlap, and what core.inference.scenes.scores.check_mappable raises."""
    if method not in METHODS:
        raise OutOfRange("method", method, f"one of {', '.join(METHODS)}")
    check_area(min_area_hectares)
    for scene in (before, after):
        check_mappable(scene, engine.model)
    overlap_or_refuse(before, after)


def check_area(min_area_hectares: float) -> None:
    """Raises OutOfRange for a negative area."""
    if min_area_hectares < 0:
        raise OutOfRange("--min-area", min_area_hectares, "0 hectares or more")


def tiles_of_both(scene: Scene, engine: Engine) -> int:
    """Tiles of both dates."""
    return 2 * tile_grid(scene, engine.model.preprocess, engine.model.patch).tiles


def _tell(progress: Progress | None, tiles: int) -> None:
    """All tiles are done; whoever watches may still end the work."""
    if progress is not None:
        progress(tiles, tiles)


def _parameters(engine: Engine, method: str, threshold: float) -> dict[str, Any]:
    return {
        "threshold": threshold,
        **({} if method == CLASSES else {"deviations": DEVIATIONS}),
        "tile": list(engine.model.preprocess.size),
        "overlap": OVERLAP,
        "runtime": "torch",
        "precision": engine.runtime.precision,
        "device": engine.runtime.name,
    }
