"""Ways to tell change: two dates on one grid in, evidence of every pixel out, all behind one signature (base.py)."""

__all__ = ["bands", "base", "choose", "classes", "embedding", "index", "mad", "model", "tokens"]
