"""Commands on several dates of one place."""

__all__ = ["composite", "series"]
