"""One file a task: how raw things become tensors, what is learned, and what the answer is."""

from __future__ import annotations

import importlib
import os

from zoo import task_catalog


def get(name: str) -> type:
    """The Task class of a name in `zoo.task_catalog`."""
    return task_catalog.entry(name).load()


def load(preset: str | os.PathLike, task: str = "summarization", languages: tuple[str, str] | None = None):
    """Loads a trained task.

    Args:
        preset: A shipped preset's name, a path to a preset folder, or "hub:NAME|FOLDER", see `zoo.tasks.hub_tasks`.
        task: Of a model of KerasHub, what it is used for; presets of ours say it themselves.
        languages: Likewise, of a translation.

    Raises:
        UserError: No such preset, or a folder that is not whole.
    """
    from zoo import hub_presets
    from zoo import preset as presets

    if hub_presets.is_hub(preset):
        return importlib.import_module("zoo.tasks.hub_tasks").load(preset, task, languages)
    folder = presets.find(preset)
    config = presets.read_config(folder)
    return get(config["task"]).load(folder, config)
