"""Tables: .csv, .tsv and .jsonl, each also with .gz, read whole, with the place of every row for messages."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import UserError, nearest

SUFFIXES = (".csv", ".tsv", ".jsonl", ".csv.gz", ".tsv.gz", ".jsonl.gz")


@dataclass(frozen=True)
class Table:
    """A table as it stands in its file.

    Attributes:
        path: The file.
        rows: (number, row), counted from 1: of .csv and .tsv the fields of rows that are not empty, the first of which
            may be a header; of .jsonl the objects, by their lines.
        keyed: Whether the rows are objects.
    """

    path: Path
    rows: list[tuple[int, list[str] | dict]]
    keyed: bool

    @property
    def header(self) -> list[str]:
        """The names in the first row; of a file without a header, whatever stands there."""
        first = self.rows[0][1] if self.rows else []
        if self.keyed:
            return list(first) if isinstance(first, dict) else []
        return [name.strip() for name in first]

    def columns(
        self,
        names: Mapping[str, str],
        headerless: Callable[[list[list[str]]], tuple[int, int] | None],
        notes: list[str],
    ) -> Iterator[tuple[int, tuple]]:
        """Two columns of every row.

        Args:
            names: What either is -> its name: {"text": "review", "label": "stars"}.
            headerless: The places of the two in a .csv or .tsv whose first row has none of the names and
                is an example, or None where it is a header with other names.
            notes: Gets a sentence where `headerless` had to guess.

        Yields:
            The row's number, and its values in the order of `names`: texts; of .jsonl, whatever the object holds.

        Raises:
            UserError: A name that no column has, or a row that lacks a column.
        """
        if not self.rows:
            return
        if self.keyed:
            yield from self._keyed(names)
            return
        header = self.header
        missing = [(role, name) for role, name in names.items() if name not in header]
        if not missing:
            places, first = [header.index(name) for name in names.values()], 1
        elif len(missing) == len(names) and (places := headerless([row for _, row in self.rows])):
            first = 0
            one, other = names
            notes.append(
                f"{self.path} has no column {names[one]!r} in its first line, which is taken for an example: "
                f"the {one} stands in column {places[0] + 1}, the {other} in column {places[1] + 1}."
            )
        else:
            role, name = missing[0]
            raise UserError(f"{self.path}: no column {name!r}{nearest(name, header)} Name it by --{role}-column.")
        for number, row in self.rows[first:]:
            if len(row) <= max(places):
                raise UserError(f"{self.path}: row {number} has {len(row)} of the expected {len(header)} columns")
            yield number, tuple(row[place] for place in places)

    def _keyed(self, names: Mapping[str, str]) -> Iterator[tuple[int, tuple]]:
        for number, row in self.rows:
            for name in names.values():
                if not isinstance(row, dict) or name not in row:
                    hint = nearest(name, row) if isinstance(row, dict) else "; expected an object."
                    raise UserError(f"{self.path}: line {number} has no {name!r}{hint}")
            yield number, tuple(row[name] for name in names.values())


def read(path: Path) -> Table:
    """Reads a table.

    Raises:
        UserError: No such file; not UTF-8, not a whole gzip file, or not the form that its name promises.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    text = _text(path)
    if ".jsonl" in path.suffixes:
        return Table(path, _objects(path, text), keyed=True)
    tabs = ".tsv" in path.suffixes
    # A TSV holds bare quotation marks; only a CSV quotes its fields.
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter="\t" if tabs else ",",
        quoting=csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL,
    )
    csv.field_size_limit(2**31 - 1)
    try:
        rows = [row for row in reader if row]
    except csv.Error as error:
        raise UserError(f"{path}: line {reader.line_num}: {error}") from None
    return Table(path, list(enumerate(rows, 1)), keyed=False)


def _text(path: Path) -> str:
    content = path.read_bytes()
    try:
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        return content.decode("utf-8-sig")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{path}: not a whole gzip file ({error})") from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}: line {line} is not valid UTF-8; save the file as UTF-8") from None


def _objects(path: Path, text: str) -> list[tuple[int, object]]:
    rows = []
    for number, line in enumerate(text.split("\n"), 1):  # JSON may hold U+2028, at which splitlines cuts
        if line.strip():
            try:
                rows.append((number, json.loads(line)))
            except json.JSONDecodeError as error:
                raise UserError(f"{path}: line {number} is not JSON ({error})") from None
    return rows
