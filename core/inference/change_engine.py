"""The engine of a change model, by its old address: it is that of every model (core/inference/engine.py)."""

from core.inference.engine import ChangeEngine, change_engine_for

__all__ = ["ChangeEngine", "change_engine_for"]
