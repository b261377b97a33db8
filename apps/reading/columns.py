"""Options that name the columns of a person's own table; training and evaluating share them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from zoo import task_catalog
from zoo.errors import UserError

_HELP = {
    "text": "column of texts (default: text)",
    "path": "of a table of images: column of their paths (default: path)",
    "label": "column of labels (default: label)",
    "source": "of pairs: column of what is read (default: the language)",
    "target": "of pairs: column of what is written (default: the language)",
}


def names() -> list[str]:
    """The columns of all tasks."""
    return list(dict.fromkeys([*_HELP, *(name for entry in task_catalog.CATALOG for name in entry.columns)]))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds an option for each column that a task has."""
    for name in names():
        told = _HELP.get(name, f"column of {name} (default: {name})")
        parser.add_argument(f"--{name}-column", metavar="C", help=told)


def chosen(arguments: argparse.Namespace, task: str, languages: Sequence[str] = ()) -> dict[str, str]:
    """The columns as `Task.load_examples` takes them, those that are known.

    Args:
        arguments: What the person asked for.
        task: Kind of problem.
        languages: Of a translation: what its columns are called unless the person says otherwise.

    Raises:
        UserError: A column of another kind of data.
    """
    ours = task_catalog.entry(task).columns
    for name in names():
        if name not in ours and getattr(arguments, f"{name}_column") is not None:
            raise UserError(f"--{name}-column: {task} takes --{ours[0]}-column and --{ours[1]}-column")
    usual = languages or (None, None)
    found = {
        f"{name}_column": getattr(arguments, f"{name}_column") or language
        for name, language in zip(ours, usual, strict=True)
    }
    return {key: value for key, value in found.items() if value is not None}
