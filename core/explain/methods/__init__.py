"""One explanation method a file, one signature."""

__all__ = [
    "activation_patching",
    "attn_lrp",
    "band_ablation",
    "eigen_cam",
    "grad_cam",
    "gradient_rollout",
    "gradients",
    "integrated_gradients",
    "libra_grad",
    "occlusion",
    "raw_attention",
    "relevance",
    "rise",
    "rollout",
]
