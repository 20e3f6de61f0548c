"""One explanation method a file, one signature."""

__all__ = ["grad_cam", "integrated_gradients", "occlusion", "relevance", "rollout"]
