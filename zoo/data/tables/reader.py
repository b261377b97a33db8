"""Tables: .csv, .tsv, .jsonl, each also with .gz, and data frames, read whole; each row has its place for messages."""

from __future__ import annotations

import gzip
import io
import json
import unicodedata
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from zoo.data.tables import delimited
from zoo.data.tables.frames import Frame, is_frame
from zoo.errors import UserError, nearest

SUFFIXES = (".csv", ".tsv", ".jsonl", ".csv.gz", ".tsv.gz", ".jsonl.gz")
TOLD = 3  # rows that a message names of those that have the same fault

Wanted = Mapping[str, Sequence[str]]  # what a column holds -> what it may be called, its own name first


class Row(NamedTuple):
    """A row of a table: where it stands, and the values of the wanted columns, of .jsonl whatever the object holds."""

    place: str
    values: tuple


class Headerless(NamedTuple):
    """The places of the columns in a file that begins with an example, and a sentence on how that is known."""

    places: tuple[int, int]
    note: str


def is_table(path: object) -> bool:
    """True of a data frame, and of a file whose name says that it is a table, in capitals too."""
    return is_frame(path) or str(path).lower().endswith(SUFFIXES)


def columns(
    path: Path | Frame,
    wanted: Sequence[Wanted],
    headerless: Callable[[list[list[str]]], Headerless | None],
    notes: list[str],
) -> list[Row]:
    """Two columns of every row that has both; empty rows count for nothing.

    Args:
        path: The table, in a file or as a data frame.
        wanted: Names of the two columns; of several pairs of names the first that the table has. A message names the
            last pair. A number names a column of a file without a header.
        headerless: Looks at the rows of a .csv or .tsv whose first row has none of the names: where it is an example,
            which columns hold what; None where it is a header with other names.
        notes: Gets sentences on what had to be guessed, and on rows that are left out.

    Raises:
        UserError: No such file, or not of the form that its name promises; a name that no column has; rows with more
            fields than the header; no row that has both.
    """
    if isinstance(path, Frame):
        return _complete(path, _framed(path, wanted), list(wanted[-1]), notes)
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    text = _text(path)
    if ".jsonl" in path.name.lower():
        rows = _objects(path, text, wanted)
    else:
        rows = _fields(path, text, wanted, headerless, notes)
    return _complete(path, rows, list(wanted[-1]), notes)


def place(names: Sequence[str], header: Sequence[str]) -> int | None:
    """The column that has one of the names, as they are spelled or, where none is, without case.

    Raises:
        UserError: Several columns have the name.
    """
    for spelled in (str, _plain):
        there = [spelled(name).strip() for name in header]
        for name in map(spelled, names):
            if there.count(name) > 1:
                raise UserError(f"{there.count(name)} columns are called {name!r}; expected one")
            if name in there:
                return there.index(name)
    return None


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def is_utf16(content: bytes) -> bool:
    """True if a text begins as UTF-16, with a mark or without: Excel's "Unicode text", PowerShell's `>` write it."""
    head = content[:64]
    return head.startswith((b"\xff\xfe", b"\xfe\xff")) or len(head) > 3 and any(head[::2]) != any(head[1::2])


UTF16 = "the text is UTF-16; expected UTF-8: save it as UTF-8"


def _text(path: Path) -> str:
    content = path.read_bytes()
    try:
        content = gzip.decompress(content) if path.suffix.lower() == ".gz" else content
        if is_utf16(content):
            raise UserError(f"{path}: {UTF16}")
        return content.decode("utf-8-sig")
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{path}: not a whole gzip file ({error})") from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}: line {line} is not valid UTF-8; save the file as UTF-8") from None


def _fields(path: Path, text: str, wanted: Sequence[Wanted], headerless: Callable, notes: list[str]) -> list[Row]:
    lines = io.StringIO(text, newline="").readlines()
    names = [name for pair in wanted for spellings in pair.values() for name in spellings]
    form = delimited.form(lines, ".tsv" in path.name.lower(), names)
    records = [record for record in delimited.records(lines, form) if not record.empty]
    if not records:
        return []
    header = records[0].fields
    places = _named(path, wanted, header)
    if places is None and (places := _numbered(path, wanted[-1], header)):
        header = None
    if places is None:
        found = headerless([record.fields for record in records])
        if found is None:
            missing, spellings = next(iter(wanted[-1].items()))
            raise UserError(
                f"{path}: no column {spellings[0]!r}{nearest(spellings[0], filter(str.strip, header))} "
                f"Name it by --{missing}-column; of a file without a header by its number, 1 for the first."
            )
        places, header = found.places, None
        notes.append(f"{path} {found.note}")
    _check(path, records, form, header)
    rows = records if header is None else records[1:]
    return [Row(one.place, tuple(one.fields[p] if p < len(one.fields) else None for p in places)) for one in rows]


def _framed(frame: Frame, wanted: Sequence[Wanted]) -> list[Row]:
    places = _named(frame, wanted, frame.names)
    if places is None:
        role, names = next(iter(wanted[-1].items()))
        raise UserError(f"{frame}: no column {names[0]!r}{nearest(names[0], frame.names)} {_remedy(frame, role)}")
    return [Row(f"row {number}", values) for number, values in enumerate(frame.rows(places), 1)]


