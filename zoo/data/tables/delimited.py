"""Records of delimited text (CSV, TSV), each with its place in the file and what is wrong with it."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
LONGEST_CELL = 64 * 2**20  # characters
LOOKED_AT = 50  # lines that tell the delimiter of a file whose first line has none of the wanted names

_SEP = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)  # Excel's first line


class Record(NamedTuple):
    """One row of a file.

    Attributes:
        row: Its number, counted from 1 with the empty rows, as a spreadsheet counts.
        line: The line that it begins on, counted from 1.
        fields: Its fields.
        fault: Why the fields are not to be trusted; None where they are.
    """

    row: int
    line: int
    fields: list[str]
    fault: str | None = None

    @property
    def place(self) -> str:
        """The row, and the line where that has another number."""
        return f"row {self.row}" if self.row == self.line else f"row {self.row} (line {self.line})"

    @property
    def empty(self) -> bool:
        """True if nothing stands in it, as in the rows `,,,,` that spreadsheets append."""
        return self.fault is None and not self.filled and self.fields != [""]

    @property
    def filled(self) -> int:
        """Number of fields up to the last one that is not blank."""
        return filled(self.fields)


def filled(fields: Sequence[str]) -> int:
    """Number of fields up to the last one that is not blank."""
    count = len(fields)
    while count and not fields[count - 1].strip():
        count -= 1
    return count


class Form(NamedTuple):
    """The way in which a file separates its fields.

    Attributes:
        delimiter: One character.
        quoted: Whether a field may stand in quotation marks. A TSV holds bare ones.
        declared: Whether the first line is Excel's `sep=;`, which is no row.
    """

    delimiter: str
    quoted: bool
    declared: bool

    @property
    def delimiters(self) -> str:
        """The delimiter in words: "commas"."""
        return DELIMITERS.get(self.delimiter, f"{self.delimiter!r}")


def form(lines: Sequence[str], tabs: bool, wanted: Iterable[str]) -> Form:
    """Finds out how the fields of a file are separated.

    The first line tells it by the names of its columns; where it has none of those that are wanted, the delimiter
    that gives all lines the same number of fields, of which there are two or more.

    Args:
        lines: The file's first lines.
        tabs: Whether its name says that it is separated by tabs (.tsv), not by commas.
        wanted: Names of columns, without case.
    """
    own = "\t" if tabs else ","
    if lines and (found := _SEP.fullmatch(lines[0])):
        return Form(found[1], True, True)
    forms = [Form(one, not (tabs and one == "\t"), False) for one in dict.fromkeys((own, *DELIMITERS))]
    first = [line for line in lines if line.strip()][:1]
    wanted = {name.casefold() for name in wanted}
    named = []
    for form in forms:
        fields = [field for record in records(first, form) for field in record.fields]
        named.append(sum(field.strip().casefold() in wanted for field in fields))
    if max(named):
        return forms[named.index(max(named))]
    for form in forms:
        found = [record for record in records(lines[:LOOKED_AT], form) if not record.empty and record.fault is None]
        counts = {len(record.fields) for record in found}
        if len(counts) == 1 and counts != {1}:
            return form
    return forms[0]


def records(lines: Iterable[str], form: Form) -> Iterator[Record]:
    """The rows of a file, empty ones too.

    A row whose quotation marks do not match has a `fault`; reading goes on at the line after the one that it begins
    on, so that it costs no other row.

    Args:
        lines: With their ends; the whole file, or its first lines.
        form: How the fields are separated.
    """
    csv.field_size_limit(LONGEST_CELL)
    lines = iter(lines)
    row = line = 1
    if form.declared:
        next(lines, None)
        line = 2
    again: deque[str] = deque()  # lines to be read once more
    taken: list[str] = []  # those of the current row

    def feed() -> Iterator[str]:
        while (one := again.popleft() if again else next(lines, None)) is not None:
            taken.append(one)
            yield one

    quoting = csv.QUOTE_MINIMAL if form.quoted else csv.QUOTE_NONE
    more = True
    while more:
        more = False
        reader = csv.reader(feed(), delimiter=form.delimiter, quoting=quoting)
        while True:
            try:
                fields = next(reader, None)
                fault = form.quoted and fields is not None and _fault("".join(taken), form.delimiter, line)
            except csv.Error as error:
                fields, fault = [], str(error)
            if fields is None:
                break
            yield Record(row, line, fields, fault or None)
            if fault:
                again.extendleft(reversed(taken[1:]))
                del taken[1:]
                more = True
            row, line = row + 1, line + len(taken)
            taken.clear()
            if more:
                break


def _fault(text: str, delimiter: str, line: int) -> str | None:
    """The fault of the quotation marks of a row that begins on `line`; None where there is none.

    Text that follows a closing quotation mark on the same line is let pass, as other readers do: nothing but the
    marks is lost.
    """
    if '"' not in text:
        return None
    text = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    number, begin = 1, 0
    while True:
        if text.startswith('"', begin):
            opened = line + text.count("\n", 0, begin)
            closed = _QUOTED.match(text, begin)
            if not closed:
                return f"a quotation mark opens field {number} on line {opened} and is never closed; {TWICE}"
            end = closed.end()
            if text[end : end + 1] not in ("", delimiter) and ("\n" in closed[0] or closed[0].endswith('\\"')):
                where = line + text.count("\n", 0, end)
                return (
                    f"a quotation mark opens field {number} on line {opened}, and text follows where it is closed "
                    f"on line {where}; {TWICE}"
                )
            begin = end
        begin = text.find(delimiter, begin) + 1
        if not begin:
            return None
        number += 1


_QUOTED = re.compile(r'"(?:[^"]++|"")*+"[ \t]*')
TWICE = 'a quotation mark within a quoted text is written twice: ""'
