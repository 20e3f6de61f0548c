"""From values to files that other programs read: reports, rasters, vectors."""

__all__ = [
    "explanation",
    "geotiff",
    "json",
    "map_raster",
    "markdown",
    "notebook",
    "pdf",
    "pdf_parts",
    "pdf_style",
    "staging",
    "standalone",
    "styles",
    "tables",
    "vector",
]
