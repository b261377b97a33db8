"""Where examples come from, and how raw bytes and strings become tensors."""

from zoo.data.examples import Examples
from zoo.data.sources import load

__all__ = ["Examples", "load"]
