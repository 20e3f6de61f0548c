"""What `sightline explain` and `sightline explain-benchmark` are asked for: knobs, targets, measurements."""

__all__ = ["asked_target", "benchmark", "knobs", "shortcuts"]
