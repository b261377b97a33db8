"""Exports: written, then loaded by their own runtime in a process of its own and compared with the task."""

from zoo.export.comparison import ExportError, reload
from zoo.export.saved_models import saved_model

__all__ = ["ExportError", "reload", "saved_model"]
