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


def load(preset: str | os.PathLike, task: str = "summarization", languages: tuple[str, str] | None = None):
    """Loads a trained task.

    Args:
        preset: A shipped preset's name, a path to a preset folder, or "hub:NAME|FOLDER", see `zoo.tasks.hub`.
        task: Of a model of KerasHub, what it is used for; presets of ours say it themselves.
        languages: Likewise, of a translation.

    Raises:
        UserError: No such preset, or a folder that is not whole.
    """
    from zoo import hub
    from zoo import preset as presets

    if hub.is_hub(preset):
        return importlib.import_module("zoo.tasks.hub").load(preset, task, languages)
    folder = presets.find(preset)
    config = presets.read_config(folder)
    return get(config["task"]).load(folder, config)
