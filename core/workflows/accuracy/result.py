"""A folder that `sightline map` or `sightline change` has finished, as what a sample is drawn from: strata and classes of every pixel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree as Xml

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import Affine
from rasterio.windows import Window

from core.accuracy.strata import BUFFER_PIXELS, NOWHERE, StrataStrip, ZonesOnGrid, buffered
from core.areas.zones import Zone, read_zones
from core.change.evidence import NODATA
from core.errors import InputError, NotFound, OutOfRange, UnreadableFile
from core.export.geotiff import READ_ROWS, read_strips
from core.readers.digest import sha256_of
from core.readers.scenes.raster import open_raster
from core.workflows.change_files import BEFORE, CHANGE, STATES
from core.workflows.scene_map import LANDCOVER

BY_CLASSES, BY_CHANGE, BY_BUFFER, BY_ZONES = "classes", "change", "buffer", "zones"
NEAR_CHANGE, FAR_FROM_CHANGE, OUTSIDE_ZONES = "unchanged near change", "unchanged elsewhere", "outside the zones"
MOST_BUFFER_PIXELS = 100
"""Rows that are read above and below a strip to measure the distance to change."""
MOST_ZONES = 1000


@dataclass(frozen=True)
class MappedFolder:
    """A finished map. raster: of its classes, uint8, indices into labels. kind: "map" or "change", as in its report."""

    folder: Path
    kind: str
    raster: Path
    labels: tuple[str, ...]
    crs: CRS
    transform: Affine
    width: int
    height: int

    @cached_property
    def digest(self) -> str:
        """sha256 of the class raster."""
        return sha256_of(self.raster)

    @property
    def ways(self) -> tuple[str, ...]:
        """What strata can be made by; the first where nobody chooses."""
        if self.kind == "map":
            return BY_CLASSES, BY_ZONES
        has_classes = (self.folder / BEFORE).is_file()
        return BY_CHANGE, BY_BUFFER, BY_ZONES, *((BY_CLASSES,) if has_classes else ())


def open_result(folder: Path) -> MappedFolder:
    """Raises NotFound for a folder without a map or a change in it, UnreadableFile."""
    if not folder.is_dir():
        raise NotFound(f"{folder} is no folder.", "Give the folder that `sightline map` or `sightline change` has written.")
    for kind, name in (("map", LANDCOVER), ("change", CHANGE)):
        path = folder / name
        if not path.is_file():
            continue
        with open_raster(path) as raster:
            grid = (raster.crs, raster.transform, raster.width, raster.height)
        return MappedFolder(folder, kind, path, labels_of(path) if kind == "map" else STATES, *grid)
    pairs = sorted(inner.name for inner in folder.iterdir() if (inner / CHANGE).is_file())
    hint = f"Give one of its pairs of dates: {', '.join(pairs)}." if pairs else "Make one with `sightline map` or `sightline change`."
    raise NotFound(f"{folder} holds no {LANDCOVER} and no {CHANGE}.", hint)


def labels_of(raster: Path) -> tuple[str, ...]:
    """The names of the classes, which stand beside a class raster. Raises NotFound, UnreadableFile."""
    path = raster.with_name(f"{raster.name}.aux.xml")
    try:
        names = [name.text or "" for name in Xml.parse(path).getroot().iter("Category")]
    except FileNotFoundError:
        raise NotFound(f"{path} does not exist: it names the classes of {raster.name}.", "Copy the whole folder of the map.") from None
    except (Xml.ParseError, OSError) as error:
        raise UnreadableFile(f"{path} cannot be read.", "Make the map again.") from error
    if not names or not all(names):
        raise UnreadableFile(f"{path} names no classes.", "Make the map again.")
    return tuple(names)


@dataclass(frozen=True)
class StrataOfMap:
    """names: of the strata. rows: () -> strips from top to bottom, as often as it is called."""

    by: str
    names: tuple[str, ...]
    rows: Callable[[], Iterator[StrataStrip]]


def strata_of(found: MappedFolder, by: str = "", zones: Path | None = None, buffer_pixels: int | None = None) -> StrataOfMap:
    """Parts of a map to be sampled each by itself.

    by: "classes", of the map, or of the first date where the map is of change; "change": what changed and what did not; "buffer": the same
    with the ground near change by itself; "zones": polygons of a file, and what lies outside them; "" for the usual one.
    Raises OutOfRange for a way that this map does not have, InputError for zones that are not given or not used, and what read_zones does.
    """
    by = by or found.ways[0]
    if by not in found.ways:
        raise OutOfRange("--strata", by, f"one of {', '.join(found.ways)} for this {found.kind}")
    if (by == BY_ZONES) != (zones is not None):
        raise InputError("Strata by zones need a file of zones, and no others use one.", "Give --strata zones and --zones FILE together.")
    if by != BY_BUFFER and buffer_pixels is not None:
        raise InputError(f"Strata by {by} have no buffer.", "Leave --buffer out, or give --strata buffer.")
    buffer_pixels = BUFFER_PIXELS if buffer_pixels is None else buffer_pixels
    if not 1 <= buffer_pixels <= MOST_BUFFER_PIXELS:
        raise OutOfRange("--buffer", buffer_pixels, f"1 to {MOST_BUFFER_PIXELS} pixels")
    if by == BY_ZONES and zones is not None:
        return _by_zones(found, read_zones(zones, found.crs))
    if by == BY_BUFFER:
        return StrataOfMap(by, (STATES[1], NEAR_CHANGE, FAR_FROM_CHANGE), lambda: _near_change(found, buffer_pixels))
    if by == BY_CLASSES and found.kind == "change":
        return StrataOfMap(by, labels_of(found.folder / BEFORE), lambda: _by_raster(found, found.folder / BEFORE))
    return StrataOfMap(by, found.labels, lambda: _by_raster(found, found.raster))


def _by_zones(found: MappedFolder, zones: Sequence[Zone]) -> StrataOfMap:
    if len(zones) > MOST_ZONES:
        raise OutOfRange("number of zones", len(zones), f"at most {MOST_ZONES:,}, each a stratum")
    on_grid = ZonesOnGrid(zones, found.transform)

    def rows() -> Iterator[StrataStrip]:
        for top, classes in read_strips(found.raster):
            mapped = _classes(classes)
            zone = on_grid.rows(top, *classes.shape)
            zone[mapped == NOWHERE] = NOWHERE
            yield StrataStrip(top, zone, mapped)

    return StrataOfMap(BY_ZONES, (*(zone.name for zone in zones), OUTSIDE_ZONES), rows)


def _by_raster(found: MappedFolder, strata: Path) -> Iterator[StrataStrip]:
    """Strata that are the values of a raster. Where either has no data there is no stratum."""
    for (top, classes), (_, of) in zip(read_strips(found.raster), read_strips(strata), strict=True):
        mapped, held = _classes(classes), _classes(of)
        is_nowhere = (mapped == NOWHERE) | (held == NOWHERE)
        mapped[is_nowhere] = held[is_nowhere] = NOWHERE
        yield StrataStrip(top, held, mapped)


def _near_change(found: MappedFolder, distance: int) -> Iterator[StrataStrip]:
    for top in range(0, found.height, READ_ROWS):
        rows = min(READ_ROWS, found.height - top)
        above, below = min(distance, top), min(distance, found.height - top - rows)
        with open_raster(found.raster) as raster:
            states = raster.read(1, window=Window(0, top - above, found.width, above + rows + below))
        yield StrataStrip(top, buffered(states, distance, above, rows), _classes(states[above : above + rows]))


def _classes(values: NDArray[np.uint8]) -> NDArray[np.int32]:
    classes = values.astype(np.int32)
    classes[values == NODATA] = NOWHERE
    return classes
