"""From two dates to their change by a model trained on change; the classes of both dates come from another model, or are not known."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.areas.zones import read_zones
from core.change.by_model import judge_pair, with_classes
from core.change.caveats import caveats, shift_between
from core.change.compare import compare
from core.change.scratch import EvidenceFile
from core.errors import OutOfRange
from core.export.staging import staged
from core.inference.change_engine import ChangeEngine
from core.inference.engine import Engine
from core.inference.scenes.pair import pixel_grid
from core.inference.scenes.pair_ood import PairGate
from core.inference.scenes.scores import check_mappable
from core.prepare.grid.align import on_grid_of, overlap_or_refuse
from core.prepare.grid.pair import pair_of
from core.prepare.grid.tiles import OVERLAP
from core.types import ChangeMap, Progress, Scene
from core.workflows.change_files import AFTER, BEFORE, CHANGE, CHANGES, Kind, bring_to, measure, write_rasters
from core.workflows.scene_change import EVIDENCE, check_area, tiles_of_both
from core.workflows.scene_map import target_crs

MODEL = "model"
"""The method of a change model, and the only one it has."""
CLASSES_EVIDENCE = "classes"


def detect_model_change(
    before: Scene,
    after: Scene,
    engine: ChangeEngine,
    out: Path,
    *,
    method: str = MODEL,
    classes: Engine | None = None,
    min_area_hectares: float = 0.0,
    crs: str | None = None,
    zones: Path | None = None,
    progress: Progress | None = None,
) -> ChangeMap:
    """Write change.tif, change_probability.tif (change_score.tif for a model that is not calibrated) and changes.gpkg into `out`.

    With `classes`, a land-cover model, landcover_before.tif, landcover_after.tif and transitions.csv too, and patches have `from` and `to`;
    else these are null. With zones, zones.csv too. The second date is brought to the grid of the first. Bands that the dates do not both
    have are left out, and that is said. Exchanging dates that share a grid exchanges `from` and `to` and changes nothing else.
    The other options, and what is raised, as in core.workflows.scene_change.detect_change.
    """
    started = time.perf_counter()
    model = engine.model
    check_model_change(before, after, engine, method=method, classes=classes, min_area_hectares=min_area_hectares)
    target = target_crs(before, crs)
    drawn = read_zones(zones, target) if zones is not None else ()
    aligned = on_grid_of(after, before)
    pair = pair_of(before, aligned, model.preprocess)
    shared = replace(model.preprocess, channels=tuple(model.preprocess.channels[place] for place in pair.places))
    shift = shift_between(before, aligned, shared)
    kind = Kind(classes.model.labels if classes is not None else (), model.calibration is not None)
    own, tiles = pixel_grid(before, model.preprocess).tiles, tiles_of_pair(before, engine, classes)
    with staged(out) as folder, ExitStack() as stack:
        scratch = folder / EVIDENCE
        scratch.mkdir()
        chances = stack.enter_context(EvidenceFile(scratch / EVIDENCE, before.width))
        gate = PairGate(model.outside, model.preprocess, pair.places)
        for evidence in judge_pair(pair, engine, _within(progress, 0, tiles), gate=gate):
            chances.append(evidence)
        strips, outside = chances.strips(), gate.shares
        if classes is not None:
            classed = stack.enter_context(EvidenceFile(scratch / CLASSES_EVIDENCE, before.width))
            outside = _larger(outside, _classify(before, aligned, classes, classed, _within(progress, own, tiles)))
            strips = with_classes(chances, classed)
        write_rasters(strips, before, kind, folder, model.threshold, False, lambda: _within(progress, 0, tiles)(tiles, tiles))
        if target != before.crs:
            bring_to(folder, target, kind)
        found = measure(folder, before, after, kind, drawn, min_area_hectares)
    return ChangeMap(
        before=before,
        after=after,
        model=model.id,
        weights=model.weights_hash,
        method=MODEL,
        labels=kind.labels,
        change=out / CHANGE,
        score=out / kind.score,
        polygons_file=out / CHANGES,
        transitions=found.transitions,
        polygons=found.polygons,
        changed_pixels=found.changed_pixels,
        valid_pixels=found.valid_pixels,
        changed_hectares=found.changed_hectares,
        parameters={
            **_parameters(engine, classes),
            "bands": list(shared.channels),
            **({} if outside is None else {"outside_share_before": outside[0], "outside_share_after": outside[1]}),
            **({} if shift is None else {"shift_pixels": round(shift, 2)}),
            "crs": target.to_string(),
            "min_area_hectares": min_area_hectares,
            "zones": zones.name if zones is not None else "",
        },
        assumptions=(*pair.missing, *caveats(before, after, aligned, shared, shift, outside or (0.0, 0.0))),
        landcover_before=out / BEFORE if kind.labels else None,
        landcover_after=out / AFTER if kind.labels else None,
        is_calibrated=kind.is_calibrated,
        seconds=time.perf_counter() - started,
    )


def check_model_change(
    before: Scene,
    after: Scene,
    engine: ChangeEngine,
    *,
    method: str = MODEL,
    classes: Engine | None = None,
    min_area_hectares: float = 0.0,
) -> None:
    """Refusals, before the work. Raises OutOfRange, NoGrid, NoOverlap, MissingBands, and WrongTask for a model that gives no classes."""
    if method != MODEL:
        raise OutOfRange("method", method, f"{MODEL}, since {engine.model.id} is a change model")
    check_area(min_area_hectares)
    overlap_or_refuse(before, after)
    pair_of(before, after, engine.model.preprocess)
    if classes is not None:
        for scene in (before, after):
            check_mappable(scene, classes.model)


def tiles_of_pair(before: Scene, engine: ChangeEngine, classes: Engine | None = None) -> int:
    """Tiles of the comparison, and of the classes of both dates where they are asked for."""
    own = pixel_grid(before, engine.model.preprocess).tiles
    return own + (tiles_of_both(before, classes) if classes is not None else 0)


def _classify(before: Scene, aligned: Scene, classes: Engine, classed: EvidenceFile, progress: Progress) -> tuple[float, float]:
    """Both dates' classes as evidence; returns at each date the share of the valid pixels outside what the model of classes knows."""
    valid, counts = 0, [0, 0]
    for strip in compare(before, aligned, classes, progress=progress):
        classed.append(strip.evidence)
        valid += strip.valid
        counts = [so_far + more for so_far, more in zip(counts, strip.outside, strict=True)]
    return counts[0] / max(valid, 1), counts[1] / max(valid, 1)


def _larger(own: tuple[float, float] | None, of_classes: tuple[float, float]) -> tuple[float, float]:
    """At each date the larger share: what either model does not know may mean nothing."""
    first, second = own or (0.0, 0.0)
    return max(first, of_classes[0]), max(second, of_classes[1])


def _within(progress: Progress | None, before: int, total: int) -> Progress:
    """Part of the work, which comes after `before` tiles of `total`."""

    def tell(done: int, _: int) -> None:
        if progress is not None:
            progress(min(before + done, total), total)

    return tell


def _parameters(engine: ChangeEngine, classes: Engine | None) -> dict[str, Any]:
    return {
        "threshold": engine.model.threshold,
        "tile": list(engine.model.preprocess.size),
        "overlap": OVERLAP,
        "runtime": "torch",
        "precision": engine.runtime.precision,
        "device": engine.runtime.name,
        **({"classes_model": classes.model.id, "classes_weights": classes.model.weights_hash} if classes is not None else {}),
    }
