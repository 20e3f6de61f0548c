"""What a training leaves: the model folder and its card."""

__all__ = ["card", "change_card", "zoo"]
