"""What one GeoTIFF file says of itself: its bands, its grid, its date, and what had to be assumed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
from rasterio import DatasetReader
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.transform import Affine
from rasterio.windows import Window as RasterWindow

from core.errors import UnreadableFile
from core.readers.scenes import blocks, values
from core.readers.scenes.band_names import band_token, colour_of
from core.readers.scenes.dates import place_in_time_of
from core.readers.scenes.footprint import footprint, in_words
from core.readers.scenes.raster import open_raster, source_of
from core.types import Band, Notice, notice

_INTERPRETED = {
    ColorInterp.red: "red",
    ColorInterp.green: "green",
    ColorInterp.blue: "blue",
}
_UNNAMED = ("red", "green", "blue", "near infrared")


@dataclass(frozen=True)
class RasterFile:
    """What one file says of itself."""

    path: Path
    bands: tuple[Band, ...]
    is_colour_assumed: bool
    width: int
    height: int
    crs: CRS | None
    transform: Affine
    dtype: str
    date: date | None
    date_text: str
    date_assumption: Notice | None
    notes: tuple[Notice, ...]

    @property
    def pixel_area(self) -> float:
        """In square units of the CRS."""
        return float(abs(self.transform.a * self.transform.e - self.transform.b * self.transform.d))


def read_file(path: Path, folder: str) -> RasterFile:
    """Its first and last block are read. folder: the name of that in which it lay.

    Raises UnreadableFile, UnsafeFile, TooLarge, NotFound.
    """
    with open_raster(path) as dataset:
        blocks.refuse_what_is_not_there(source_of(dataset), path.name)
        _probe(dataset)
        tags = source_of(dataset).tags()
        taken, date_text, date_assumption = place_in_time_of(tags, path.name, folder)
        bands, is_assumed = _file_bands(dataset, path, f"{path.name} {tags.get('SPACECRAFT_ID', '')} {tags.get('SENSOR_ID', '')}")
        crs, transform, notes = _grid(dataset, path.name)
        return RasterFile(
            path=path,
            bands=bands,
            is_colour_assumed=is_assumed,
            width=dataset.width,
            height=dataset.height,
            crs=crs,
            transform=transform,
            dtype=str(np.result_type(*dataset.dtypes)),
            date=taken,
            date_text=date_text,
            date_assumption=date_assumption,
            notes=notes,
        )


def _file_bands(dataset: DatasetReader, path: Path, product: str) -> tuple[tuple[Band, ...], bool]:
    """The bands of one file without its mask, and whether their colours had to be assumed."""
    taken = values.sample(dataset)
    source = source_of(dataset)
    mask, is_sparse = values.data_mask(dataset, taken), source is dataset and blocks.is_sparse(source)
    indexes = [i for i in dataset.indexes if dataset.colorinterp[i - 1] is not ColorInterp.alpha and (mask is None or i != mask.index)]
    if not indexes:
        raise UnreadableFile(f"{path.name} holds only a mask.", "Give a GeoTIFF with at least one band of image.")
    token = band_token(path.stem) if len(indexes) == 1 else ""
    bands = []
    for index in indexes:
        described = source.descriptions[index - 1] or ""
        name = described or token or f"band {index}"
        colour = colour_of(described, product) or colour_of(token, product) or _INTERPRETED.get(dataset.colorinterp[index - 1], "")
        scale, offset = source.scales[index - 1], source.offsets[index - 1]
        is_told = (scale, offset) != (1.0, 0.0)
        bands.append(
            Band(
                name=name,
                common_name=colour,
                file=path,
                index=index,
                scale=scale if is_told else None,
                offset=offset if is_told else None,
                nodata=source.nodatavals[index - 1],
                mask=mask,
                is_sparse=is_sparse,
                values=values.value_range(taken.bands[index - 1]),
            )
        )
    is_unnamed = not any(band.common_name for band in bands) and not any(source.descriptions[i - 1] for i in indexes)
    if not is_unnamed or len(bands) not in (3, 4):
        return tuple(bands), False
    return tuple(replace(band, common_name=colour) for band, colour in zip(bands, _UNNAMED, strict=False)), True


def _grid(dataset: DatasetReader, name: str) -> tuple[CRS | None, Affine, tuple[Notice, ...]]:
    """CRS, transform, and what is to be said about them."""
    notes = []
    subdatasets = source_of(dataset).subdatasets
    if subdatasets:
        notes.append(notice("scene.first-of-several", name=name, images=len(subdatasets)))
    if dataset.colorinterp[0] is ColorInterp.palette:
        notes.append(notice("scene.palette", name=name))
    transform, crs = dataset.transform, dataset.crs or None
    if blocks.is_sparse(source_of(dataset)):
        notes.append(notice("scene.blocks-missing", name=name))
    if source_of(dataset).gcps[0]:
        notes.append(notice("scene.control-points", name=name, points=len(source_of(dataset).gcps[0])))
    if crs is None:
        return None, transform, (*notes, notice("scene.no-crs", name=name))
    if transform == Affine.identity():
        return None, transform, (*notes, notice("scene.no-place", name=name))
    if transform.b or transform.d:
        notes.append(notice("scene.rotated", name=name))
    if transform.determinant > 0:
        notes.append(notice("scene.south-up", name=name))
    return crs, transform, tuple(notes)


def _probe(dataset: DatasetReader) -> None:
    """Read the first and the last block, so that a file that is cut off is refused at the door."""
    rows, columns = dataset.block_shapes[0]
    for row in {0, (dataset.height - 1) // rows * rows}:
        column = 0 if row == 0 else (dataset.width - 1) // columns * columns
        dataset.read(1, window=RasterWindow(column, row, 1, 1))


def box_of(file: RasterFile) -> tuple[float, float, float, float]:
    """(left, bottom, right, top) in units of the CRS."""
    t, width, height = file.transform, file.width, file.height
    xs = (t.c, t.c + t.a * width, t.c + t.b * height, t.c + t.a * width + t.b * height)
    ys = (t.f, t.f + t.d * width, t.f + t.e * height, t.f + t.d * width + t.e * height)
    return min(xs), min(ys), max(xs), max(ys)


def ground_words(file: RasterFile) -> str:
    """Where on Earth it lies, as an error tells it."""
    place = footprint(file.crs, file.transform, file.width, file.height) if file.crs is not None else None
    return in_words(place)
