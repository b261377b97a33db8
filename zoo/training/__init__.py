"""Training: from a recipe to a preset folder, through Keras's own `model.fit`.

`zoo.training.run_state` is read by what must start at once: TensorFlow is loaded by the first call that needs it.
"""

from __future__ import annotations

import importlib

_HOMES = {"compiled": "zoo.training.compiling", "fit": "zoo.training.fitting"}

__all__ = ["compiled", "fit"]


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'zoo.training' has no attribute {name!r}")
