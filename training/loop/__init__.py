"""The loop of every training, and what it begins with."""

__all__ = [
    "averaging",
    "change_trainer",
    "checkpoints",
    "devices",
    "encoder",
    "forward",
    "growth",
    "imagenet",
    "masked_trainer",
    "run",
    "starts",
    "teacher",
    "trainer",
    "tuning",
    "window_trainer",
]
