"""Whole trainings, from a recipe to a folder of the zoo."""

__all__ = ["change_train", "final_fit", "masked_train", "quantise", "train"]
