"""Where answers go: a table on a terminal, JSON lines, a CSV file, annotated pictures.

Every writer takes (index, item, result) one after the other and keeps nothing but the current batch.
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

from apps.inputs import Item
from zoo.errors import UserError
from zoo.tasks.results import Result, percent


def add_arguments(parser: argparse.ArgumentParser, pictures: bool) -> None:
    """Adds the options that say where answers go; `--save` where the items are pictures."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="JSON lines, also on a terminal")
    form.add_argument("--csv-out", metavar="F", help="write a CSV file instead")
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
        _flush_stdout()


class CsvFile:
    """Rows of a CSV file."""

    def __init__(self, stream: IO, columns: Sequence[str]):
        self.stream = stream
        names = ["index", "item", *columns, "used_tokens", "total_tokens", "error"]
        self.rows = csv.DictWriter(stream, names, lineterminator="\n")
        self.rows.writeheader()

    def write(self, index: int, item: Item, result: Result) -> None:
        """Writes one answer."""
        self.rows.writerow({"index": index, "item": item.name, **result.to_row()})

    def flush(self) -> None:
        """Lets a full disk show now rather than at the end."""
        self.stream.flush()


class Table:
    """Lines of equal columns on a terminal, printed as they come: a stream has no end to wait for."""

    def __init__(self, labels: Sequence[str]):
        from rich.console import Console

        sys.stdout.reconfigure(errors="backslashreplace")
        self.console = Console(highlight=False, soft_wrap=False)
        room = self.console.width - 2 - 7 - 2 - 8
        self.label_width = min(max([len("(empty)"), *map(len, labels)]), max(8, room // 2))
        self.item_width = max(8, room - self.label_width - 2)
        self.rows: list[tuple[Item, Result]] = []
        self.headed = False

    def write(self, index: int, item: Item, result: Result) -> None:
        """Takes one answer."""
        self.rows.append((item, result))

    def flush(self) -> None:
        """Prints the batch."""
        from rich.text import Text

        table = self._table()
        for item, result in self.rows:
            name = printable(item.name)
            if isinstance(item.payload, Path) and len(name) > self.item_width:
                name = "…" + name[1 - self.item_width :]  # of a path, the end tells more
            if result.error is not None:
                table = self._print(table)
                self.console.print(Text(f"{name[: self.item_width]}  failed: {result.error}", style="red"))
            elif result.probability is None:
                table.add_row(Text(name), Text("(empty)", style="dim"), "", "")
            else:
                label = Text("unsure", style="yellow") if result.label is None else Text(printable(result.label))
                gauge = Text(bar(result.probability), style="green")
                table.add_row(Text(name), label, percent(result.probability), gauge)
            if result.shortened:
                table = self._print(table)
                self.console.print(Text("  " + Result.to_text(result), style="dim"))
        self._print(table)
        self.rows = []
        _flush_stdout()

    def _table(self):
        from rich.table import Table

        table = Table(box=None, pad_edge=False, show_header=not self.headed, header_style="bold", padding=(0, 2, 0, 0))
        for name, width in (("item", self.item_width), ("label", self.label_width), ("", 7), ("", 8)):
            justify = "right" if width == 7 else "left"
            table.add_column(name, width=width, no_wrap=True, overflow="ellipsis", justify=justify)
        return table

    def _print(self, table):
        """Prints the rows so far; the next ones go to a new table of the same columns."""
        if not table.row_count and self.headed:
            return table
        self.console.print(table)
        self.headed = True
        return self._table()


class Pictures:
    """Beside another writer: each picture with its answer under it, in a folder.

    Names follow the picture's own; two of the same name get a number.
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
        if result.error is not None or not isinstance(item.payload, Path):
            return
        import cv2

        from zoo.data import images

        try:
            drawn = result.draw(images.pixels(item.payload.read_bytes()))
        except (OSError, UserError) as error:  # answered a moment ago: the file has changed
            raise UserError(f"--save: cannot draw on {item.name}: {error}") from None
        suffix = ".jpg" if item.payload.suffix.lower() in (".jpg", ".jpeg") else ".png"
        done, encoded = cv2.imencode(suffix, drawn)
        if not done:
            raise RuntimeError(f"OpenCV could not encode {suffix}")
        with replacing(self.folder / self._name(item.payload, suffix), "wb") as stream:
            stream.write(encoded.tobytes())

    def flush(self) -> None:
        """Nothing waits."""

    def _name(self, path: Path, suffix: str) -> str:
        number, name = 1, f"{path.stem}-answer{suffix}"
        while name in self.taken:
            number += 1
            name = f"{path.stem}-answer-{number}{suffix}"
        self.taken.add(name)
        return name


def columns(top: int) -> list[str]:
    """The columns of a CSV file of classifications with `top` scores."""
    ranks = [f"{name}_{place}" for place in range(2, top + 1) for name in ("label", "probability")]
    return ["label", "probability", *ranks]


def introduce(name: str, labels: Sequence[str]) -> str:
    """Which preset answers, and the only labels it knows: a clothing model calls a cat a pullover."""
    shown = ", ".join(labels[:12]) + (f" and {len(labels) - 12:,} more" if len(labels) > 12 else "")
    return f"{name} knows {len(labels):,} labels: {shown}"


def bar(probability: float, width: int = 8) -> str:
    """A probability as eighths of blocks: 0.5 of width 4 is two blocks."""
    eighths = round(probability * width * 8)
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def printable(text: str) -> str:
    """The text on one line, without characters that would drive the terminal."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text)


def is_terminal(stream: IO | None) -> bool:
    """Whether a person is looking."""
    return stream is not None and stream.isatty()


def _flush_stdout() -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UserError(f"cannot write the output: {error.strerror or error}") from error
