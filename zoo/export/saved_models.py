"""SavedModels: written, then loaded in a process of their own and compared with the task."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import keras

from zoo import preset
from zoo.errors import UserError
from zoo.export.checking import compare
from zoo.tasks.base import Task


def saved_model(
    task: Task,
    folder: str | os.PathLike,
    version: int | None = None,
    say: Callable[[str], None] | None = None,
) -> Path:
    """Writes a SavedModel that answers raw bytes or strings, in the layout that TF Serving reads: FOLDER/NAME/VERSION/.

    The finished export is loaded in a fresh process that has only TensorFlow, and its answers to real inputs are
    compared with the task's. An export that needs more names it in `assets.extra/requires.json`: pieces of words need
    `tensorflow_text`, which has to be imported before such an export is loaded. `assets.extra/prepare.json` says of
    which kind an input is, {"image_bytes": "image"} or {"text": "text"}, so that `zoo serve` prepares it as the
    applications do: see `apps.serving.input_preparation`.

    Args:
        task: A trained task.
        folder: Where the models stand.
        version: A positive number; None takes the next free one.
        say: Takes a sentence about what was compared.

    Returns:
        The version's folder.

    Raises:
        UserError: The version exists, or the folder cannot be written.
        ExportError: The export does not load, or answers otherwise than the task.
    """
    home = Path(folder) / task.config["name"]
    if version is None:
        taken = [int(child.name) for child in home.iterdir() if child.name.isdigit()] if home.is_dir() else []
        version = max(taken, default=0) + 1
    target = home / str(version)
    if version < 1:
        raise UserError(f"expected a version of at least 1, got {version}")
    if target.exists():
        raise UserError(f"{target}: exists already; leave --version out to get the next free one")
    with preset.replacing(target) as partial:
        archive = keras.export.ExportArchive()
        archive.track(task.model)
        for resource in task.resources():
            archive.track(resource)
        for name, (function, specification) in task.signatures().items():
            archive.add_endpoint(name, _of_arguments(function, list(specification)), list(specification.values()))
        archive.write_out(str(partial), verbose=False)
        beside = partial / "assets.extra"  # TensorFlow Serving leaves it alone
        beside.mkdir()
        if task.requires:
            preset.write_json(beside / "requires.json", list(task.requires))
        preset.write_json(beside / "prepare.json", {given.name: given.kind for given in task.inputs})
        items = task.probes()
        rounded = compare(task, partial, items)
    if say is not None:
        several = f"{len(task.signatures())} signatures " if len(task.signatures()) > 1 else ""
        but = f", but for {rounded} where two texts are as likely as one another" if rounded else ""
        kind = f"{task.inputs[0].kind}s" if len(task.inputs) == 1 else "items"
        within = max([task.tolerance, *task.tolerances.values()])
        say(
            f"loaded in a fresh process that has TensorFlow alone; {several}asked about {len(items)} {kind}, "
            f"together and one alone: the numbers are the preset's within {within:g}, all else exactly{but}"
        )
    return target


def _of_arguments(function: Callable, names: list[str]) -> Callable:
    """A function of a mapping as a function of its values, in the order of these names."""

    def answer(*values):
        return function(dict(zip(names, values, strict=True)))

    return answer
