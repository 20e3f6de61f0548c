"""One explanation method a file, one signature; and what their parameters may be (kinds)."""

__all__ = [
    "activation_patching",
    "attn_lrp",
    "band_ablation",
    "eigen_cam",
    "grad_cam",
    "gradient_rollout",
    "gradients",
    "integrated_gradients",
    "kinds",
    "libra_grad",
    "occlusion",
    "raw_attention",
    "relevance",
    "rise",
    "rollout",
]
