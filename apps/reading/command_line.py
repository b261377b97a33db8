"""Items of the command line, one after the other, however many there are.

Image applications take files, folders and globs; text applications take texts, files of one text a line, and tables.
A bad item becomes an exception in its place; what is wrong with the whole command is raised at once.
"""

from __future__ import annotations

import argparse
import dataclasses
import glob
import itertools
import os
import select
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, BinaryIO

from apps.reading import text_columns
from zoo.data.images import folders
from zoo.data.tables.reader import UTF16, is_table, is_utf16
from zoo.errors import UserError

_PATIENCE = 3  # seconds after which a standard input that nobody named is said to be waited for
LONGEST_LINE = 64 * 2**20  # bytes; a stream without line ends must not fill the memory
LARGEST_FILE = 2**30  # bytes of one image file; a decoded one has at most 300 MB


@dataclasses.dataclass(frozen=True)
class Item:
    """One thing to answer.

    Attributes:
        name: What is shown for it: the path of an image, or the text itself.
        payload: A `Path` of a file, a `str` of text, several of these by the names of their fields, or the exception
            that says why there is none.
    """

    name: str
    payload: Path | str | Mapping[str, Path | str] | Exception


def add_image_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the items of an image application."""
    parser.add_argument(
        "items",
        metavar="ITEM",
        nargs="*",
        help="image file, folder, or glob; - reads paths from stdin, one a line, and so does no ITEM in a pipe",
    )


def add_text_arguments(parser: argparse.ArgumentParser, documents: bool = False) -> None:
    """Adds the items of a text application; `documents` where a file is one item, unless told otherwise."""
    held = "are one document each" if documents else "hold one item a line"
    parser.add_argument(
        "items",
        metavar="ITEM",
        nargs="*",
        help="a text, unless it names an existing file or a glob that matches; a .txt file, and stdin, "
        f"{held}. - reads stdin, and so does no ITEM in a pipe",
    )
    if documents:
        parser.add_argument("--lines", action="store_true", help="take each line of a file, and of stdin, for an item")
    parser.add_argument("--text", metavar="T", nargs="+", action="extend", default=[], help="texts, whatever they name")
    parser.add_argument("--csv", metavar="F", help="table of texts: .csv, .tsv or .jsonl")
    parser.add_argument("--column", metavar="C", default="text", help="column of the table (default: %(default)s)")


def images(arguments: argparse.Namespace, stdin: BinaryIO | None = None) -> Iterator[Item]:
    """The images that the arguments name, folders in alphabetical order.

    Raises:
        UserError: At once, where nothing is named, and standard input is a terminal, closed or empty.
    """
    named = arguments.items
    if not named:
        wanted = "name image files, folders or globs, or - for paths on stdin"
        named, stdin = ["-"], _unnamed(stdin, wanted, "paths of images", arguments)
    return itertools.chain.from_iterable(_images(item, stdin) for item in named)


def texts(arguments: argparse.Namespace, stdin: BinaryIO | None = None, documents: bool = False) -> Iterator[Item]:
    """The texts that the arguments name: ITEMs, then --text, then --csv.

    Args:
        arguments: What the person asked for.
        stdin: In place of the process's own.
        documents: Whether a file that is no table is one text, however many lines it has.

    Raises:
        UserError: At once, where nothing is named, and standard input is a terminal, closed or empty; or the table or
            its column is missing.
    """
    named = arguments.items
    if not (named or arguments.text or arguments.csv):
        held = "a document" if documents else "lines"
        wanted = f"give texts or files, --csv F, or - for {held} on stdin"
        named, stdin = ["-"], _unnamed(stdin, wanted, f"{held} of text" if held == "lines" else held, arguments)
    parts = [_texts(item, arguments.column, stdin, documents) for item in named]
    parts.append(text_item(text, text) for text in arguments.text)
    if arguments.csv:
        try:
            parts.append(_column(arguments.csv, arguments.column))
        except UserError as error:
            raise UserError(f"--csv {arguments.csv}: {error}") from None
    return itertools.chain.from_iterable(parts)


def read_payload(item: Item) -> bytes | str | dict[str, bytes | str] | Exception:
    """The item as a task takes it: the bytes of a file, the text, or its fields; an exception stays one."""
    if not isinstance(item.payload, Mapping):
        return _read(item.payload)
    read = {name: _read(value) for name, value in item.payload.items()}
    for name, value in read.items():
        if isinstance(value, Exception):
            return UserError(f"{name}: {value}")
    return read


def _read(payload: Path | str | Exception) -> bytes | str | Exception:
    """The bytes of a file; anything else stays as it is."""
    if not isinstance(payload, Path):
        return payload
    try:
        with open(payload, "rb") as stream:
            about = os.fstat(stream.fileno())
            size = about.st_size
            if size <= LARGEST_FILE:  # a device or a pipe tells no size, and may have no end
                content = stream.read() if stat.S_ISREG(about.st_mode) else stream.read(LARGEST_FILE + 1)
                size = len(content)
        if size > LARGEST_FILE:
            return UserError(f"the file has {size / 2**30:.1f} GiB, which no image needs; at most 1 GiB is read")
        return content
    except OSError as error:
        return UserError(f"cannot be read: {error.strerror}")


def batches(items: Iterable[Item], size: int, wait: float = 0.2) -> Iterator[list[Item]]:
    """Groups items that a thread reads ahead, so that slow input is answered as it comes.

    Args:
        items: Read in a thread of its own, at most twice `size` ahead of what is taken.
        size: Most items of a group.
        wait: Seconds after its first item at which a smaller group is handed out.

    Yields:
        Lists of 1 to `size` items.
    """
    ready = threading.Condition()
    waiting: list[Item] = []
    end: list[BaseException | None] = []  # holds one element when there is nothing more to come
    abandoned = False

    def read():
        problem = None
        try:
            for item in items:
                with ready:
                    while len(waiting) >= 2 * size and not abandoned:
                        ready.wait()
                    if abandoned:
                        return
                    waiting.append(item)
                    if len(waiting) in (1, size):  # a waking for each item would cost more than reading it
                        ready.notify_all()
        except Exception as error:  # noqa: BLE001 - raised again below, where it is seen
            problem = error
        with ready:
            end.append(problem)
            ready.notify_all()

    threading.Thread(target=read, name="inputs", daemon=True).start()
    try:
        while True:
            with ready:
                ready.wait_for(lambda: waiting or end)
                if not waiting:
                    break
                deadline = time.monotonic() + wait
                while len(waiting) < size and not end and ready.wait(max(0.0, deadline - time.monotonic())):
                    pass
                batch = waiting[:size]
                del waiting[:size]
                ready.notify_all()
            yield batch
    finally:
        with ready:
            abandoned = True
            ready.notify_all()
    if end[0] is not None:
        raise end[0]


def _images(item: str, stdin: BinaryIO | None) -> Iterator[Item]:
    if item == "-":
        yield from _paths(stdin)
    elif os.path.isdir(item):
        yield from _folder(item)
    elif os.path.exists(item):
        yield Item(item, Path(item))
    elif found := _matches(item):
        seen: list[str] = []  # folders; what ** finds in them has been given
        for path in found:
            if os.path.isdir(path) and not path.startswith(tuple(seen)):
                seen.append(os.path.join(path, ""))
                yield from _folder(path)
            elif not path.startswith(tuple(seen)):
                yield Item(path, Path(path))
    else:
        what = "no file matches" if glob.has_magic(item) else "no such file or folder"
        yield Item(item, UserError(f"{what}; expected an image file, a folder of images, or a glob"))


def _folder(folder: str) -> Iterator[Item]:
    empty, others = True, []
    for path, kind in folders.files(folder):
        if kind == "other":
            others.append(path)
        else:  # of a photo that is not read, the answer says how it can be
            empty = False
            yield Item(path, Path(path))
    left_out = f"left out: {folders.by_suffix(others)}" if others else "no file at all"
    if empty:
        yield Item(folder, UserError(f"no image in this folder ({left_out})"))
    elif others and sys.stderr is not None and sys.stderr.isatty():
        print(f"zoo: {folder}: no images, {left_out}", file=sys.stderr)


def _paths(stdin: BinaryIO | None) -> Iterator[Item]:
    for number, line in enumerate(_lines(_standard(stdin))):
        if isinstance(line, Exception):
            yield Item("-", line)
            return
        if number == 0 and is_utf16(line):
            yield Item("-", UserError(UTF16))
            return
        if number == 0 and line.startswith((b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF", b"BM")):
            yield Item("-", UserError("stdin holds an image; expected paths of images, one a line"))
            return
        if line:
            yield from _images(os.fsdecode(line), None) if line != b"-" else []


def _texts(item: str, column: str, stdin: BinaryIO | None, documents: bool) -> Iterator[Item]:
    read = _document if documents else _lines_of_text
    if item == "-":
        yield from read(_standard(stdin), "-")
    elif os.path.exists(item) and not os.path.isdir(item):
        yield from _text_file(item, column, read)
    elif found := [path for path in _matches(item) if not os.path.isdir(path)]:
        for path in found:
            yield from _text_file(path, column, read)
    elif _meant_as_file(item, documents):
        what = "is a folder, expected a file of texts" if os.path.isdir(item) else "no such file"
        yield Item(item, UserError(f"{what}; if it is meant as a text, give it by --text"))
    else:
        yield text_item(item, item)


def _meant_as_file(item: str, documents: bool) -> bool:
    """True if an ITEM that is no file was hardly meant as a text; a document is more than one word."""
    if os.sep in item or item.lower().endswith(".txt") or is_table(item):
        return True
    one_word_with_a_suffix = len(item.split()) == 1 and os.path.splitext(item)[1].strip(".").isalnum()
    return documents and (os.path.isdir(item) or one_word_with_a_suffix)


def _matches(item: str) -> list[str]:
    if not glob.has_magic(item):
        return []
    named = item.split(os.sep)  # what the person has spelled out is meant, hidden or not
    return [
        path
        for path in sorted(glob.glob(item, recursive=True))
        if all(folders.visible(part) or part.startswith(".") or part in named for part in path.split(os.sep))
    ]


def _column(path: str, column: str) -> Iterator[Item]:
    """The texts of a column of a table; raises at once where there is none."""
    rows = text_columns.rows(path, [column])
    return (Item(place, one) if isinstance(one, Exception) else text_item(*one, *one) for place, one in rows)


def text_item(name: str, text: str | Exception) -> Item:
    """A text as an item, a bad one where it holds bytes that are no UTF-8."""
    try:
        if isinstance(text, str):
            text.encode()
    except UnicodeEncodeError as error:  # bytes that are no UTF-8, escaped by Python
        text = UserError(f"not valid UTF-8 at character {error.start + 1}")
    return Item(name, text)


def _text_file(path: str, column: str, read: Callable[[BinaryIO, str], Iterator[Item]]) -> Iterator[Item]:
    try:
        if is_table(path):
            yield from _column(path, column)
        else:
            with open(path, "rb") as stream:
                yield from read(stream, path)
    except UserError as error:
        yield Item(path, error)
    except OSError as error:
        yield Item(path, UserError(f"cannot be read: {error.strerror or error}"))


def _lines_of_text(stream: BinaryIO, name: str) -> Iterator[Item]:
    for number, line in enumerate(_lines(stream), start=1):
        if isinstance(line, Exception):
            yield Item(f"{name}, line {number}", line)
            continue
        if number == 1:
            if problem := _no_text(line, "one item a line"):
                yield Item(name, problem)
                return
            line = line.removeprefix(b"\xef\xbb\xbf")
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            yield Item(line.decode(errors="backslashreplace"), _not_utf8(error, number))
        else:
            yield Item(text, text)


def _document(stream: BinaryIO, name: str) -> Iterator[Item]:
    content = stream.read(LONGEST_LINE + 1)
    if len(content) > LONGEST_LINE:
        yield Item(name, UserError(f"the document is longer than {LONGEST_LINE // 2**20} MiB"))
    elif problem := _no_text(content, "a document"):
        yield Item(name, problem)
    else:
        try:
            yield Item(name, content.removeprefix(b"\xef\xbb\xbf").decode())
        except UnicodeDecodeError as error:
            yield Item(name, _not_utf8(error, error.object.count(b"\n", 0, error.start) + 1))


def _no_text(content: bytes, expected: str) -> UserError | None:
    """The error for a file that is no text from its start; None for a text."""
    if is_utf16(content):
        return UserError(UTF16)
    return UserError(f"not a text file; expected UTF-8, {expected}") if b"\0" in content else None


def _not_utf8(error: UnicodeDecodeError, line: int) -> UserError:
    position = error.start - error.object.rfind(b"\n", 0, error.start)
    return UserError(f"line {line} is not valid UTF-8: byte 0x{error.object[error.start]:02x} at position {position}")


def _lines(stream: BinaryIO) -> Iterator[bytes | Exception]:
    """Lines without their ends; an exception in place of one that is too long."""
    while line := stream.readline(LONGEST_LINE + 2):
        if line.endswith(b"\n"):
            yield line[:-2] if line.endswith(b"\r\n") else line[:-1]
        elif len(line) <= LONGEST_LINE:
            yield line
        else:
            while (rest := stream.readline(2**20)) and not rest.endswith(b"\n"):
                pass
            yield UserError(f"the line is longer than {LONGEST_LINE // 2**20} MiB")


def _unnamed(stdin: BinaryIO | None, wanted: str, content: str, arguments: argparse.Namespace) -> BinaryIO:
    """Standard input where nobody named it; its first bytes have come.

    A process that another one started may have inherited a standard input that nobody writes to and nobody closes.
    Like `grep` and `wc` it then waits; after a moment it says so, so that a log tells what it waits for.

    Args:
        stdin: In place of the process's own.
        wanted: What could have been named.
        content: What it is read for.
        arguments: What the person asked for; `quiet` waits without a word.

    Raises:
        UserError: It is a terminal, closed or empty: there is nothing to do.
    """
    if stdin is None:
        if not _is_piped(sys.stdin):
            raise UserError(f"nothing to do: {wanted}")
        stdin = _standard(None)
        if not (select.select([stdin], [], [], _PATIENCE)[0] or getattr(arguments, "quiet", False)):
            print(f"zoo: nothing is named: waiting for {content} on standard input", file=sys.stderr)
    if not stdin.peek(1):
        raise UserError(f"nothing to do: standard input is empty; {wanted}")
    return stdin


def _is_piped(stream: IO | None) -> bool:
    """True if a stream is a pipe, a file or a socket: neither a terminal nor closed nor a stand-in without a file."""
    try:
        return stream is not None and not os.isatty(stream.fileno())
    except (OSError, ValueError):
        return False


def _standard(stdin: BinaryIO | None) -> BinaryIO:
    """Standard input through a buffer of the reading thread's own: Python's cannot be closed while a thread waits."""
    if stdin is not None:
        return stdin
    if sys.stdin is None:
        raise UserError("- reads stdin, which is closed")
    return open(sys.stdin.fileno(), "rb", closefd=False)
