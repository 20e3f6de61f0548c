"""Recipes: what decides a training, read from TOML and checked."""

__all__ = ["arguments", "change_recipe", "masked_recipe", "recipe", "recipe_parts"]
