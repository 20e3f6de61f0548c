"""Commands of an accuracy assessment: draw a sample of a map, and say from its labels how far the map holds."""

__all__ = ["assess", "sample"]
