"""One file a task: how raw things become tensors, what is learned, and what the answer is."""

from __future__ import annotations

import importlib
import os

from zoo.errors import UserError, nearest

TASKS = {
    "image-classification": "zoo.tasks.image_classification:ImageClassification",
    "summarization": "zoo.tasks.summarization:Summarization",
    "text-classification": "zoo.tasks.text_classification:TextClassification",
    "translation": "zoo.tasks.translation:Translation",
}


def get(name: str) -> type:
    """The Task class of a name in `TASKS`."""
    if name not in TASKS:
        raise UserError(f"unknown task {name!r}{nearest(name, TASKS)}")
    module, _, attribute = TASKS[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


def load(preset: str | os.PathLike):
    """Loads a trained task.

    Args:
        preset: A shipped preset's name, or a path to a preset folder.

    Raises:
        UserError: No such preset, or a folder that is not whole.
    """
    from zoo import preset as presets

    folder = presets.find(preset)
    config = presets.read_config(folder)
    return get(config["task"]).load(folder, config)
