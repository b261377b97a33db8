"""Weights on disk: one HDF5 data set per variable, named by the variable's path.

Keras numbers layers by position, so that a refactoring orphans old files. Here a variable is found by its explicit
name ("stage2_block1_conv1/kernel"), and a file that does not fit says which names and shapes differ.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from zoo.errors import UserError


def save(model, path: str | os.PathLike, dtype: str = "float16") -> None:
    """Writes the model's weights.

    Args:
        model: A built `keras.Model` whose variable paths are unique.
        path: File to write; an existing one is replaced.
        dtype: Type of floating-point values on disk. A variable that would overflow in it is kept in float32.

    Raises:
        ValueError: Two variables have the same path, or a weight is not finite.
    """
    variables = by_name(model)
    # HDF5 crashes the process where the disk is full: it writes into memory.
    with io.BytesIO() as content, h5py.File(content, "w", libver="latest") as file:
        for name, variable in variables.items():
            value = np.asarray(variable)
            if np.issubdtype(value.dtype, np.floating):
                if not np.isfinite(value).all():
                    raise ValueError(f"{name} holds values that are not finite: the training diverged")
                with np.errstate(over="ignore"):
                    stored = value.astype(dtype)
                value = stored if np.isfinite(stored).all() else value.astype("float32")
            file.create_dataset(name, data=value)
        file.flush()
        Path(path).write_bytes(content.getvalue())


def load(model, path: str | os.PathLike) -> None:
    """Reads weights that `save` wrote into a model of the same variables.

    Raises:
        UserError: The file is missing, cut or no HDF5, or its variables are not those of the model.
    """
    path = Path(path)
    variables, stored = by_name(model), read(path)
    missing, unexpected = sorted(variables.keys() - stored.keys()), sorted(stored.keys() - variables.keys())
    if missing or unexpected:
        raise UserError(
            f"{path}: its variables are not those of the model '{model.name}'"
            + (f"; missing: {_some(missing)}" if missing else "")
            + (f"; not expected: {_some(unexpected)}" if unexpected else "")
        )
    for name, variable in variables.items():
        if tuple(variable.shape) != stored[name].shape:
            raise UserError(
                f"{path}: {name} has shape {stored[name].shape}, the model '{model.name}' expects "
                f"{tuple(variable.shape)}"
            )
    for name, variable in variables.items():
        variable.assign(stored[name].astype(variable.dtype))


def read(path: Path) -> dict[str, np.ndarray]:
    """The arrays that `save` wrote, by their names.

    Raises:
        UserError: The file is missing, cut or no HDF5.
    """
    if not path.is_file():
        raise UserError(f"{path}: the weights file is missing")
    stored = {}
    try:
        with h5py.File(path, "r") as file:
            file.visititems(
                lambda name, item: stored.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
            )
    except (OSError, RuntimeError, KeyError) as error:
        raise UserError(f"{path}: not a whole HDF5 file, is it cut? ({error})") from None
    return stored


def take(model, known: Mapping) -> int:
    """Gives a model the weights of others by their names where the shapes fit too; returns how many arrays that is."""
    taken = 0
    for name, variable in by_name(model).items():
        if name in known and tuple(known[name].shape) == tuple(variable.shape):
            variable.assign(known[name])
            taken += 1
    return taken


def build(name: str, weights: str | os.PathLike, **arguments):
    """A model of the catalog with a preset's weights: see `zoo.build`."""
    from zoo import catalog, preset

    folder = preset.find(weights)
    config = preset.read_config(folder)
    if config["model"] != name:
        raise UserError(f"{weights}: a preset of the model {config['model']!r}, expected one of {name!r}")
    path = folder / "weights" / "model.weights.h5"
    own = config["arguments"]
    model = catalog.build(name, **{**own, **arguments})
    if all(key in own and own[key] == value for key, value in arguments.items()):
        load(model, path)
    elif not take(model, read(path)):
        raise UserError(f"{weights}: none of its weights fits the model that these arguments build")
    return model


def by_name(model) -> dict:
    """The model's weights by their paths, or by the names that the model gives them (`weight_names`).

    Raises:
        ValueError: Two have the same.
    """
    names = model.weight_names() if hasattr(model, "weight_names") else [variable.path for variable in model.weights]
    variables = {}
    for name, variable in zip(names, model.weights, strict=True):
        if name in variables:
            raise ValueError(f"two variables of the model '{model.name}' have the path {name!r}")
        variables[name] = variable
    return variables


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
