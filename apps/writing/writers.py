"""Writers of answers of any kind: JSON lines, a CSV file, annotated pictures.

Every writer takes (index, item, result) one after the other and keeps nothing but the current batch. What only one kind
of answers has, its table and its plain lines, stands in `apps.answering.labels` and `apps.answering.texts`.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from apps.reading.command_line import Item
from zoo.errors import UserError
from zoo.results.base import Result


def add_arguments(parser: argparse.ArgumentParser, pictures: bool) -> None:
    """Adds the options that say where answers go; `--save` where the items are pictures."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="JSON lines, also on a terminal")
    form.add_argument("--csv-out", metavar="F", help="write a CSV file instead")
    parser.add_argument("--strict", action="store_true", help="give no answer where its confidence is low")
    if pictures:
        parser.add_argument("--save", metavar="DIR", help="write each picture with its answer under it")


@contextlib.contextmanager
def replacing(path: str | os.PathLike, mode: str = "w") -> Iterator[IO]:
    """A file to write that takes the place of `path` when the block ends without an exception.

    What stood there stays untouched until then, and a failure leaves nothing half-written. A device or a pipe is
    written directly.

    Raises:
        UserError: The place cannot be written, or the disk is full.
    """
    target = os.path.realpath(path)
    direct = os.path.exists(target) and not os.path.isfile(target)
    partial = target if direct else f"{target}.partial-{os.getpid()}"
    options = {} if "b" in mode else {"encoding": "utf-8", "errors": "surrogateescape", "newline": ""}
    written = False
    try:
        with open(partial, mode, **options) as stream:
            yield stream
        if not direct:
            os.replace(partial, target)
        written = True
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if not written and not direct:
            with contextlib.suppress(OSError):
                os.unlink(partial)


class JsonLines:
    """One JSON object a line on stdout, in UTF-8 whatever the locale."""

    _encode = json.JSONEncoder(ensure_ascii=False).encode

    def __init__(self):
        # A lone surrogate (a file name that is no UTF-8) becomes \udcff, which is how JSON spells it.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
        self.lines: list[str] = []

    def write(self, index: int, item: Item, result: Result) -> None:
        """Takes one answer."""
        self.lines.append(self._encode({"index": index, "item": item.name, **result.to_dict()}))

    def flush(self) -> None:
        """Writes the batch at once."""
        sys.stdout.write("\n".join([*self.lines, ""]))
        self.lines = []
        flush_stdout()


class CsvFile:
    """Rows of a CSV file."""

    def __init__(self, stream: IO, columns: Sequence[str]):
        self.stream = stream
        names = ["index", "item", *columns, "low_confidence", "used_tokens", "total_tokens", "error"]
        self.rows = csv.DictWriter(stream, names, lineterminator="\n")
        self.rows.writeheader()

    def write(self, index: int, item: Item, result: Result) -> None:
        """Writes one answer."""
        for row in result.rows():
            row = {name: "true" if value is True else value for name, value in row.items()}  # as JSON spells it
            self.rows.writerow({"index": index, "item": item.name, **row})

    def flush(self) -> None:
        """Lets a full disk show now rather than at the end."""
        self.stream.flush()


class Pictures:
    """Beside another writer: the files of each answer, or its picture with the answer under it, in a folder.

    Names follow the item's own file; two of the same name get a number.
    """

    def __init__(self, folder: str):
        self.folder = Path(folder)
        self.taken: set[str] = set()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"--save {folder}: cannot make this folder: {error.strerror}") from None

    def write(self, index: int, item: Item, result: Result) -> None:
        """Draws and writes one answer; a failed item has no picture."""
        if result.error is not None:
            return
        stem = item.payload.stem if isinstance(item.payload, Path) else f"{index + 1:04}"
        files = result.files()
        for suffix, content in files.items():
            self._write(stem, suffix, content)
        if files or not isinstance(item.payload, Path):
            return
        import cv2

        from zoo.inputs import image_files

        try:
            drawn = result.draw(image_files.pixels(item.payload.read_bytes()))
        except (OSError, UserError) as error:  # answered a moment ago: the file has changed
            raise UserError(f"--save: cannot draw on {item.name}: {error}") from None
        suffix = ".jpg" if item.payload.suffix.lower() in (".jpg", ".jpeg") else ".png"
        done, encoded = cv2.imencode(suffix, drawn)
        if not done:
            raise RuntimeError(f"OpenCV could not encode {suffix}")
        self._write(stem, suffix, encoded.tobytes())

    def _write(self, stem: str, suffix: str, content: bytes) -> None:
        with replacing(self.folder / self._name(stem, suffix), "wb") as stream:
            stream.write(content)

    def flush(self) -> None:
        """Nothing waits."""

    def _name(self, stem: str, suffix: str) -> str:
        number, name = 1, f"{stem}-answer{suffix}"
        while name in self.taken:
            number += 1
            name = f"{stem}-answer-{number}{suffix}"
        self.taken.add(name)
        return name


def printable(text: str) -> str:
    """The text on one line, without characters that would drive the terminal."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text)


def is_terminal(stream: IO | None) -> bool:
    """True if a person is looking."""
    return stream is not None and stream.isatty()


def flush_stdout() -> None:
    """Writes what Python still holds back; a disk that cannot take it is one line."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UserError(f"cannot write the output: {error.strerror or error}") from error
