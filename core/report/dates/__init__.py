"""Reports of many dates of one place."""

__all__ = ["series"]
