"""The table of tasks: name -> class, and what a command must know of it before TensorFlow is imported.

Strings only: a class is imported when it is asked for. Adding a task is one file and one line here.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from zoo.errors import named


@dataclass(frozen=True)
class Entry:
    """One task.

    Attributes:
        name: As "task" of config.json.
        implementation: "module:class".
        columns: Names of a table's columns, for what is read and what is right.
        config_lists: Lists of different texts that config.json must hold -> how many texts each has; None: one or more.
    """

    name: str
    implementation: str
    columns: tuple[str, str]
    config_lists: Mapping[str, int | None] = field(default_factory=dict)

    def load(self) -> type:
        """The class itself. Imports TensorFlow."""
        module, _, attribute = self.implementation.partition(":")
        return getattr(importlib.import_module(module), attribute)


CATALOG: tuple[Entry, ...] = (
    Entry(
        name="image-classification",
        implementation="zoo.tasks.image_classification:ImageClassification",
        columns=("path", "label"),
        config_lists={"labels": None},
    ),
    Entry(
        name="summarization",
        implementation="zoo.tasks.summarization:Summarization",
        columns=("source", "target"),
    ),
    Entry(
        name="text-classification",
        implementation="zoo.tasks.text_classification:TextClassification",
        columns=("text", "label"),
        config_lists={"labels": None},
    ),
    Entry(
        name="translation",
        implementation="zoo.tasks.translation:Translation",
        columns=("source", "target"),
        config_lists={"languages": 2},
    ),
)


def names() -> list[str]:
    """Names of the tasks."""
    return [entry.name for entry in CATALOG]


def entry(name: str) -> Entry:
    """The line of a task.

    Raises:
        UserError: There is none of that name.
    """
    return named(CATALOG, name, "unknown task")
