"""From two dates to their change: rasters, transitions, polygons. Everything is streamed in strips, and appears when all of it is whole."""

from __future__ import annotations

import time
from collections.abc import Sequence
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
from core.inference.scenes import Watch, check_mappable
from core.journeys.change_files import AFTER, BEFORE, CHANGE, CHANGES, SCORE, bring_to, measure, write_rasters
from core.journeys.scene_map import target_crs
from core.prepare.grid import on_grid_of, overlap_or_refuse
from core.prepare.scene_input import ground_refusal
from core.prepare.tiles import OVERLAP, tile_grid
from core.types import ChangeMap, Scene

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
    progress: Watch | None = None,
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
    _check(before, after, engine, method, min_area_hectares)
    target = target_crs(before, crs)
    drawn = read_zones(zones, target) if zones is not None else ()
    aligned = on_grid_of(after, before)
    shift = shift_between(before, aligned, model.preprocess)
    tiles, usual = _tiles(before, engine), Histogram()
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
            write_rasters(evidence, before, model.labels, folder, threshold, method == CLASSES, lambda: _tell(progress, tiles))
        if target != before.crs:
            bring_to(folder, target, model.labels)
        found = measure(folder, before, after, model.labels, drawn, min_area_hectares)
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
        score=out / SCORE,
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


def change_series(
    scenes: Sequence[Scene], engine: Engine, out: Path, *, progress: Watch | None = None, **options: Any
) -> tuple[tuple[str, ChangeMap], ...]:
    """The change of each consecutive pair of scenes, in sub-folders 01-02, 02-03 ..., and of the first against the last.

    scenes: at least two, in the order of their dates; two of them make one pair. options: as for detect_change. All pairs are checked
    before the first is begun. Returns (name of the sub-folder, change). Raises as detect_change does, and OutOfRange for a single scene.
    """
    if len(scenes) < 2:
        raise OutOfRange("number of scenes", len(scenes), "at least 2")
    last = len(scenes) - 1
    pairs = list(dict.fromkeys([*((place, place + 1) for place in range(last)), (0, last)]))
    for one, other in pairs:
        _check(scenes[one], scenes[other], engine, options.get("method", CLASSES), options.get("min_area_hectares", 0.0))
    tiles = [_tiles(scenes[one], engine) for one, _ in pairs]
    made = []
    for place, (one, other) in enumerate(pairs):
        name = f"{one + 1:02}-{other + 1:02}"
        watch = _shifted(progress, sum(tiles[:place]), sum(tiles))
        made.append((name, detect_change(scenes[one], scenes[other], engine, out / name, progress=watch, **options)))
    return tuple(made)


def _check(before: Scene, after: Scene, engine: Engine, method: str, min_area_hectares: float) -> None:
    """Refusals come before the work."""
    if method not in METHODS:
        raise OutOfRange("method", method, f"one of {', '.join(METHODS)}")
    if min_area_hectares < 0:
        raise OutOfRange("--min-area", min_area_hectares, "0 hectares or more")
    for scene in (before, after):
        check_mappable(scene, engine.model)
    overlap_or_refuse(before, after)


def _tiles(scene: Scene, engine: Engine) -> int:
    """Tiles of both dates."""
    return 2 * tile_grid(scene, engine.model.preprocess, engine.model.patch).tiles


def _tell(progress: Watch | None, tiles: int) -> None:
    """All tiles are done; whoever watches may still end the work."""
    if progress is not None:
        progress(tiles, tiles)


def _shifted(progress: Watch | None, before: int, total: int) -> Watch | None:
    """One pair of several: its tiles come after those of the pairs before."""
    return None if progress is None else lambda done, _: progress(before + done, total)


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
