"""Products as archives give them, a few pixels large and with the metadata that a reader needs, laid out as real ones are."""

from __future__ import annotations

import json
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.transform import Affine

CORNER = (600_000.0, 4_900_020.0)
SIDE = 120
"""Pixels of 10 m a side."""
NAMES = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
METRES = {"B01": 60, "B09": 60, "B10": 60, **dict.fromkeys(("B02", "B03", "B04", "B08"), 10)}
TILE = "T32TLQ_20240607T102559"


def numbers(name: str, metres: int, added: int = 0) -> NDArray[np.uint16]:
    """Digital numbers of a band: dark land with texture, and a corner without data (0)."""
    side = SIDE * 10 // metres
    made = np.random.default_rng(NAMES.index(name)).integers(300, 2500, (side, side)) + added
    made[: side // 4, : side // 4] = 0
    return made.astype(np.uint16)


def write_jp2(path: Path, pixels: NDArray[Any], metres: int) -> Path:
    """Lossless, as Sentinel-2 is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {"width": pixels.shape[1], "height": pixels.shape[0], "count": 1, "dtype": str(pixels.dtype), "crs": "EPSG:32632"}
    grid = Affine(metres, 0, CORNER[0], 0, -metres, CORNER[1])
    with rasterio.open(path, "w", driver="JP2OpenJPEG", transform=grid, QUALITY="100", REVERSIBLE="YES", **profile) as file:
        file.write(pixels, 1)
    Path(f"{path}.aux.xml").unlink(missing_ok=True)
    return path


def write_safe(
    folder: Path, level: str = "L2A", baseline: str = "05.09", offset: int | None = -1000, scl: NDArray[np.uint8] | None = None
) -> Path:
    """A product of Sentinel-2 in `folder`. offset: of every band; None leaves the list out. scl: at 20 m, of L2A."""
    safe = folder / f"S2A_MSI{level}_20240607T102559_N{baseline.replace('.', '')}_R108_T32TLQ_20240607T150000.SAFE"
    granule = safe / "GRANULE" / f"{level}_T32TLQ_A046791_20240607T103105"
    for name in NAMES:
        if level == "L2A" and name == "B10":
            continue
        native = METRES.get(name, 20)
        for metres in [native] if level == "L1C" else sorted({native, max(native, 20)}):
            pixels = numbers(name, metres, 0 if offset is None else -offset)
            place = f"IMG_DATA/{TILE}_{name}.jp2" if level == "L1C" else f"IMG_DATA/R{metres}m/{TILE}_{name}_{metres}m.jp2"
            write_jp2(granule / place, pixels, metres)
    if level == "L2A":
        classes = np.full((SIDE // 2, SIDE // 2), 4, np.uint8) if scl is None else scl
        write_jp2(granule / f"IMG_DATA/R20m/{TILE}_SCL_20m.jp2", classes, 20)
    write_jp2(granule / "QI_DATA" / "MSK_QUALIT_B02.jp2", np.zeros((SIDE, SIDE), np.uint8), 10)
    (granule / "MTD_TL.xml").write_text("<Level_Tile_ID/>")
    (safe / f"MTD_MSI{level}.xml").write_text(_metadata(safe.name, level, baseline, offset))
    return safe


def _metadata(uri: str, level: str, baseline: str, offset: int | None) -> str:
    kind = "RADIO" if level == "L1C" else "BOA"
    list_name = "Radiometric_Offset_List" if level == "L1C" else "BOA_ADD_OFFSET_VALUES_LIST"
    told = "".join(f'<{kind}_ADD_OFFSET band_id="{place}">{offset}</{kind}_ADD_OFFSET>' for place in range(len(NAMES)))
    offsets = "" if offset is None else f"<{list_name}>{told}</{list_name}>"
    quantification = (
        '<QUANTIFICATION_VALUE unit="none">10000</QUANTIFICATION_VALUE>'
        if level == "L1C"
        else '<QUANTIFICATION_VALUES_LIST><BOA_QUANTIFICATION_VALUE unit="none">10000</BOA_QUANTIFICATION_VALUE>'
        '<AOT_QUANTIFICATION_VALUE unit="none">1000.0</AOT_QUANTIFICATION_VALUE></QUANTIFICATION_VALUES_LIST>'
    )
    of = {"L1C": "1C", "L2A": "2A"}[level]
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:Level-{of}_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-{of}.xsd">
 <n1:General_Info><Product_Info>
  <PRODUCT_START_TIME>2024-06-07T10:25:59.024Z</PRODUCT_START_TIME>
  <PRODUCT_URI>{uri}</PRODUCT_URI>
  <PROCESSING_LEVEL>Level-{of}</PROCESSING_LEVEL>
  <PRODUCT_TYPE>S2MSI{of}</PRODUCT_TYPE>
  <PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE>
  <Datatake datatakeIdentifier="GS2A_20240607T102559_046791_N{baseline}">
   <SPACECRAFT_NAME>Sentinel-2A</SPACECRAFT_NAME><DATATAKE_SENSING_START>2024-06-07T10:25:59.024Z</DATATAKE_SENSING_START>
  </Datatake></Product_Info>
  <Product_Image_Characteristics>
   <Special_Values><SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT><SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX></Special_Values>
   {quantification}{offsets}
  </Product_Image_Characteristics></n1:General_Info>
</n1:Level-{of}_User_Product>
"""


def zipped(folder: Path) -> Path:
    """A product as it is downloaded: its folder in a zip beside it."""
    archive = folder.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w") as made:
        for file in sorted(folder.rglob("*")):
            made.write(file, file.relative_to(folder.parent).as_posix())
    return archive


LANDSAT = "LC08_L2SP_006066_20200713_20200912_02_T1"
SR_BANDS = ("1", "2", "3", "4", "5", "6", "7")


def write_landsat(folder: Path, metadata: str = "json", qa: NDArray[np.uint16] | None = None, **told: Mapping[str, str]) -> Path:
    """A scene of Landsat 8, Collection 2 Level 2. metadata: json, txt or xml. qa: QA_PIXEL. told: groups that say otherwise."""
    folder.mkdir(parents=True, exist_ok=True)
    grid = Affine(30, 0, CORNER[0], 0, -30, CORNER[1])
    profile = {"driver": "GTiff", "width": 40, "height": 40, "count": 1, "dtype": "uint16", "crs": "EPSG:32632", "transform": grid}
    contents = {"LANDSAT_PRODUCT_ID": LANDSAT, "PROCESSING_LEVEL": "L2SP"}
    factors = {}
    for band in SR_BANDS:
        contents[f"FILE_NAME_BAND_{band}"] = f"{LANDSAT}_SR_B{band}.TIF"
        factors |= {f"REFLECTANCE_MULT_BAND_{band}": "2.75e-05", f"REFLECTANCE_ADD_BAND_{band}": "-0.2"}
        with rasterio.open(folder / f"{LANDSAT}_SR_B{band}.TIF", "w", nodata=0, **profile) as file:
            file.write(np.random.default_rng(int(band)).integers(8000, 16000, (40, 40)).astype(np.uint16), 1)
    contents["FILE_NAME_BAND_ST_B10"] = f"{LANDSAT}_ST_B10.TIF"
    contents["FILE_NAME_QUALITY_L1_PIXEL"] = f"{LANDSAT}_QA_PIXEL.TIF"
    with rasterio.open(folder / f"{LANDSAT}_QA_PIXEL.TIF", "w", **profile) as file:
        file.write(np.full((40, 40), 21824, np.uint16) if qa is None else qa, 1)
    groups: dict[str, Mapping[str, str]] = {
        "PRODUCT_CONTENTS": contents,
        "IMAGE_ATTRIBUTES": {
            "SPACECRAFT_ID": "LANDSAT_8", "SENSOR_ID": "OLI_TIRS", "DATE_ACQUIRED": "2020-07-13", "SUN_ELEVATION": "48.5",
        },
        "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS": factors,
        "LEVEL1_RADIOMETRIC_RESCALING": {key: "2.0000E-05" if "MULT" in key else "-0.100000" for key in factors},
    }  # fmt: skip
    groups = {name: {**group, **told.get(name, {})} for name, group in groups.items()}
    (folder / f"{LANDSAT}_MTL.{metadata}").write_text(_written(groups, metadata))
    return folder


def _written(groups: Mapping[str, Mapping[str, str]], metadata: str) -> str:
    if metadata == "json":
        return json.dumps({"LANDSAT_METADATA_FILE": groups})
    if metadata == "xml":
        inside = "".join(f"<{name}>{''.join(f'<{k}>{v}</{k}>' for k, v in group.items())}</{name}>" for name, group in groups.items())
        return f'<?xml version="1.0" encoding="UTF-8"?><LANDSAT_METADATA_FILE>{inside}</LANDSAT_METADATA_FILE>'
    lines = ["GROUP = LANDSAT_METADATA_FILE"]
    for name, group in groups.items():
        lines += [f"  GROUP = {name}", *(f'    {key} = "{value}"' for key, value in group.items()), f"  END_GROUP = {name}"]
    return "\n".join([*lines, "END_GROUP = LANDSAT_METADATA_FILE", "END", ""])


def tarred(folder: Path) -> Path:
    """A scene of Landsat as it is downloaded."""
    archive = folder.parent / f"{LANDSAT}.tar"
    with tarfile.open(archive, "w") as made:
        for file in sorted(folder.iterdir()):
            made.add(file, file.name)
    return archive


def write_eopf(folder: Path, offset: float | None = -0.1, scl: NDArray[np.uint8] | None = None) -> Path:
    """A product of Sentinel-2 as EOPF Zarr, version 2: the coordinate system stands in the attributes of the store alone."""
    store = folder / "S2B_MSIL2A_20240607T102559_N0511_R108_T32TLQ_20240607T150000.zarr"
    properties = {"platform": "sentinel-2b", "processing:level": "L2A", "processing:version": "05.11", "datetime": "2024-06-07T10:25:59Z"}
    told = {"stac_discovery": {"properties": properties}, "other_metadata": {"horizontal_CRS_code": "EPSG:32632"}}
    scale = {} if offset is None else {"_eopf_attrs": {"scale_factor": 0.0001, "add_offset": offset, "fill_value": 0}}
    for name in NAMES[:10] + NAMES[11:]:
        metres = METRES.get(name, 20)
        _array(store, f"measurements/reflectance/r{metres}m/{name.lower()}", numbers(name, metres, 1000), metres, scale)
    classes = np.full((SIDE // 2, SIDE // 2), 4, np.uint8) if scl is None else scl
    _array(store, "conditions/mask/l2a_classification/r20m/scl", classes, 20, {})
    (store / ".zattrs").write_text(json.dumps(told))
    return store


def _array(store: Path, place: str, values: NDArray[Any], metres: int, attributes: Mapping[str, Any]) -> None:
    """An array with its coordinates beside it, and the groups above it."""
    array = store / place
    side = (np.arange(len(values)) + 0.5) * metres
    sides = (("x", CORNER[0] + side), ("y", CORNER[1] - side))
    for path, numbers_, names in ((array, values, ["y", "x"]), *((array.parent / name, along, [name]) for name, along in sides)):
        path.mkdir(parents=True, exist_ok=True)
        shape = list(numbers_.shape)
        told = {"zarr_format": 2, "shape": shape, "chunks": shape, "dtype": numbers_.dtype.str, "order": "C", "fill_value": 0}
        (path / ".zarray").write_text(json.dumps({**told, "filters": None, "compressor": {"id": "zlib", "level": 1}}))
        (path / ".zattrs").write_text(json.dumps({"_ARRAY_DIMENSIONS": names, **(attributes if path == array else {})}))
        (path / ".".join("0" * numbers_.ndim)).write_bytes(zlib.compress(numbers_.tobytes()))
    for group in [store, *(parent for parent in array.parents if parent.is_relative_to(store))]:
        (group / ".zgroup").write_text(json.dumps({"zarr_format": 2}))
