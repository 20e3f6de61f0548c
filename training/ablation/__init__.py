"""Variants of a recipe, compared over several seeds."""
