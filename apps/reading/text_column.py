"""Texts in a column of a table: CSV, TSV or JSON lines, each also with .gz, row by row."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import os
from collections.abc import Iterator

from zoo.data.tables import delimited
from zoo.data.tables.reader import SUFFIXES, UTF16, fault, is_table, is_utf16, place
from zoo.errors import UserError, nearest

Row = tuple[str, str | UserError]


def rows(path: str, column: str) -> Iterator[Row]:
    """The texts of one column.

    Args:
        path: A table, by its suffix.
        column: Name of a column, or of a field of each JSON object.

    Returns:
        An iterator of (text, text), or (place, exception) for a bad row. Bytes that are no UTF-8 come as lone
        surrogates, so that only their own row is bad. Empty rows of a CSV or TSV are passed over.

    Raises:
        UserError: At once, where the file or its column is missing.
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
        found = _json(path, text, column) if ".jsonl" in path.lower() else _csv(path, text, column)
    except (OSError, EOFError) as error:
        raise UserError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return _guarded(found, text, path)


def _guarded(found: Iterator[Row], text: io.TextIOWrapper, path: str) -> Iterator[Row]:
    with text:
        try:
            yield from found
        except (OSError, EOFError) as error:  # a bad disk, a cut .gz
            yield path, UserError(f"cannot be read further: {error}")


def _csv(path: str, text: io.TextIOWrapper, column: str) -> Iterator[Row]:
    first = list(itertools.islice(text, 1))  # more would have to wait for a pipe's next lines
    form = delimited.form(first, ".tsv" in path.lower(), [column])
    found = (record for record in delimited.records(itertools.chain(first, text), form) if not record.empty)
    header = next(found, None)
    names = header.fields if header else []
    at = place([column], names)
    if at is None:
        raise UserError(_missing(column, names))
    most = delimited.filled(names)
    return (_row(path, record, fault(record, form, most), at, column) for record in found)


def _row(path: str, record: delimited.Record, wrong: str | None, at: int, column: str) -> Row:
    where = f"{path}, line {record.line}"
    if wrong:
        return where, UserError(wrong)
    if len(record.fields) <= at:
        return where, UserError(f"the row has no column {column!r}")
    return record.fields[at], record.fields[at]


def _json(path: str, text: io.TextIOWrapper, column: str) -> Iterator[Row]:
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
    at = place([column], names)
    if at is None:
        raise UserError(_missing(column, names))
    return (_json_row(path, number, line, names[at]) for number, line in itertools.chain([first], lines))


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
