"""From values to files that other programs read: reports, rasters, vectors."""
