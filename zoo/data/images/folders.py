"""Folders of images as people have them: what is an image in them, and what a system has left there."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from zoo.errors import UserError
from zoo.inputs import image_headers

# Left by macOS in archives, by a NAS (Synology, QNAP), by Windows: folders of copies, thumbnails and deleted files.
_SYSTEMS = frozenset(
    "__macosx @eadir #recycle #snapshot @recycle @recently-snapshot $recycle.bin recycler lost+found".split()
    + ["system volume information", "thumbs.db", "ehthumbs.db", "desktop.ini"]
)
SPLITS = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}


class File(NamedTuple):
    """A file of a folder.

    Attributes:
        path: The folder's name and what follows it.
        kind: "image", "heic" (a photo that is not read), or "other".
    """

    path: str
    kind: str


def visible(name: str) -> bool:
    """True if a person has put a file or folder of this name there: it is not hidden, and no system's."""
    return not name.startswith(".") and name.casefold() not in _SYSTEMS


def files(folder: str | os.PathLike) -> Iterator[File]:
    """The visible files of a folder and of all visible folders in it, in alphabetical order, files before folders."""
    for place, inner, names in os.walk(folder):
        inner[:] = sorted(filter(visible, inner))
        for name in sorted(filter(visible, names)):
            path = os.path.join(place, name)
            yield File(path, kind(path))


def kind(path: str) -> str:
    """The kind of a file, by its content; one with an image's suffix is tried without a look."""
    if not os.path.isfile(path):  # a pipe would wait for ever
        return "other"
    if os.path.splitext(path)[1].lower() in image_headers.SUFFIXES:
        return "image"
    head = _head(path)
    return "image" if image_headers.looks_like_image(head) else "heic" if image_headers.is_heic(head) else "other"


def _head(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(image_headers.HEAD)
    except OSError:
        return b""


def shows_something(paths: list[Path]) -> bool:
    """True if one of the files at least is an image by its content."""
    return any(image_headers.looks_like_image(_head(str(path))) for path in paths)


def by_suffix(paths: list[str]) -> str:
    """Counts files by suffix, in words: "3 .txt, 2 without a suffix".

    Example:
        >>> by_suffix(["a.TXT", "b.txt", "c"])
        '2 .txt, 1 without a suffix'
    """
    counts = Counter(os.path.splitext(path)[1].lower() or "without a suffix" for path in paths)
    return ", ".join(
        f"{count:,} {suffix}" for suffix, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    )


def subfolders(folder: Path) -> list[Path]:
    """The visible folders in a folder."""
    return sorted(child for child in folder.iterdir() if visible(child.name) and child.is_dir())


def splits(folder: Path) -> dict[str, Path]:
    """The folders of the class folders of "train", "validation" and "test", where a folder is divided so.

    It is not where the names stand for classes: no class folders in them, or other folders with images beside a single
    one of them.

    Raises:
        UserError: Two folders stand for the same split: val and valid.
    """
    there = subfolders(folder)
    found: dict[str, Path] = {}
    for split, names in SPLITS.items():
        inner = [child for child in there if child.name.lower() in names and subfolders(child)]
        if len(inner) > 1:
            raise UserError(
                f"{folder}: {inner[0].name} and {inner[1].name} both stand for {split}; expected one of them"
            )
        if inner:
            found[split] = inner[0]
    others = [child for child in there if child not in found.values()]
    if len(found) == 1 and any(file.kind == "image" for child in others for file in files(child)):
        return {}
    return found


def beside(folder: Path) -> Iterator[File]:
    """The visible files in a folder itself."""
    names = sorted(child.name for child in folder.iterdir() if visible(child.name) and child.is_file())
    return (File(str(folder / name), kind(str(folder / name))) for name in names)


def composed(name: str) -> str:
    """A name with accents as most systems and keyboards write them."""
    return unicodedata.normalize("NFC", name)


def decomposed(name: str) -> str:
    """A name with accents as macOS writes them, apart from their letters."""
    return unicodedata.normalize("NFD", name)
