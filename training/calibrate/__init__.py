"""What is fitted after the loop: the out-of-distribution detectors."""
