"""Whole trainings, from a recipe to a folder of the zoo."""
