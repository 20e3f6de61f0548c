"""From a scene to a land-cover map: rasters, areas, polygons. Everything is streamed in strips, and appears when all of it is whole."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS

from core.areas.pixels import Hectares, row_hectares
from core.areas.polygons import ClassStrip, polygons_of
from core.areas.zonal_counts import InsideZones, ZonalCounts
from core.areas.zones import read_zones
from core.errors import OutOfRange
from core.export.geotiff import StripWriter, grid_in, parse_crs, read_strips, warp_raster
from core.export.qgis_project import ProjectLayer
from core.export.staging import staged
from core.export.symbols import PaletteSymbol
from core.export.tables import write_areas
from core.export.vector import Feature, write_polygons
from core.inference.engine import Engine
from core.inference.scenes.ahead import ahead
from core.inference.scenes.scores import Strip, check_mappable, iterate_scores
from core.inference.scenes.tasks import decided_by
from core.inference.scenes.workers import Workers, strips_done
from core.prepare.grid.bands import resolve_bands
from core.prepare.grid.clouds import cloud_notice
from core.prepare.grid.reflectance import is_scale_known, value_doubts
from core.prepare.grid.tiles import OVERLAP, tile_grid
from core.prepare.scene_input import ground_refusal, scale_assumptions
from core.readers.scenes.raster import open_raster
from core.render.colours import UNSTABLE_MARK, class_colours
from core.render.preview import Preview
from core.types import ClassArea, FloatImage, LandCoverMap, Mask, Notice, Progress, Scene, notice
from core.workflows.layers import class_symbol, number_symbol, outline_symbol, write_layers
from core.workflows.zones.clip import clip_rasters, inside_or_refuse
from core.workflows.zones.counted import count_map
from core.workflows.zones.files import write_map_zones

LANDCOVER, CONFIDENCE, OUTSIDE, UNSTABLE = "landcover.tif", "confidence.tif", "outside.tif", "unstable.tif"
UNCERTAINTY, UNCERTAINTY_BANDS = "uncertainty.tif", ("entropy", "margin", "outside", "unstable")
"""entropy: of the confidences, as a share of the largest that there can be. margin: the highest confidence minus the second."""
AREAS, CLASSES, LAYER = "areas.csv", "classes.gpkg", "classes"
_NODATA = 255
_STEPS = 4096
"""Confidences are stored in steps of 1/4096: finer ones are noise, and noise does not compress."""


def map_scene(
    scene: Scene,
    engine: Engine,
    out: Path,
    *,
    min_area_hectares: float = 0.0,
    crs: str | None = None,
    zones: Path | None = None,
    clip: bool = False,
    progress: Progress | None = None,
    preview: Preview | None = None,
    workers: Workers | None = None,
) -> LandCoverMap:
    """Write landcover.tif, confidence.tif, outside.tif, uncertainty.tif, unstable.tif, areas.csv and classes.gpkg into `out`; with zones,
    zones.csv and zones.gpkg too.

    min_area_hectares: smaller polygons are left out of classes.gpkg; rasters and areas keep every pixel.
    crs: a coordinate system for everything that is written; that of the scene by default. zones: a vector file of polygons.
    clip: cut everything to the zones; what is said of a zone is the same, pixels at its edge counting in parts.
    progress: told of tiles; what it raises ends the work, and nothing is left of it.
    preview: given the classes of each strip as it is done. workers: other processes that compute the scores; the files are the same.
    Raises WrongTask, NoGrid, MissingBands, InputError (crs, out, min_area_hectares), UnreadableFile and NotFound (zones too), DeviceError.
    """
    started = time.perf_counter()
    model = engine.model
    check_mappable(scene, model)
    target = target_crs(scene, crs)
    if not 0.0 <= min_area_hectares < math.inf:
        raise OutOfRange("--min-area", min_area_hectares, "at least 0 hectares")
    drawn = read_zones(zones, target) if zones is not None else ()
    inside = inside_or_refuse(scene, zones) if clip else None
    tiles = tile_grid(scene, model.preprocess, model.patch).tiles

    def look_up() -> None:
        """Whoever watches may end the work after the last tile, too."""
        if progress is not None:
            progress(tiles, tiles)

    with staged(out) as folder:
        taken_over = _taken_over(scene, engine, workers)
        scores = _score(scene, engine, folder, progress, preview, workers, inside)
        if target != scene.crs:
            _bring_to(folder, target, model.labels)
        if drawn:
            write_map_zones(folder, count_map(folder / LANDCOVER, model.labels, drawn), model.labels, target)
        if clip:
            clip_rasters(folder, _legends(model.labels), drawn)
        areas = _measure(folder, model.labels, min_area_hectares, look_up)
        _write_layers(folder, scene, engine)
    bands_assumed = resolve_bands(scene, model.preprocess.channels, model.preprocess.reflectance_top)[1]
    refusal, clouds = ground_refusal(scene, model.preprocess), cloud_notice(scene)
    return LandCoverMap(
        scene=scene,
        model=model.id,
        weights=model.weights_hash,
        labels=model.labels,
        landcover=out / LANDCOVER,
        confidence=out / CONFIDENCE,
        outside=out / OUTSIDE,
        unstable=out / UNSTABLE,
        uncertainty=out / UNCERTAINTY,
        unstable_share=scores.unstable / max(scores.valid, 1),
        classes=out / CLASSES,
        areas=areas,
        valid_pixels=sum(area.pixels for area in areas),
        outside_share=1.0 if refusal and scores.valid else scores.outside / max(scores.valid, 1),
        mean_confidence=scores.confidence / scores.valid if scores.valid else float("nan"),
        parameters={**_parameters(scene, engine, target, min_area_hectares, zones), "clip": clip},
        warnings=(*filter(None, [refusal]), *value_doubts(scene), clouds),
        is_ground_known=not refusal,
        is_scale_known=is_scale_known(scene),
        linear=tuple(label for label in model.labels if label in model.preprocess.linear),
        token_metres=_token_metres(engine),
        assumptions=(
            *filter(None, [refusal]),
            clouds,
            *bands_assumed,
            *scale_assumptions(scene, model.preprocess),
            *engine.notices,
            *taken_over,
        ),
        seconds=time.perf_counter() - started,
    )


@dataclass
class _Scores:
    """Sums over the valid pixels of a scene. outside: pixels whose score is above the model's threshold. unstable: of an unsure class."""

    valid: int = 0
    outside: int = 0
    unstable: int = 0
    confidence: float = 0.0

    def add(self, strip: Strip, confidence: FloatImage, threshold: float, counted: Mask) -> None:
        """counted: bool [rows, width], the pixels that are told of."""
        valid = strip.valid & counted
        self.valid += int(valid.sum())
        self.unstable += int((strip.is_unstable & counted).sum())
        self.outside += int(((strip.outside_score > threshold) & counted).sum())
        self.confidence += float(confidence[valid].sum(dtype=np.float64))


