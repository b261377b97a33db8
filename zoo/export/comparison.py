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


def reload(folder: Path, task: Task, raw: Sequence[bytes], signature: str = "serving_default") -> dict[str, np.ndarray]:
    """The answer of an export in a fresh process that has only TensorFlow and what the export requires."""
    return replies(folder, task, [(signature, raw)])[0]


def replies(folder: Path, task: Task, requests: Sequence[tuple[str, Sequence[bytes]]]) -> list[dict[str, np.ndarray]]:
    """The answers to several requests, each a signature and raw items, all in one fresh process."""
    signatures = task.signatures()
    given = [
        {
            "signature": signature,
            "argument": next(iter(signatures[signature][1])),
            "raw": [base64.b64encode(item).decode() for item in raw],
        }
        for signature, raw in requests
    ]
    child = subprocess.run(
        # -P keeps the folder of reload.py, and with it all of ours, off the path.
        [sys.executable, "-P", str(Path(__file__).with_name("reload.py"))],
        input=json.dumps({"folder": str(folder), "requests": given}),
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    if child.returncode:
        last = child.stderr.strip().splitlines()[-1:] or ["no message"]
        raise ExportError(f"the export does not run in a fresh process: {last[0][:300]}")
    return [{name: np.array(value) for name, value in answer.items()} for answer in json.loads(child.stdout)]


def compare(task: Task, folder: Path, raw: Sequence[bytes]) -> int:
    """Holds all signatures of an export against the task, over all items in one batch and over the first one alone.

    Args:
        task: What was exported.
        folder: The version's folder.
        raw: Raw items, at least one.

    Returns:
        How many rows differed by rounding; see `check`.

    Raises:
        ExportError: The export does not load, or answers otherwise than the task.
    """
    requests = [(name, items) for name in task.signatures() for items in (raw, raw[:1])]
    rounded = 0
    for (name, items), theirs in zip(requests, replies(folder, task, requests), strict=True):
        function, _ = task.signatures()[name]
        rounded += check(task, name, items, _arrays(function(tf.constant(items, tf.string))), theirs)
    return rounded


def check(
    task: Task,
    signature: str,
    raw: Sequence[bytes],
    ours: Mapping[str, np.ndarray],
    theirs: Mapping[str, np.ndarray],
) -> int:
    """Holds the answers of an export against the task's own.

    Numbers must agree within the task's tolerance, all else exactly. Two processes round differently, so that a search
    may decide otherwise between two texts that are nearly tied. Such a row passes only if the task itself gives the
    export's answer for it once its log-probabilities are rounded in another way (see `Task.rounding_variants`): a text
    that is merely similar, or has a similar score, never passes.

    Args:
        task: What was exported.
        signature: The signature that was asked.
        raw: Raw items.
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
    rows = np.flatnonzero(~_agreeing(ours, theirs, task.tolerance))
    for row in rows:
        our, their = ({key: value[row : row + 1] for key, value in side.items()} for side in (ours, theirs))
        near = task.rounding_variants(signature, raw[row])
        if near is None or not _agreeing(_arrays(near), their, task.tolerance).any():
            raise ExportError(_difference(our, their, task.tolerance))
    return len(rows)


def _as_bytes(array: np.ndarray) -> np.ndarray:
    """Texts as TensorFlow has them; numbers stay."""
    return np.vectorize(str.encode, otypes=[object])(array) if array.dtype.kind == "U" else array


def _arrays(tensors: Mapping[str, tf.Tensor]) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in tensors.items()}


def _agreeing(ours: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray], tolerance: float) -> np.ndarray:
    """Mask `[B]` of the rows that agree in everything; either side may have one row for all of the other's."""
    agree = []
    for name, value in ours.items():
        if np.issubdtype(value.dtype, np.floating):
            equal = np.isclose(theirs[name], value, rtol=tolerance, atol=tolerance)
        else:
            equal = theirs[name] == value
        agree.append(equal.reshape(len(equal), -1).all(axis=1))
    return np.all(agree, axis=0)


def _difference(ours: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray], tolerance: float) -> str:
    """The tensor that is to blame for a row that does not agree, in one sentence."""
    for name, value in ours.items():
        if _agreeing({name: value}, theirs, tolerance).all():
            continue
        by = f" by {np.abs(value - theirs[name]).max():.2g}" if np.issubdtype(value.dtype, np.floating) else ""
        return f"the export's {name} differ from the task's{by}"
    raise AssertionError("the answers agree")
