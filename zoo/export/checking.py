"""Compares an export, loaded by its own runtime in a process of its own, with the task that it was made of."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from zoo.errors import UserError
from zoo.tasks.base import Task


class ExportError(UserError):
    """An export that does not do what the task does; nothing of it was kept."""


def reload(folder: Path, task: Task, items: Sequence, signature: str = "serving_default") -> dict[str, np.ndarray]:
    """The answer of an export in a fresh process that has only TensorFlow and what the export requires."""
    return replies(folder, task, [(signature, items)])[0]


def replies(folder: Path, task: Task, requests: Sequence[tuple[str, Sequence]]) -> list[dict[str, np.ndarray]]:
    """The answers to several requests, each a signature and items, all in one fresh process."""
    given = [
        {"signature": signature, "rows": [_row(task.encode(item)) for item in items]} for signature, items in requests
    ]
    child = subprocess.run(
        # -P keeps the folder of run_saved_model.py, and with it all of ours, off the path.
        [sys.executable, "-P", str(Path(__file__).with_name("run_saved_model.py"))],
        input=json.dumps({"folder": str(folder), "requests": given}),
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    if child.returncode:
        last = child.stderr.strip().splitlines()[-1:] or ["no message"]
        raise ExportError(f"the export does not run in a fresh process: {last[0][:300]}")
    return [{name: np.array(value) for name, value in answer.items()} for answer in json.loads(child.stdout)]


def _row(raw: Mapping[str, bytes | np.ndarray]) -> dict:
    """Raw inputs of one item as JSON: bytes as base64, numbers as lists."""
    return {
        name: {"b64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value.tolist()
        for name, value in raw.items()
    }


def compare(task: Task, folder: Path, items: Sequence) -> int:
    """Holds all signatures of an export against the task, over all items in one batch and over the first one alone.

    Args:
        task: What was exported.
        folder: The version's folder.
        items: As `Task.encode` takes them, at least one.

    Returns:
        How many rows differed by rounding; see `check`.

    Raises:
        ExportError: The export does not load, or answers otherwise than the task.
    """
    requests = [(name, asked) for name in task.signatures() for asked in (items, items[:1])]
    rounded = 0
    for (name, asked), theirs in zip(requests, replies(folder, task, requests), strict=True):
        function, _ = task.signatures()[name]
        ours = function(task.stacked([task.encode(item) for item in asked]))
        rounded += check(task, name, asked, _arrays(ours), theirs)
    return rounded


def check(
    task: Task,
    signature: str,
    items: Sequence,
    ours: Mapping[str, np.ndarray],
    theirs: Mapping[str, np.ndarray],
) -> int:
    """Holds the answers of an export against the task's own.

    Numbers must agree within the task's tolerances, all else exactly. Two processes round differently, so that a search
    may decide otherwise between two texts that are nearly tied. Such a row passes only if the task itself gives the
    export's answer for it once its log-probabilities are rounded in another way (see `Task.rounding_variants`): a text
    that is merely similar, or has a similar score, never passes.

    Args:
        task: What was exported.
        signature: The signature that was asked.
        items: What was asked about.
        ours: The task's answer, arrays with a row for each item.
        theirs: The export's answer.

    Returns:
        How many rows differed by rounding.

    Raises:
        ExportError: A row differs otherwise.
    """
    if ours.keys() != theirs.keys():
        raise ExportError(f"the export answers {sorted(theirs)}, the task {sorted(ours)}")
    theirs = {name: _as_bytes(value) for name, value in theirs.items()}
    rows = np.flatnonzero(~_agreeing(ours, theirs, task))
    for row in rows:
        our, their = ({key: value[row : row + 1] for key, value in side.items()} for side in (ours, theirs))
        near = task.rounding_variants(signature, items[row])
        if near is None or not _agreeing(_arrays(near), their, task).any():
            raise ExportError(_difference(our, their, task))
    return len(rows)


def _as_bytes(array: np.ndarray) -> np.ndarray:
    """Texts as TensorFlow has them; numbers stay."""
    return np.vectorize(str.encode, otypes=[object])(array) if array.dtype.kind == "U" else array


def _arrays(tensors: Mapping[str, tf.Tensor]) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in tensors.items()}


def _agreeing(ours: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray], task: Task) -> np.ndarray:
    """Mask `[B]` of the rows that agree in everything; either side may have one row for all of the other's."""
    agree = []
    for name, value in ours.items():
        if np.issubdtype(value.dtype, np.floating):
            tolerance = task.tolerances.get(name, task.tolerance)
            equal = np.isclose(theirs[name], value, rtol=tolerance, atol=tolerance)
        else:
            equal = theirs[name] == value
        agree.append(equal.reshape(len(equal), -1).all(axis=1))
    return np.all(agree, axis=0)


def _difference(ours: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray], task: Task) -> str:
    """The tensor that is to blame for a row that does not agree, in one sentence."""
    for name, value in ours.items():
        if _agreeing({name: value}, theirs, task).all():
            continue
        by = f" by {np.abs(value - theirs[name]).max():.2g}" if np.issubdtype(value.dtype, np.floating) else ""
        return f"the export's {name} differ from the task's{by}"
    raise AssertionError("the answers agree")
