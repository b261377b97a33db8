"""Texts in a column of a table: CSV, TSV or JSON lines, each also with .gz, row by row."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
import os
from collections.abc import Iterator

from zoo.errors import UserError, nearest

SUFFIXES = (".csv", ".tsv", ".jsonl", ".csv.gz", ".tsv.gz", ".jsonl.gz")
LONGEST_CELL = 64 * 2**20  # characters

Row = tuple[str, str | UserError]


def rows(path: str, column: str) -> Iterator[Row]:
    """The texts of one column.

    Args:
        path: A file with one of `SUFFIXES`.
        column: Name of a column, or of a field of each JSON object.

    Returns:
        An iterator of (text, text), or (place, exception) for a bad row. Bytes that are no UTF-8 come as lone
        surrogates, so that only their own row is bad.

    Raises:
        UserError: At once, where the file or its column is missing.
    """
    if not path.endswith(SUFFIXES):
        raise UserError(f"expected a table ({', '.join(SUFFIXES[:3])})")
    if not os.path.exists(path) or os.path.isdir(path):
        raise UserError("no such file")
    try:
        stream = gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb")
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
        found = _json(path, text, column) if ".jsonl" in path else _csv(path, text, column)
    except (OSError, EOFError, csv.Error) as error:
        raise UserError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return _guarded(found, text, path)


def _guarded(found: Iterator[Row], text: io.TextIOWrapper, path: str) -> Iterator[Row]:
    with text:
        try:
            yield from found
        except (OSError, EOFError, csv.Error) as error:  # a bad disk, a cut .gz, a stray quotation mark
            yield path, UserError(f"cannot be read further: {error}")


def _csv(path: str, text: io.TextIOWrapper, column: str) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_CELL)
    tabs = ".tsv" in path
    # A TSV holds bare quotation marks; only a CSV quotes its fields.
    reader = csv.reader(text, delimiter="\t" if tabs else ",", quoting=csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL)
    header = [name.strip() for name in next(reader, [])]
    if column not in header:
        raise UserError(_missing(column, header))
    place = header.index(column)
    return (
        (row[place], row[place])
        if len(row) > place
        else (f"{path}, line {reader.line_num}", UserError(f"the row has no column {column!r}"))
        for row in reader
        if row
    )


def _json(path: str, text: io.TextIOWrapper, column: str) -> Iterator[Row]:
    lines = ((number, line) for number, line in enumerate(text, start=1) if line.strip())
    first = next(lines, None)
    if first is None:
        return iter(())
    try:
        row = json.loads(first[1])
    except json.JSONDecodeError as error:
        raise UserError(f"line {first[0]} is not JSON ({error})") from None
    if not isinstance(row, dict) or column not in row:
        raise UserError(_missing(column, row) if isinstance(row, dict) else f"line {first[0]} is no JSON object")
    return (_json_row(path, number, line, column) for number, line in itertools.chain([first], lines))


def _json_row(path: str, number: int, line: str, column: str) -> Row:
    place = f"{path}, line {number}"
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        return place, UserError(f"not JSON ({error})")
    value = row.get(column) if isinstance(row, dict) else None
    if not isinstance(value, str):
        return place, UserError(f"expected an object with a text {column!r}")
    return value, value


def _missing(column: str, names) -> str:
    return f"no column {column!r}{nearest(column, names)} Name one by --column."
