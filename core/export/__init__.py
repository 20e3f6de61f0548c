"""From values to files that other programs read: reports, rasters, vectors."""

__all__ = [
    "dicom",
    "explanation",
    "geotiff",
    "json",
    "map_raster",
    "markdown",
    "notebook",
    "pdf",
    "pdf_parts",
    "pdf_style",
    "qgis_project",
    "stac_item",
    "staging",
    "standalone",
    "styles",
    "symbols",
    "tables",
    "vector",
]
