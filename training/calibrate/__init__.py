"""What is fitted after the loop: the out-of-distribution detectors, and the ranges of quantised forms."""

__all__ = ["change_ood_detector", "fit", "ood_detector", "quantised"]
