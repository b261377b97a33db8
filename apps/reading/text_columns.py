"""Texts in columns of a table: CSV, TSV or JSON lines, each also with .gz, row by row."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import os
from collections.abc import Iterator, Sequence

from zoo.data.tables import delimited
from zoo.data.tables.reader import SUFFIXES, UTF16, fault, is_table, is_utf16, place
from zoo.errors import UserError, nearest

Row = tuple[str, tuple[str, ...] | UserError]


def rows(path: str, columns: Sequence[str]) -> Iterator[Row]:
    """The texts of some columns.

    Args:
        path: A table, by its suffix.
        columns: Names of columns, or of fields of each JSON object.

    Returns:
        An iterator of (place, texts), or (place, exception) for a bad row. Bytes that are no UTF-8 come as lone
        surrogates, so that only their own row is bad. Empty rows of a CSV or TSV are passed over.

    Raises:
        UserError: At once, where the file or a column is missing.
    """
    if not is_table(path):
        raise UserError(f"expected a table ({', '.join(SUFFIXES[:3])})")
    if not os.path.exists(path) or os.path.isdir(path):
        raise UserError("no such file")
    try:
        stream = gzip.open(path, "rb") if path.lower().endswith(".gz") else open(path, "rb")
        if is_utf16(stream.peek(64)):
            raise UserError(UTF16)
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
        found = _json(path, text, columns) if ".jsonl" in path.lower() else _csv(path, text, columns)
    except (OSError, EOFError) as error:
        raise UserError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return _guarded(found, text, path)


def _guarded(found: Iterator[Row], text: io.TextIOWrapper, path: str) -> Iterator[Row]:
    with text:
        try:
            yield from found
        except (OSError, EOFError) as error:  # a bad disk, a cut .gz
            yield path, UserError(f"cannot be read further: {error}")


def _csv(path: str, text: io.TextIOWrapper, columns: Sequence[str]) -> Iterator[Row]:
    first = list(itertools.islice(text, 1))  # more would have to wait for a pipe's next lines
    form = delimited.form(first, ".tsv" in path.lower(), columns)
    found = (record for record in delimited.records(itertools.chain(first, text), form) if not record.empty)
    header = next(found, None)
    names = header.fields if header else []
    places = _places(columns, names)
    most = delimited.filled(names)
    return (_row(path, record, fault(record, form, most), places, columns) for record in found)


def _row(path: str, record: delimited.Record, wrong: str | None, places: Sequence[int], columns: Sequence[str]) -> Row:
    where = f"{path}, line {record.line}"
    if wrong:
        return where, UserError(wrong)
    for index, column in zip(places, columns, strict=True):
        if len(record.fields) <= index:
            return where, UserError(f"the row has no column {column!r}")
    return where, tuple(record.fields[index] for index in places)


def _json(path: str, text: io.TextIOWrapper, columns: Sequence[str]) -> Iterator[Row]:
    lines = ((number, line) for number, line in enumerate(text, start=1) if line.strip())
    first = next(lines, None)
    if first is None:
        return iter(())
    try:
        row = json.loads(first[1])
    except json.JSONDecodeError as error:
        raise UserError(f"line {first[0]} is not JSON ({error})") from None
    if not isinstance(row, dict):
        raise UserError(f"line {first[0]} is no JSON object")
    names = list(row)
    keys = [names[index] for index in _places(columns, names)]
    return (_json_row(path, number, line, keys) for number, line in itertools.chain([first], lines))


def _json_row(path: str, number: int, line: str, columns: Sequence[str]) -> Row:
    place = f"{path}, line {number}"
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        return place, UserError(f"not JSON ({error})")
    values = [row.get(column) if isinstance(row, dict) else None for column in columns]
    for column, value in zip(columns, values, strict=True):
        if not isinstance(value, str):
            return place, UserError(f"expected an object with a text {column!r}")
    return place, tuple(values)


def _places(columns: Sequence[str], names: Sequence[str]) -> list[int]:
    """The places of the columns among the names.

    Raises:
        UserError: There is none of a name.
    """
    found = [place([column], names) for column in columns]
    for column, index in zip(columns, found, strict=True):
        if index is None:
            raise UserError(f"no column {column!r}{nearest(column, names)} Name one by --column.")
    return found
