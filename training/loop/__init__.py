"""The loop of every training, and what it begins with."""
