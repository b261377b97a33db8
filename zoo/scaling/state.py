"""The state of a training in one file that is replaced whole; among several workers the chief's, for all."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np
import tensorflow as tf

from zoo.errors import UserError
from zoo.scaling import heartbeat, workers


def save(path: Path, variables: Mapping[str, Sequence], about: Mapping, strategy: tf.distribute.Strategy) -> None:
    """Writes all variables in full precision, and what is to be known of them, beside the old file and in its place.

    Whoever reads `path`, whenever, finds the old state or the new one, whole. Of several workers each has to come here,
    since to read a variable may be a word among all of them; the chief writes.

    Args:
        path: The file; folders that are missing are made.
        variables: By kind.
        about: Anything that JSON can hold.
        strategy: Whose variables they are.

    Raises:
        OSError: It cannot be written; the old file stays as it was, and nothing of the new one is left.
    """
    values = {kind: [np.asarray(variable) for variable in each] for kind, each in variables.items()}
    if workers.is_chief(strategy):
        # HDF5 crashes the process where the disk is full: it writes into memory.
        with io.BytesIO() as content:
            with h5py.File(content, "w") as file:
                for kind, each in values.items():
                    for number, value in enumerate(each):
                        file[f"{kind}/{number}"] = value
                file.attrs["about"] = json.dumps(about)
            with content.getbuffer() as written:
                _replace(path, written)
    heartbeat.beat(heartbeat.SAVED)


def _replace(path: Path, content) -> None:
    partial = path.with_name(f"{path.name}.partial")
    new = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(partial, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # else a machine that loses its power may forget the new name
        finally:
            os.close(folder)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
            for folder in new:
                folder.rmdir()
        raise


class State:
    """A state as it stands in its file.

    Args:
        path: The file.

    Raises:
        UserError: It is not there, or cannot be read.
    """

    def __init__(self, path: Path):
        self.path = path
        try:
            with h5py.File(path, "r") as file:
                self.about = json.loads(file.attrs["about"])
                self.values = {kind: [group[str(n)][()] for n in range(len(group))] for kind, group in file.items()}
        except (OSError, KeyError, ValueError) as error:
            raise UserError(f"{path}: cannot be resumed from ({error})") from error

    def assign(self, kind: str, variables: Sequence) -> None:
        """Gives the variables their values.

        Raises:
            UserError: They are not as many as were saved, or of other shapes.
        """
        values = self.values.get(kind, [])
        shapes = [tuple(variable.shape) for variable in variables]
        if [value.shape for value in values] != shapes:
            raise UserError(f"{self.path}: cannot be resumed from ({kind}: other variables than this model has)")
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
