"""Zarr stores, versions 2 and 3, as folders: which folder is one, and what stands in its attributes (Zarr specifications 2 and 3)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from core.errors import UnreadableFile
from core.readers.scenes.product import metadata_text

GROUP, ARRAY, ATTRIBUTES, NODE = ".zgroup", ".zarray", ".zattrs", "zarr.json"
"""Names of version 2, and the one of version 3."""
MOST_ABOVE = 6
"""Groups above an array in which its coordinate system is looked for."""


def is_zarr_group(folder: Path) -> bool:
    """Whether a folder is the root of a store, or a group of one."""
    return (folder / GROUP).is_file() or _node_type(folder) == "group"


def is_zarr_array(folder: Path) -> bool:
    """Whether a folder is an array of a store."""
    return folder.is_dir() and ((folder / ARRAY).is_file() or _node_type(folder) == "array")


def attributes_of(folder: Path) -> dict[str, Any]:
    """The attributes of a group or an array; {} where it has none. Raises UnreadableFile, TooLarge."""
    for name in (ATTRIBUTES, NODE):
        if (folder / name).is_file():
            told = _parsed(folder / name)
            return told if name == ATTRIBUTES else told.get("attributes") or {}
    return {}


def crs_code_of(array: Path) -> str:
    """The coordinate system of an array ("EPSG:32632"), by its own attributes or by those of the groups above; "" where none tell it."""
    for folder in [array, *list(array.parents)[:MOST_ABOVE]]:
        if folder != array and not is_zarr_group(folder):
            return ""
        code = _code_in(attributes_of(folder))
        if code:
            return code
    return ""


def _code_in(attributes: dict[str, Any]) -> str:
    """As EOPF products and the STAC extension for projections write it."""
    discovery = attributes.get("stac_discovery")
    stac = discovery.get("properties") if isinstance(discovery, dict) else None
    other = attributes.get("other_metadata")
    for place in (attributes, stac, other):
        if not isinstance(place, dict):
            continue
        code = place.get("proj:code") or place.get("horizontal_CRS_code") or place.get("proj:epsg")
        if code:
            return str(code) if ":" in str(code) else f"EPSG:{code}"
    return ""


def _node_type(folder: Path) -> str:
    return str(_parsed(folder / NODE).get("node_type", "")) if (folder / NODE).is_file() else ""


def _parsed(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(metadata_text(path))
    except (ValueError, RecursionError) as error:
        raise UnreadableFile(f"{path.parent.name}/{path.name} is no JSON document.", "Copy or download the store again.") from error
    return told if isinstance(told, dict) else {}
