"""Where a model looked: one method a file, one signature, and for every map a measurement of how far it can be believed."""

__all__ = [
    "attention",
    "baselines",
    "catalogue",
    "cheater",
    "controls",
    "evidence",
    "forward",
    "heads",
    "inside",
    "knobs",
    "masking",
    "measure",
    "methods",
    "overlay",
    "readout",
    "regions",
    "registry",
    "targets",
    "views",
]