def target_crs(scene: Scene, crs: str | None) -> CRS:
    """The coordinate system that is written: `crs`, or that of the scene. Raises OutOfRange or NoGrid before the work is begun."""
    assert scene.crs is not None  # check_mappable has seen to it
    row_hectares(scene.crs, scene.transform, scene.width, scene.height)  # refused before the work, not after it
    if crs is None:
        return scene.crs
    target = parse_crs(crs)
    with open_raster(scene.files[0]) as raster:
        grid_in(raster, target)
    return target


def _taken_over(scene: Scene, engine: Engine, workers: Workers | None) -> tuple[Notice, ...]:
    """That strips of a run that was killed are used, where it is so."""
    done, strips = strips_done(scene, engine, workers.folder) if workers is not None else (0, 0)
    return (notice("scene.strips-taken-over", done=done, strips=strips),) if done else ()


def _score(
    scene: Scene,
    engine: Engine,
    folder: Path,
    progress: Progress | None,
    preview: Preview | None,
    workers: Workers | None,
    inside: InsideZones | None,
) -> _Scores:
    """The rasters on the grid of the scene. inside: what is counted; everything without it."""
    labels = engine.model.labels
    threshold = engine.model.ood_detector.threshold if engine.model.ood_detector is not None else np.inf
    grid: dict[str, Any] = {"width": scene.width, "height": scene.height, "crs": scene.crs, "transform": scene.transform}
    values: dict[str, Any] = {**grid, "dtype": "float32", "nodata": float("nan")}
    bytes_: dict[str, Any] = {**grid, "dtype": "uint8", "nodata": _NODATA}
    classes: dict[str, Any] = {**bytes_, "labels": labels, "colours": class_colours(labels)}
    scores = _Scores()
    with ExitStack() as stack:
        landcover = stack.enter_context(StripWriter(folder / LANDCOVER, **classes, description="land cover"))
        confidence = stack.enter_context(StripWriter(folder / CONFIDENCE, **values, description="confidence"))
        outside = stack.enter_context(StripWriter(folder / OUTSIDE, **values, description="distance from the training images"))
        unstable = stack.enter_context(StripWriter(folder / UNSTABLE, **bytes_, description="unstable"))
        uncertainty = stack.enter_context(StripWriter(folder / UNCERTAINTY, **values, bands=UNCERTAINTY_BANDS))
        strips = iterate_scores(scene, engine, progress=progress, workers=workers)
        for strip in stack.enter_context(closing(ahead(strips) if workers is None else strips)):
            best, index = highest(strip.probabilities)
            classed = np.where(strip.valid, index, _NODATA).astype(np.uint8)
            landcover.write(strip.top, classed)
            if preview is not None:
                preview.add(strip.top, classed)
            confidence.write(strip.top, np.where(strip.valid, np.rint(best * _STEPS) / _STEPS, np.nan))
            outside.write(strip.top, strip.outside_score)
            unstable.write(strip.top, np.where(strip.valid, strip.is_unstable, _NODATA).astype(np.uint8))
            uncertainty.write(strip.top, uncertainty_of(strip))
            counted = np.ones_like(strip.valid) if inside is None else inside.rows(strip.top, *strip.valid.shape)
            scores.add(strip, best, threshold, counted)
    return scores


