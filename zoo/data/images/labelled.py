"""Labelled images in files: a folder for each class, or a table of paths and labels."""

from __future__ import annotations

import os
from pathlib import Path

from zoo.data import class_names
from zoo.data.examples import Examples, objects
from zoo.data.images import folders
from zoo.data.tables import reader
from zoo.data.tables.frames import Frame
from zoo.errors import NoSplitError, UserError
from zoo.inputs import image_headers

# Names that the column of paths may have.
PATHS = ("path", "file", "filename", "file_name", "filepath", "file_path", "image", "image_path", "img", "img_path")


def splits(folder: Path) -> tuple[str, ...]:
    """The splits that a folder holds, of "train", "validation" and "test", each with class folders of its own."""
    return tuple(folders.splits(folder))


def from_folder(folder: Path, split: str | None) -> Examples:
    """The images of class folders.

    Args:
        folder: It holds the class folders, or folders train, val (valid, validation), test that hold them.
        split: Which of these; None for all of them.

    Raises:
        NoSplitError: The folder is divided, and the split is not there.
        UserError: No class folder, or no image in any.
    """
    divided = folders.splits(folder)
    if not divided:
        return _classes(folder, [folder])
    if split is None:
        return _classes(folder, list(divided.values()))
    if split not in divided:
        there = ", ".join(inner.name for inner in divided.values())
        raise NoSplitError(f"{folder}: no folder {folders.SPLITS[split][0]!r} of class folders; there are: {there}")
    inner = divided[split]
    return _classes(inner, [inner], f"{folder} is divided: its folder {inner.name!r} is taken for {split}.")


def _classes(source: Path, places: list[Path], *notes: str) -> Examples:
    classes = [child for place in places for child in folders.subfolders(place)]
    if not classes:
        raise UserError(f"{source}: expected a folder for each class with its images in it, found no folder")
    paths, labels, hollow, others, heic = [], [], [], [], False
    for child in classes:
        images = []
        for file in folders.files(child):
            heic = heic or file.kind == "heic"
            (images if file.kind == "image" else others).append(file.path)
        images = sorted(map(Path, images))
        if folders.shows_something(images):
            paths += images
            labels += [child.name] * len(images)
        else:
            others += map(str, images)
            hollow.append(child.name)
    told = [f"Left out, as they are no images: {folders.by_suffix(others)}."] if others else []
    if heic:
        told.append(f"HEIC photos are not read: {image_headers.TO_JPEG}.")
    if not paths:
        raise UserError(" ".join([f"{source}: no image found in its {len(classes)} folders.", *told]))
    if hollow:
        told.append(f"Without an image, and no class: {', '.join(map(repr, hollow))}.")
    loose = [file.path for place in places for file in folders.beside(place) if file.kind == "image"]
    if loose:
        told.append(f"Left out, as they stand beside the class folders: {folders.by_suffix(loose)}.")
    found, names, more = class_names.counted(labels)
    told = [f"{source}: {one}" for one in [*told, *more]]
    return Examples(objects(paths), found, names, str(source), (*notes, *told))


def from_table(path: Path | Frame, path_column: str | None, label_column: str | None) -> Examples:
    """The images that a table names, by paths that begin where the table stands.

    Raises:
        UserError: No such table or column, or none of its images is there.
    """
    wanted = {"path": (path_column,) if path_column else PATHS, "label": (label_column or "label",)}
    notes: list[str] = []
    # A name that is given is the name of a column: then the first line is no example.
    first = (lambda rows: None) if path_column or label_column else (lambda rows: _headerless(path.parent, rows))
    rows = reader.columns(path, [wanted], first, notes)
    found, labels, missing = [], [], []
    for place, (name, label) in rows:
        if not isinstance(name, str | os.PathLike) or not isinstance(label, str | int | float):
            raise UserError(f"{path}: {place}: expected a path and a label, got {name!r:.60} and {label!r:.60}")
        name = os.fspath(name)
        file = _file(path.parent, name.strip())
        if file is None:
            missing.append(f"{name.strip()} ({place})")
        found.append(file or path.parent / name.strip())  # one that is missing fails where it is read
        labels.append(label)
    if missing and len(missing) == len(found):
        more = f", and {len(missing) - reader.TOLD:,} more" if len(missing) > reader.TOLD else ""
        told = f"no such file: {', '.join(missing[: reader.TOLD])}{more}"
        begin = "the current folder" if isinstance(path, Frame) else f"the table's own folder, {path.parent}"
        raise UserError(f"{path}: {told}; paths begin at {begin}")
    if not found:
        raise UserError(f"{path}: no examples found, the file is empty")
    indices, names, more = class_names.counted(labels)
    return Examples(objects(found), indices, names, str(path), (*notes, *more))


def _headerless(folder: Path, rows: list[list[str]]) -> reader.Headerless | None:
    """A first line of two fields, one of which is a file, is an example."""
    if len(rows[0]) != 2:
        return None
    there = [_file(folder, cell.strip()) is not None for cell in rows[0]]
    if not any(there):
        return None
    path = there.index(True)
    note = f"has an example in its first line: the path stands in column {path + 1}, the label in column {2 - path}."
    return reader.Headerless((path, 1 - path), note)


def _file(folder: Path, name: str) -> Path | None:
    """The file of that name: with the separators of Windows, and with accents composed or not, too."""
    for way in (str, folders.composed, folders.decomposed):
        for spelled in (name, name.replace("\\", "/")):
            if name and (path := folder / way(spelled)).is_file():
                return path
    return None
