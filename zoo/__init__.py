"""Menagerie: models, the tasks around them and the recipes that trained them.

`import zoo` is light: TensorFlow and Keras are imported by the first call that needs them.

Example:
    model = zoo.build("resnet18", classes=10, image_size=32)
    task = zoo.load("sentiment-imdb")
    task("A great film.").label
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    import keras

    from zoo.tasks.base import Task

_SUBMODULES = frozenset(
    {
        "calibration",
        "catalog",
        "classifiers",
        "data",
        "decoding",
        "errors",
        "export",
        "hub",
        "layers",
        "lstms",
        "preset",
        "recipe",
        "recipes",
        "scaling",
        "tasks",
        "training",
    }
)


def build(name: str, **arguments) -> keras.Model:
    """A new, untrained model of the catalog: see `zoo.catalog.build`."""
    from zoo import catalog

    return catalog.build(name, **arguments)


def models() -> list[str]:
    """Names of the architectures that `build` knows."""
    from zoo import catalog

    return catalog.models()


def load(preset: str | os.PathLike, **use) -> Task:
    """A trained task from a shipped preset's name, a preset folder or KerasHub: see `zoo.tasks.load`."""
    from zoo import tasks

    return tasks.load(preset, **use)


def presets() -> list[str]:
    """Names of the shipped presets."""
    from zoo import preset

    return preset.names()


def __getattr__(name: str):
    if name in _SUBMODULES:
        return importlib.import_module(f"zoo.{name}")
    raise AttributeError(f"module 'zoo' has no attribute {name!r}")