def uncertainty_of(strip: Strip) -> FloatImage:
    """float32 [4, rows, columns], in the order of UNCERTAINTY_BANDS, NaN without data.

    entropy: Shannon's, of the confidences of a pixel brought to sum 1, divided by the logarithm of the number of classes: 0 to 1.
    """
    shares = strip.probabilities / np.maximum(strip.probabilities.sum(axis=0), np.finfo(np.float32).tiny)
    entropy = -(shares * np.log(np.maximum(shares, np.finfo(np.float32).tiny))).sum(axis=0) / math.log(max(len(shares), 2))
    second, first = np.partition(strip.probabilities, -2, axis=0)[-2:] if len(shares) > 1 else (np.zeros_like(entropy), shares[0])
    planes = np.stack([*(np.rint(plane * _STEPS) / _STEPS for plane in (entropy, first - second)), strip.outside_score, strip.is_unstable])
    return np.where(strip.valid, planes, np.nan).astype(np.float32)


def highest(planes: FloatImage) -> tuple[FloatImage, NDArray[np.uint8]]:
    """(the highest value, its plane: the first of equals), [rows, columns] each, of float32 [planes, rows, columns], at most 255 planes.

    Plane by plane, which is several times as fast as argmax over the first axis.
    """
    best, index = planes[0].copy(), np.zeros(planes.shape[1:], dtype=np.uint8)
    for place, plane in enumerate(planes[1:], start=1):
        index[plane > best] = place
        np.maximum(best, plane, out=best)
    return best, index


