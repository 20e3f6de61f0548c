"""Figures, curves and subgroups on images that were held back."""
