"""Figures, curves and subgroups on images that were held back."""

__all__ = [
    "change_figures",
    "change_scores",
    "curves",
    "faithfulness",
    "figures",
    "localise",
    "localise_maps",
    "malignancy",
    "planted",
    "quantised",
    "robustness",
    "subgroups",
]
