"""One explanation method a file, one signature."""

__all__ = ["integrated_gradients", "occlusion", "rollout"]
