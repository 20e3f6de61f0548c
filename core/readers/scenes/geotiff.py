"""One or several GeoTIFF files of one place and date become a Scene. Pixels stay on disk and are read by window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
from rasterio import DatasetReader
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.transform import Affine
from rasterio.windows import Window as RasterWindow

from core.errors import NoGrid, NoOverlap, NotFound, OutOfRange, UnreadableFile
from core.readers.digest import sha256_of, sha256_of_all
from core.readers.scenes import blocks, values
from core.readers.scenes.band_names import band_token, colour_of
from core.readers.scenes.dates import place_in_time_of
from core.readers.scenes.footprint import footprint, in_words
from core.readers.scenes.masks import chosen_clouds, quality_kind
from core.readers.scenes.product import ProductFacts
from core.readers.scenes.raster import open_raster, source_of
from core.types import Band, CloudMask, Notice, Product, ScaleState, Scaling, Scene, notice

__all__ = ["SceneOptions", "open_raster", "read_scene"]

_INTERPRETED = {
    ColorInterp.red: "red",
    ColorInterp.green: "green",
    ColorInterp.blue: "blue",
}
_UNNAMED = ("red", "green", "blue", "near infrared")
BANDS_ASSUMED = "scene.bands-assumed"
"""Code of the notice that it had to be guessed which band is which."""


LARGEST_FACTOR = 1e6
"""Of a digital number, on its way to a reflectance between 0 and 1."""


@dataclass(frozen=True)
class SceneOptions:
    """What the user says of a scene; it wins over what the file says.

    bands: what the bands are, in order ("B04", "red"). scale, offset: reflectance = digital number * scale + offset.
    clouds: "scl", "qa" (what the scene brings, of that kind), "none", or the path of a raster; "" for what the scene brings.
    is_accepted: whether the user took what was guessed for right.
    """

    bands: tuple[str, ...] = ()
    scale: float | None = None
    offset: float | None = None
    date: date | None = None
    clouds: str = ""
    is_accepted: bool = False

    @property
    def given(self) -> frozenset[str]:
        """Names of what the user said."""
        said = {"bands": self.bands, "scale": self.scale is not None, "offset": self.offset is not None, "date": self.date is not None}
        return frozenset(name for name, is_said in said.items() if is_said or self.is_accepted)

    def checked(self) -> SceneOptions:
        """Themselves. Raises OutOfRange for a scale or an offset by which no number becomes a reflectance."""
        if self.scale is not None and not 0.0 < self.scale <= LARGEST_FACTOR:
            raise OutOfRange("scale", self.scale, f"above 0, at most {LARGEST_FACTOR:g}")
        if self.offset is not None and not abs(self.offset) <= LARGEST_FACTOR:
            raise OutOfRange("offset", self.offset, f"at most {LARGEST_FACTOR:g}, above or below 0")
        return self


@dataclass(frozen=True)
class _File:
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


def read_scene(
    paths: Sequence[Path],
    options: SceneOptions | None = None,
    name: str | None = None,
    folders: Sequence[str] | None = None,
    product: ProductFacts | None = None,
    clouds: CloudMask | None = None,
) -> Scene:
    """Read what one or several GeoTIFF files say; several are bands of one scene, coarser ones are resampled when they are read.

    Names in the file win, then a band token in the name of a one-band file, then colour interpretation; three or four unnamed
    bands are taken as red, green, blue (, near infrared), as an assumption.
    folders: the name of the folder that each file came from, which may be a date; that in which it lies where None.
    product: what the metadata of a product say of these files; it stands over what the files say, and below what `options` say.
    clouds: a raster that lies beside the files and tells clouds.
    Raises NotFound, UnreadableFile, UnsafeFile, TooLarge; NoGrid or NoOverlap where files do not make one scene; OutOfRange where
    `options` name another number of bands.
    """
    if not paths:
        raise NotFound("No file was given.", "Give at least one GeoTIFF.")
    options = (options or SceneOptions()).checked()
    files = [_read_file(path, folder) for path, folder in zip(paths, folders or [path.parent.name for path in paths], strict=True)]
    if product is not None:
        files = [_told_by(product, file) for file in files]
    finest = min(files, key=lambda file: file.pixel_area)
    _check_one_place(files)
    bands, assumptions = _bands(files, options)
    taken, date_text, date_assumption = _date(files, options)
    where = footprint(finest.crs, finest.transform, finest.width, finest.height) if finest.crs is not None else None
    notes = list(dict.fromkeys([*assumptions, *(note for file in files for note in file.notes)]))
    if date_assumption is not None:
        notes.append(date_assumption)
    if finest.crs is not None and where is None:
        notes.append(notice("scene.no-footprint"))
    return Scene(
        name=name or _name(paths),
        sha256=sha256_of_all(sha256_of(path) for path in dict.fromkeys(paths)),
        bands=bands,
        width=finest.width,
        height=finest.height,
        crs=finest.crs,
        transform=finest.transform,
        dtype=str(np.result_type(*(file.dtype for file in files))),
        date=taken,
        date_text=date_text,
        footprint=where,
        product=None if product is None else _as_told(product.product, options),
        clouds=chosen_clouds(options.clouds, _brought(files, product, clouds), paths[0].name),
        given=options.given,
        assumptions=tuple(notes),
    )


def _read_file(path: Path, folder: str) -> _File:
    with open_raster(path) as dataset:
        blocks.refuse_what_is_not_there(source_of(dataset), path.name)
        _probe(dataset)
        tags = source_of(dataset).tags()
        taken, date_text, date_assumption = place_in_time_of(tags, path.name, folder)
        bands, is_assumed = _file_bands(dataset, path, f"{path.name} {tags.get('SPACECRAFT_ID', '')} {tags.get('SENSOR_ID', '')}")
        crs, transform, notes = _grid(dataset, path.name)
        return _File(
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


def _brought(files: Sequence[_File], product: ProductFacts | None, beside: CloudMask | None) -> CloudMask | None:
    """What tells clouds: the product, a band of the files, or a raster beside them."""
    if product is not None and product.clouds is not None:
        return CloudMask(*product.clouds)
    of_bands = ((quality_kind(band.name), band) for file in files for band in file.bands)
    return next((CloudMask(kind, band.file, band.index) for kind, band in of_bands if kind is not None), beside)


def _told_by(product: ProductFacts, file: _File) -> _File:
    """A file of a product, whose bands, scale and date are those of the metadata."""
    told = {band.file: band for band in product.bands}
    bands = tuple(
        replace(
            band,
            name=told[band.file].name,
            common_name=told[band.file].common_name,
            scale=told[band.file].scale,
            offset=told[band.file].offset,
            nodata=band.nodata if band.nodata is not None else told[band.file].nodata,
        )
        for band in file.bands
    )
    named = replace(file, bands=bands, is_colour_assumed=False)
    return named if product.date is None else replace(named, date=product.date, date_text="", date_assumption=None)


def _as_told(product: Product, options: SceneOptions) -> Product:
    """The product, with what the user said in place of what its metadata say."""
    given = Scaling(ScaleState.NEEDED, notice("product.given"))
    return replace(
        product,
        scale=product.scale if options.scale is None else given,
        offset=product.offset if options.offset is None else given,
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


def _bands(files: Sequence[_File], options: SceneOptions) -> tuple[tuple[Band, ...], list[Notice]]:
    bands = [band for file in files for band in file.bands]
    assumptions = []
    if options.bands:
        if len(options.bands) != len(bands):
            named = files[0].path.name + (f" and {len(files) - 1} more" if len(files) > 1 else "")
            raise OutOfRange(f"{named}: number of band names", len(options.bands), f"the number of its bands, {len(bands)}")
        product = " ".join(file.path.name for file in files)
        bands = [replace(band, name=given, common_name=colour_of(given, product)) for band, given in zip(bands, options.bands, strict=True)]
    elif any(file.is_colour_assumed for file in files):
        colours = tuple(band.common_name for file in files if file.is_colour_assumed for band in file.bands)
        assumptions.append(notice(BANDS_ASSUMED, colours=colours))
    if options.scale is not None or options.offset is not None:
        scale, offset = options.scale, options.offset
        bands = [
            replace(
                band,
                scale=scale if scale is not None else (band.scale if band.scale is not None else 1.0),
                offset=offset if offset is not None else (band.offset if band.offset is not None else 0.0),
            )
            for band in bands
        ]
    return tuple(bands), assumptions


def _date(files: Sequence[_File], options: SceneOptions) -> tuple[date | None, str, Notice | None]:
    if options.date is not None:
        return options.date, "", None
    dated = [file for file in files if file.date is not None]
    if not dated:
        return None, "", None
    told = next((file for file in dated if file.date_assumption is None), dated[0])
    return told.date, told.date_text, told.date_assumption


def _check_one_place(files: Sequence[_File]) -> None:
    first = files[0]
    for other in files[1:]:
        if other.crs != first.crs:
            raise NoGrid(
                f"{first.path.name} and {other.path.name} are in different coordinate systems.",
                "Files of one scene share theirs; give two dates as two scenes.",
            )
        if first.crs is None and (other.width, other.height) != (first.width, first.height):
            raise NoGrid(
                f"{first.path.name} and {other.path.name} differ in size and have no coordinate system.", "Georeference them first."
            )
        here, there = _box(first), _box(other)
        if first.crs is not None and not (here[0] < there[2] and there[0] < here[2] and here[1] < there[3] and there[1] < here[3]):
            raise NoOverlap(first.path.name, _words(first), other.path.name, _words(other))


def _box(file: _File) -> tuple[float, float, float, float]:
    """(left, bottom, right, top) in units of the CRS."""
    t, width, height = file.transform, file.width, file.height
    xs = (t.c, t.c + t.a * width, t.c + t.b * height, t.c + t.a * width + t.b * height)
    ys = (t.f, t.f + t.d * width, t.f + t.e * height, t.f + t.d * width + t.e * height)
    return min(xs), min(ys), max(xs), max(ys)


def _words(file: _File) -> str:
    place = footprint(file.crs, file.transform, file.width, file.height) if file.crs is not None else None
    return in_words(place)


def _name(paths: Sequence[Path]) -> str:
    return paths[0].name if len(paths) == 1 else f"{paths[0].name} and {len(paths) - 1} more"