def _remedy(path: Path | Frame, role: str) -> str:
    return f"Name it by {role}_column." if isinstance(path, Frame) else f"Name it by --{role}-column."


def _named(path: Path | Frame, wanted: Sequence[Wanted], header: Sequence[str]) -> tuple[int, int] | None:
    """The places of the first pair of names that the header has; None where it has none of the names.

    Raises:
        UserError: It has one of two.
    """
    found = []
    for pair in wanted:
        try:
            found.append({role: place(names, header) for role, names in pair.items()})
        except UserError as error:
            raise UserError(f"{path}: {error}") from None
        if None not in found[-1].values():
            return tuple(found[-1].values())
    for pair, places in reversed(list(zip(wanted, found, strict=True))):
        if any(one is not None for one in places.values()):
            role = next(role for role, one in places.items() if one is None)
            name = pair[role][0]
            raise UserError(f"{path}: no column {name!r}{nearest(name, header)} {_remedy(path, role)}")
    return None


def _numbered(path: Path, pair: Wanted, header: Sequence[str]) -> tuple[int, int] | None:
    """The places that numbers name, of a file without a header."""
    names = [spellings[0] for spellings in pair.values()]
    if not all(name.isdecimal() for name in names):
        return None
    if outside := [name for name in names if not 1 <= int(name) <= len(header)]:
        raise UserError(f"{path}: no column {outside[0]}; the first row has {len(header)} fields")
    return tuple(int(name) - 1 for name in names)


def _check(path: Path, records: list[delimited.Record], form: delimited.Form, header: list[str] | None) -> None:
    """Refuses a table whose texts would be cut.

    Raises:
        UserError: Rows whose quotation marks do not match, or that have more fields than the header or, where there is
            none, than the first row.
    """
    most, of = (len(records[0].fields), "the first row") if header is None else (delimited.filled(header), "the header")
    faults = [told for record in records if (told := fault(record, form, most, of))]
    if faults:
        more = f" ({len(faults) - 1:,} more of its rows are at fault)" if len(faults) > 1 else ""
        raise UserError(f"{path}: {faults[0]}{more}")


def fault(record: delimited.Record, form: delimited.Form, most: int, of: str = "the header") -> str | None:
    """Tells why a text would be cut: the row has more than `most` fields, or a quoted text has no end."""
    lines = any("\n" in field or "\r" in field for field in record.fields)
    if record.fault and (lines or record.filled <= most):
        return f"{record.place}: {record.fault}"
    if record.filled <= most:
        return None
    remedy = f"quote texts that hold {form.delimiters}" if form.quoted else "a text cannot hold a tab"
    if form.quoted and any('"' in field for field in record.fields):
        remedy += f"; no blank stands before the quotation mark, and {delimited.TWICE}"
    return f"{record.place} has {record.filled} fields, {of} {most}: {remedy}"


def _objects(path: Path, text: str, wanted: Sequence[Wanted]) -> list[Row]:
    role, names = next(iter(wanted[-1].items()))
    rows = []
    for number, line in enumerate(text.split("\n"), 1):  # JSON may hold U+2028, at which splitlines cuts
        if line.strip():
            try:
                rows.append((number, json.loads(line)))
            except json.JSONDecodeError as error:
                raise UserError(f"{path}: line {number} is not JSON ({error})") from None
            if not isinstance(rows[-1][1], dict):
                raise UserError(
                    f"{path}: line {number} has no {next(iter(wanted[-1].values()))[0]!r}; expected an object."
                )
    if not rows:
        return []
    keys = list(dict.fromkeys(key for _, row in rows for key in row))
    places = _named(path, wanted, keys)
    if places is None:
        near = nearest(names[0], keys)
        raise UserError(f"{path}: line {rows[0][0]} has no {names[0]!r}{near} Name it by --{role}-column.")
    return [Row(f"line {number}", tuple(row.get(keys[one]) for one in places)) for number, row in rows]


def _complete(path: Path, rows: list[Row], roles: list[str], notes: list[str]) -> list[Row]:
    """The rows that have a value for each role; a sentence about the others."""
    kept, lacking = [], {}
    for row in rows:
        absent = [role for role, one in zip(roles, row.values, strict=True) if one is None or not str(one).strip()]
        if absent:
            lacking.setdefault(" and ".join(absent), []).append(row.place)
        else:
            kept.append(row)
    if not lacking:
        return kept
    told = []
    for absent, places in lacking.items():
        more = f" and {len(places) - TOLD:,} more" if len(places) > TOLD else ""
        told.append(f"{', '.join(places[:TOLD])}{more} {'has' if len(places) == 1 else 'have'} no {absent}")
    if not kept:
        raise UserError(f"{path}: {'; '.join(told)}: no row is left")
    count = len(rows) - len(kept)
    are = "is incomplete and" if count == 1 else "are incomplete and"
    notes.append(f"{path}: {count:,} of {len(rows):,} rows {are} left out: {'; '.join(told)}.")
    return kept