def _bring_to(folder: Path, target: CRS, labels: tuple[str, ...]) -> None:
    """The rasters of a folder in another CRS, in place of themselves."""
    with staged(folder) as warped:
        warp_raster(folder / LANDCOVER, warped / LANDCOVER, target, labels, class_colours(labels))
        for name in (CONFIDENCE, OUTSIDE, UNSTABLE, UNCERTAINTY):
            warp_raster(folder / name, warped / name, target)


def _legends(labels: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Of each raster: what its values are called and how they are drawn."""
    classes: dict[str, Any] = {"labels": labels, "colours": class_colours(labels)}
    return {LANDCOVER: classes, CONFIDENCE: {}, OUTSIDE: {}, UNSTABLE: {}, UNCERTAINTY: {}}


def _write_layers(folder: Path, scene: Scene, engine: Engine) -> None:
    """The project, the item and the printed map."""
    labels = engine.model.labels
    colours = class_colours(labels)
    numbers = [
        ProjectLayer(name, words, number_symbol(folder / name, band), is_on=False)
        for name, words, band in (
            (CONFIDENCE, "Confidence", 1), (UNCERTAINTY, "Entropy", 1), (UNCERTAINTY, "Margin", 2), (OUTSIDE, "Distance from training", 1),
        )
    ]  # fmt: skip
    layers = [
        ProjectLayer(CLASSES, "Classes as polygons", outline_symbol("class", labels, colours), LAYER, is_on=False),
        ProjectLayer(UNSTABLE, "Unstable", PaletteSymbol(("stable", "unstable"), ((60, 66, 74), UNSTABLE_MARK)), is_on=False),
        ProjectLayer(LANDCOVER, "Land cover", class_symbol(labels, colours)),
        *numbers,
    ]
    told = {"sightline:model": engine.model.id, "sightline:weights": engine.model.weights_hash}
    write_layers(folder, "Land cover", layers, (LANDCOVER, labels), [scene], engine.model, told)


def _measure(folder: Path, labels: tuple[str, ...], min_area_hectares: float, step: Callable[[], None]) -> tuple[ClassArea, ...]:
    """Tables and polygons of landcover.tif, in one pass over it. step: called for each strip; what it raises ends the work."""
    with open_raster(folder / LANDCOVER) as raster:
        crs, transform, size = raster.crs, raster.transform, (raster.width, raster.height)
    hectares = row_hectares(crs, transform, *size)
    counts = ZonalCounts(len(labels))
    strips = _counted(folder / LANDCOVER, hectares, counts, step)
    polygons = polygons_of(strips, transform, hectares, nodata=_NODATA, min_hectares=min_area_hectares)
    features: Iterator[Feature] = ((polygon.geometry, (labels[polygon.value], polygon.hectares)) for polygon in polygons)
    write_polygons(folder / CLASSES, LAYER, features, {"class": str, "hectares": float}, crs)
    areas = counts.areas(labels)
    write_areas(folder / AREAS, areas)
    return areas


def _counted(path: Path, hectares: Hectares, counts: ZonalCounts, step: Callable[[], None]) -> Iterator[ClassStrip]:
    """The strips of a class raster, each counted as it passes by."""
    for top, classes in read_strips(path):
        step()
        area = hectares(top, len(classes))
        counts.add(classes, area)
        yield ClassStrip(top, classes)


def _token_metres(engine: Engine) -> float | None:
    """What a token covers on the ground at the model's scale."""
    gsd = engine.model.preprocess.ground_sample_distance_m
    return None if gsd is None else gsd * max(engine.model.patch)


def _parameters(scene: Scene, engine: Engine, target: CRS, min_area_hectares: float, zones: Path | None) -> dict[str, Any]:
    return {
        "decided_by": decided_by(scene, engine),
        "tile": list(engine.model.preprocess.size),
        "overlap": OVERLAP,
        "views": 1,  # of each tile
        "runtime": engine.runtime.library,
        "precision": engine.runtime.precision,
        "device": engine.runtime.name,
        "crs": target.to_string(),
        "min_area_hectares": min_area_hectares,
        "zones": zones.name if zones is not None else "",
    }
