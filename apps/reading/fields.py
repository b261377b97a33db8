"""Items of several named fields, such as a question and a passage: by options, or row by row from a table."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from apps.reading import text_columns
from apps.reading.command_line import Item, text_item
from zoo.errors import UserError


@dataclasses.dataclass(frozen=True)
class Field:
    """One field of an item.

    Attributes:
        name: The task's input, the option `--NAME`, and the column unless told otherwise.
        help: Of the option.
        file: Whether its value is the path of a file, as of a picture, rather than a text.
    """

    name: str
    help: str
    file: bool = False

    @property
    def option(self) -> str:
        """The option that gives it."""
        return f"--{self.name.replace('_', '-')}"


def add_arguments(parser: argparse.ArgumentParser, fields: Sequence[Field]) -> None:
    """Adds an option for each field, and the table with one column for each."""
    for field in fields:
        parser.add_argument(field.option, dest=field.name, metavar="FILE" if field.file else "TEXT", help=field.help)
    names = ", ".join(field.name for field in fields)
    parser.add_argument("--csv", metavar="F", help=f"table of items: .csv, .tsv or .jsonl, with columns {names}")
    for field in fields:
        parser.add_argument(
            f"{field.option}-column", metavar="C", default=field.name, help=f"column of {field.name} (default: it)"
        )


def items(arguments: argparse.Namespace, fields: Sequence[Field]) -> Iterator[Item]:
    """The items: the one that the options give, then those of the table.

    Raises:
        UserError: At once, where nothing is given, or a field of the one item is missing; or the table or a column of
            it is.
    """
    given = {field.name: getattr(arguments, field.name) for field in fields}
    missing = [field.option for field in fields if given[field.name] is None]
    if len(missing) == len(fields) and not arguments.csv:
        raise UserError(f"give {', '.join(field.option for field in fields)}, or --csv F")
    if missing and len(missing) < len(fields):
        raise UserError(f"{', '.join(missing)} is missing: an item has {', '.join(each.name for each in fields)}")
    rows = iter(())
    if arguments.csv:
        columns = [getattr(arguments, f"{field.name}_column") for field in fields]
        try:
            rows = text_columns.rows(arguments.csv, columns)
        except UserError as error:
            raise UserError(f"--csv {arguments.csv}: {error}") from None
    return _all(tuple(given.values()), not missing, rows, fields)


def _all(given: tuple, complete: bool, rows: Iterator[text_columns.Row], fields: Sequence[Field]) -> Iterator[Item]:
    if complete:
        yield _item(given[0], given, fields)
    for place, values in rows:
        yield Item(place, values) if isinstance(values, Exception) else _item(values[0], values, fields)


def _item(name: str, values: Sequence[str], fields: Sequence[Field]) -> Item:
    """An item with its first field for a name; a field that is no text makes it a bad one."""
    payload = {}
    for field, value in zip(fields, values, strict=True):
        one = text_item(name, value).payload
        if isinstance(one, Exception):
            return Item(name, UserError(f"{field.name}: {one}"))
        payload[field.name] = Path(value) if field.file else value
    return Item(name, payload)
