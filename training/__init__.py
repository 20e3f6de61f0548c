"""Training: a recipe and a folder of images become a model of the zoo, with its calibration and its card."""

__all__ = ["ablation", "calibrate", "config", "data", "evaluate", "loop", "publish", "stages"]
