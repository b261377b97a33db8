"""Exports: written, then loaded by their own runtime in a process of its own and compared with the task."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from zoo import preset
from zoo.errors import UserError
from zoo.tasks.base import Task

_TOLERANCE = 1e-5  # of a probability, between two processes

_TEXTS = (
    "A great film: funny, warm and over too soon.",
    "I want these two hours of my life back.",
    "Not bad, but it isn't good either... 6/10",
    "Das war großartig! Ça alors, ÉTÉ 映画 🎬",
    "",
    "word " * 3000,
)


def saved_model(task: Task, folder: str | os.PathLike, version: int | None = None) -> Path:
    """Writes a SavedModel that answers raw bytes or strings, in the layout that TF Serving reads: FOLDER/NAME/VERSION/.

    The finished export is loaded in a fresh process that has only TensorFlow, and its answers to real inputs are
    compared with the task's.

    Args:
        task: A trained task.
        folder: Where the models stand.
        version: A positive number; None takes the next free one.

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
            archive.add_endpoint(name, function, list(specification.values()))
        archive.write_out(str(partial), verbose=False)
        _compare(task, partial)
    return target


class ExportError(UserError):
    """An export that does not do what the task does; nothing of it was kept."""


def reload(folder: Path, task: Task, raw: Sequence[bytes], signature: str = "serving_default") -> dict[str, np.ndarray]:
    """The answer of an export in a fresh process that has only TensorFlow."""
    (argument,) = task.signatures()[signature][1]
    request = {
        "folder": str(folder),
        "signature": signature,
        "argument": argument,
        "raw": [base64.b64encode(item).decode() for item in raw],
    }
    child = subprocess.run(
        # -P keeps the folder of reload.py, and with it all of ours, off the path.
        [sys.executable, "-P", str(Path(__file__).with_name("reload.py"))],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    if child.returncode:
        last = child.stderr.strip().splitlines()[-1:] or ["no message"]
        raise ExportError(f"the export does not run in a fresh process: {last[0][:300]}")
    return {name: np.array(value) for name, value in json.loads(child.stdout).items()}


def samples(task: Task) -> list[bytes]:
    """Real raw inputs for a comparison: photographs and digits that scikit-learn brings, or sentences."""
    if task.raw_name == "text":
        return [text.encode() for text in _TEXTS]
    from sklearn import datasets

    from zoo import data

    photographs = datasets.load_sample_images().images
    digits = data.load("digits", "test", kind="image").raw[:6]
    # Of the photographs, also a file as a camera writes it.
    jpeg = tf.io.encode_jpeg(photographs[0]).numpy()
    return [*(task.raw(image) for image in photographs), jpeg, *digits]


def _compare(task: Task, folder: Path) -> None:
    raw = samples(task)
    for name, (function, _) in task.signatures().items():
        ours = {key: tensor.numpy() for key, tensor in function(tf.constant(raw, tf.string)).items()}
        theirs = reload(folder, task, raw, name)
        if ours.keys() != theirs.keys():
            raise ExportError(f"the export answers {sorted(theirs)}, the task {sorted(ours)}")
        for key, value in ours.items():
            if np.issubdtype(value.dtype, np.floating):
                difference = float(np.abs(value - theirs[key]).max())
                if not difference <= _TOLERANCE:
                    raise ExportError(f"the export's {key} differ from the task's by {difference:.2g}")
            elif (value != np.vectorize(_as_bytes, otypes=[object])(theirs[key])).any():
                raise ExportError(f"the export's {key} differ from the task's")


def _as_bytes(value):
    return value.encode() if isinstance(value, str) else value
