"""Where a model looked: one method a file, one signature, and for every map a measurement of how far it can be believed."""

__all__ = [
    "attention",
    "backward",
    "baselines",
    "catalogue",
    "cost",
    "evidence",
    "forward",
    "high_norm",
    "inside",
    "knobs",
    "likeness",
    "measure",
    "methods",
    "overlay",
    "probes",
    "readout",
    "regions",
    "registry",
    "targets",
    "views",
]
