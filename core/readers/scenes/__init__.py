"""Satellite scenes: GeoTIFF files of one place and date, their bands, dates and place on Earth."""

__all__ = [
    "band_names", "blocks", "dates", "eopf", "footprint", "geotiff", "landsat", "masks", "options", "product",
    "raster", "raster_file", "sensor_names", "sentinel2", "values", "zarr",
]  # fmt: skip
