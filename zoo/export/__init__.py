"""Exports: written, then loaded by their own runtime in a process of its own and compared with the task.

`zoo.export.run_saved_model` is also read by `zoo serve`, which needs no Keras: that is loaded by the first call.
"""

from __future__ import annotations

import importlib

_HOMES = {
    "ExportError": "zoo.export.checking",
    "reload": "zoo.export.checking",
    "saved_model": "zoo.export.saved_models",
}

__all__ = ["ExportError", "reload", "saved_model"]


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'zoo.export' has no attribute {name!r}")
