"""Products among many files: a .SAFE of Sentinel-2 or a Landsat scene is one thing, whatever it consists of.

A product is found by its metadata, by name and by content, in a folder as in an archive, whose members each lie in a folder of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from core.readers.scenes.eopf import read_eopf
from core.readers.scenes.landsat import LANDSAT_METADATA, landsat_metadata, read_landsat
from core.readers.scenes.product import ProductFacts
from core.readers.scenes.sentinel2 import IMAGES, SENTINEL2_METADATA, read_sentinel2, sentinel2_metadata
from core.readers.scenes.zarr import is_zarr_group
from core.sources.folder import Source, Unusable


@dataclass(frozen=True)
class ProductFiles:
    """The files of one product. label: as the user named it. files: by their place in it, the metadata included."""

    label: str
    metadata: PurePosixPath
    files: dict[PurePosixPath, Path]

    def facts(self) -> ProductFacts:
        """What its metadata say. Raises UnreadableFile, TooLarge."""
        if self.files[self.metadata].is_dir():
            return read_eopf(self.files[self.metadata])
        read = read_sentinel2 if SENTINEL2_METADATA.match(self.metadata.name) else read_landsat
        return read(self.files[self.metadata], self.files)


def products_in(sources: Sequence[Source | Unusable]) -> tuple[list[ProductFiles], list[Source | Unusable]]:
    """The products among files, and the files that belong to none."""
    places = {place_of(source.label): source for source in sources if isinstance(source, Source)}
    found, taken = [], set()
    for place, source in places.items():
        if source.path.is_dir():  # a Zarr store
            found.append(_product(place, place, {place}, places))
            taken.add(place)
    for metadata in sentinel2_metadata(places):
        held = {place for place in places if place.is_relative_to(metadata.parent)}
        if not any(IMAGES in place.relative_to(metadata.parent).parts for place in held):
            continue  # metadata alone, beside whatever else lies there
        found.append(_product(metadata.parent, metadata, held, places))
        taken |= held
    for metadata in landsat_metadata(place for place in places if place not in taken):
        stem = LANDSAT_METADATA.sub("", metadata.name)
        held = {place for place in places if place.parent == metadata.parent and place.name.startswith(f"{stem}_")}
        found.append(_product(metadata.parent / stem, metadata, held, places))
        taken |= held
    rest = [source for source in sources if isinstance(source, Unusable) or place_of(source.label) not in taken]
    return found, rest


def place_of(label: str) -> PurePosixPath:
    """A label as a place in a tree: members of an archive lie below it."""
    return PurePosixPath(label.replace("!/", "/"))


def is_product_folder(folder: Path) -> bool:
    """Whether a folder is a product, or holds one .SAFE or Zarr store: its sub-folders then belong to it."""
    if is_zarr_group(folder) or any(is_zarr_group(each) for each in folder.glob("*.zarr")):
        return True
    inside = [*folder.iterdir(), *(file for safe in folder.glob("*.SAFE") if safe.is_dir() for file in safe.iterdir())]
    return any(SENTINEL2_METADATA.match(file.name) or LANDSAT_METADATA.search(file.name) for file in inside)


def _product(root: PurePosixPath, metadata: PurePosixPath, held: set[PurePosixPath], places: dict[PurePosixPath, Source]) -> ProductFiles:
    """The metadata keep their name: a member of an archive does, too."""
    return ProductFiles(str(root), metadata, {place: places[place].path for place in sorted(held)})
