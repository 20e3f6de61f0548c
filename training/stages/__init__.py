"""Whole trainings, from a recipe to a folder of the zoo."""

__all__ = ["all_images", "change_train", "masked_train", "train"]
