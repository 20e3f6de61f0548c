"""How good a model is on what is known: labelled images, cities whose changed pixels are known, series of CT whose nodules are known."""

__all__ = ["change", "drawn", "explanations", "images", "labelled_cities", "series"]
