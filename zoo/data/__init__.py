"""Sources of examples, and the conversion of raw bytes and strings to tensors.

`zoo.inputs.image_headers` is read by what must start at once: NumPy is loaded by the first call that needs it.
"""

from __future__ import annotations

import importlib

_HOMES = {"Examples": "zoo.data.examples", "load": "zoo.data.sources", "splits": "zoo.data.sources"}

__all__ = ["Examples", "load", "splits"]


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'zoo.data' has no attribute {name!r}")
