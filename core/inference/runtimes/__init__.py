"""What computes: a runtime is a library, a device and a number format; a network that one has opened takes arrays and gives arrays."""

from core.inference.runtimes.base import Arrays, ExecutableNetwork, Runtime, Shape
from core.inference.runtimes.choose import available_runtimes, choose_runtime, describe_device

__all__ = ["Arrays", "ExecutableNetwork", "Runtime", "Shape", "available_runtimes", "choose_runtime", "describe_device"]
