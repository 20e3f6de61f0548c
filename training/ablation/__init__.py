"""Variants of a recipe, compared over several seeds."""

__all__ = ["compare", "table"]
