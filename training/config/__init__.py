"""Recipes: what decides a training, read from TOML and checked."""
