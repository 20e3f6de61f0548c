"""Satellite scenes: GeoTIFF files of one place and date, their bands, dates and place on Earth."""
