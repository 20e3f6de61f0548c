"""What is fitted after the loop: the out-of-distribution detectors."""

__all__ = ["change_ood_detector", "fit", "ood_detector"]
