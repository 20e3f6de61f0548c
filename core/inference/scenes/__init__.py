"""What a model says of whole scenes, of one date or two, strip by strip."""

__all__ = ["ahead", "answers", "offsets", "pair", "pair_ood", "pair_statistics", "pair_tiles", "scores", "strips", "tasks", "workers"]
