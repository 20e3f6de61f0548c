"""Metadata of a Sentinel-2 product as EOPF Zarr (EOPF, Sentinel-2 MSI product structure): bands under measurements/reflectance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.errors import UnreadableFile
from core.readers.scenes.band_names import SENTINEL_2
from core.readers.scenes.dates import plain_date
from core.readers.scenes.product import BandFile, ProductFacts
from core.readers.scenes.zarr import attributes_of, is_zarr_array
from core.types import CloudKind, Notice, Product, ScaleState, Scaling, notice

BANDS, CLASSES = "measurements/reflectance", "conditions/mask/l2a_classification/r20m/scl"
NATIVE = {
    "r10m": ("b02", "b03", "b04", "b08"),
    "r20m": ("b05", "b06", "b07", "b8a", "b11", "b12"),
    "r60m": ("b01", "b09"),
}
"""Bands by the group of their own resolution."""


def read_eopf(store: Path) -> ProductFacts:
    """What a product says of itself. store: its folder. Raises UnreadableFile, TooLarge."""
    stac = _stac(attributes_of(store))
    bands = sorted(_bands(store), key=lambda band: list(SENTINEL_2).index(band.name))
    if not bands:
        raise UnreadableFile(f"{store.name} holds no bands under {BANDS}.", "Give a Sentinel-2 product, as EOPF Zarr or as .SAFE.")
    is_scaled = all(band.offset is not None for band in bands)
    baseline = str(stac.get("processing:version", ""))
    told: Notice = notice("product.array-scale", name=store.name, scale=bands[0].scale, offset=bands[0].offset or 0.0)
    missing = notice("product.offset-missing", file=store.name, baseline=baseline or "?")
    scaling = Scaling(ScaleState.NEEDED, told) if is_scaled else Scaling(ScaleState.UNKNOWN, missing, is_guess=True)
    level = str(stac.get("processing:level", ""))
    product = Product(_sensor(stac), level, baseline, scaling, scaling)
    taken = plain_date(str(stac.get("start_datetime") or stac.get("datetime") or "")) or plain_date(store.name)
    clouds = store / CLASSES
    return ProductFacts(store.stem, product, taken, tuple(bands), (CloudKind.SCL, clouds) if is_zarr_array(clouds) else None)


def _stac(attributes: dict[str, Any]) -> dict[str, Any]:
    discovery = attributes.get("stac_discovery")
    properties = discovery.get("properties") if isinstance(discovery, dict) else None
    return properties if isinstance(properties, dict) else {}


def _sensor(stac: dict[str, Any]) -> str:
    return f"{str(stac.get('platform', 'Sentinel-2')).capitalize()[:-1]}{str(stac.get('platform', '2'))[-1].upper()} MSI"


def _bands(store: Path) -> list[BandFile]:
    """Where an array tells no scale, its offset is not known, and its scale is the one of all products."""
    found = []
    for group, names in NATIVE.items():
        for name in names:
            array = store / BANDS / group / name
            if is_zarr_array(array):
                scale, offset = _scale_of(attributes_of(array))
                found.append(BandFile(name.upper(), SENTINEL_2[name.upper()], array, scale or 1e-4, offset, nodata=0.0))
    return found


def _scale_of(attributes: dict[str, Any]) -> tuple[float | None, float | None]:
    """As CF conventions call them, or as EOPF keeps them beside."""
    for place in (attributes, attributes.get("_eopf_attrs")):
        if isinstance(place, dict) and isinstance(place.get("scale_factor"), (int, float)):
            return float(place["scale_factor"]), float(place.get("add_offset") or 0.0)
    return None, None
