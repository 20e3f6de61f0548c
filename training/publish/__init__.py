"""What a training leaves: the model folder and its card."""
