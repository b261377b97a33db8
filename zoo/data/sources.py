"""Sources of examples: a TFDS name, a folder of class folders, a CSV, TSV or JSON-lines file, the embedded digits."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from zoo.data import headers
from zoo.data.examples import Examples
from zoo.errors import UserError, nearest

TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl", ".csv.gz", ".tsv.gz", ".jsonl.gz")


def load(
    source: str | os.PathLike,
    split: str | None = None,
    *,
    kind: str,
    text_column: str = "text",
    label_column: str = "label",
) -> Examples:
    """Loads labelled examples.

    Args:
        source: "digits" (1,797 handwritten digits that scikit-learn brings), the name of a TFDS data set, a folder
            whose folders are the classes, or a table: .csv, .tsv, .jsonl, each also with .gz.
        split: Of a TFDS data set, its split ("train", "train[:1000]"). Of "digits": "train" or "test". Of a folder,
            a folder in it that holds the class folders, if there is one. None: all there is.
        kind: "image" or "text".
        text_column: Name of a table's column of texts.
        label_column: Name of a table's column of labels.

    Raises:
        UserError: The source is nowhere, empty, or not of the expected form.
    """
    path = Path(source)
    if str(source) == "digits":
        return _digits(split)
    if path.is_dir():
        if kind != "image":
            raise UserError(f"{path}: expected a table of texts ({', '.join(TABLE_SUFFIXES[:3])}), got a folder")
        inner = path / split if split else path
        if not inner.is_dir() or not _subfolders(inner):
            return _folder(path)
        note = f"{path} holds a folder {split!r} of class folders: only that is taken." if split else ""
        return replace(_folder(inner), notes=(note,) if note else ())
    if str(source).endswith(TABLE_SUFFIXES):
        if not path.is_file():
            raise UserError(f"{path}: no such file")
        if kind != "text":
            raise UserError(f"{path}: expected a folder of class folders with images, got a table")
        return _table(path, text_column, label_column)
    if path.exists() or os.sep in str(source):
        expected = "a folder of class folders" if kind == "image" else f"a table ({', '.join(TABLE_SUFFIXES[:3])})"
        raise UserError(f"{path}: {'not' if path.exists() else 'no such file;'} expected {expected}")
    return _tfds(str(source), split, kind)


def _digits(split: str | None) -> Examples:
    """Every fifth digit of scikit-learn's set is the test split: 1,437 and 360 images of 8 x 8 pixels."""
    import cv2
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = np.round(digits.images * (255 / 16)).astype(np.uint8)  # N 8 8, scikit-learn counts 0..16
    raw = _objects(cv2.imencode(".png", image)[1].tobytes() for image in pixels)
    examples = Examples(raw, digits.target.astype(np.int32), tuple("0123456789"), "digits")
    test = np.arange(len(examples)) % 5 == 4
    return examples if split is None else examples.take(test if split == "test" else ~test)


def _folder(folder: Path) -> Examples:
    classes = _subfolders(folder)
    if not classes:
        raise UserError(f"{folder}: expected a folder for each class with its images in it, found no folder")
    paths, labels = [], []
    for label, child in enumerate(classes):
        for path in sorted(child.rglob("*")):
            if path.suffix.lower() in headers.SUFFIXES and path.is_file():
                paths.append(path)
                labels.append(label)
    if not paths:
        raise UserError(
            f"{folder}: no image found in its {len(classes)} folders ({', '.join(sorted(headers.SUFFIXES))})"
        )
    return Examples(_objects(paths), np.array(labels, np.int32), tuple(c.name for c in classes), str(folder))


def _subfolders(folder: Path) -> list[Path]:
    return sorted(child for child in folder.iterdir() if child.is_dir() and not child.name.startswith("."))


def _table(path: Path, text_column: str, label_column: str) -> Examples:
    texts, labels, notes = [], [], []
    for number, (text, label) in _rows(path, text_column, label_column, notes):
        if not text or not text.strip() or label is None or not str(label).strip():
            raise UserError(f"{path}: row {number} has no {'label' if text and text.strip() else 'text'}")
        texts.append(text)
        labels.append(str(label).strip())
    if not texts:
        raise UserError(f"{path}: no examples found, the file is empty")
    names = sorted(set(labels), key=lambda name: (not name.isdigit(), int(name) if name.isdigit() else 0, name))
    index = {name: i for i, name in enumerate(names)}
    return Examples(
        _objects(texts), np.array([index[name] for name in labels], np.int32), tuple(names), str(path), tuple(notes)
    )


def _rows(
    path: Path, text_column: str, label_column: str, notes: list[str]
) -> Iterator[tuple[int, tuple[str, object]]]:
    """Numbered pairs of text and label; a headerless file of two columns is taken as label and text or text and label
    by which of the two repeats itself, and `notes` gets a sentence about it."""
    content = path.read_bytes()
    try:
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        lines = content.decode("utf-8-sig")
    except (gzip.BadGzipFile, EOFError) as error:
        raise UserError(f"{path}: not a whole gzip file ({error})") from None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}: line {line} is not valid UTF-8; save the file as UTF-8") from None
    if ".jsonl" in path.suffixes:
        yield from _json_rows(path, lines, text_column, label_column)
        return
    tabs = ".tsv" in path.suffixes
    # A TSV holds bare quotation marks; only a CSV quotes its fields.
    reader = csv.reader(
        io.StringIO(lines, newline=""),
        delimiter="\t" if tabs else ",",
        quoting=csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL,
    )
    csv.field_size_limit(2**31 - 1)
    try:
        rows = [row for row in reader if row]
    except csv.Error as error:
        raise UserError(f"{path}: line {reader.line_num}: {error}") from None
    if not rows:
        return
    header = [name.strip() for name in rows[0]]
    if text_column in header and label_column in header:
        text, label, first = header.index(text_column), header.index(label_column), 1
    elif (headerless := _headerless(rows)) and not {text_column, label_column} & set(header):
        text, label, first = *headerless, 0
        notes.append(
            f"{path} has no column {text_column!r} in its first line, which is taken for an example: "
            f"the text stands in column {text + 1}, the label in column {label + 1}."
        )
    else:
        wanted = text_column if text_column not in header else label_column
        option = "--text-column" if wanted == text_column else "--label-column"
        raise UserError(f"{path}: no column {wanted!r}{nearest(wanted, header)} Name it by {option}.")
    for number, row in enumerate(rows[first:], first + 1):
        if len(row) <= max(text, label):
            raise UserError(f"{path}: row {number} has {len(row)} of the expected {len(header)} columns")
        yield number, (row[text], row[label])


def _headerless(rows: list[list[str]]) -> tuple[int, int] | None:
    """The places of text and label in a file that begins with an example; None where its first line is a header."""
    if len(rows[0]) != 2:
        return None
    columns = list(zip(*(row for row in rows if len(row) == 2), strict=True))
    text, label = (1, 0) if len(set(columns[0])) < len(set(columns[1])) else (0, 1)
    name, *labels = columns[label]
    if name not in labels and len(labels) >= 5 * len(set(labels)):  # a label that nothing else has, among few
        return None
    return text, label


def _json_rows(path: Path, lines: str, text_column: str, label_column: str) -> Iterator[tuple[int, tuple[str, object]]]:
    for number, line in enumerate(lines.split("\n"), 1):  # JSON may hold U+2028, at which splitlines cuts
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise UserError(f"{path}: line {number} is not JSON ({error})") from None
        for column in (text_column, label_column):
            if not isinstance(row, dict) or column not in row:
                hint = nearest(column, row) if isinstance(row, dict) else "; expected an object."
                raise UserError(f"{path}: line {number} has no {column!r}{hint}")
        text, label = row[text_column], row[label_column]
        if not isinstance(text, str | None) or not isinstance(label, str | int | float | None):
            wrong, kind = (text_column, "a text") if not isinstance(text, str | None) else (label_column, "a name")
            raise UserError(f"{path}: line {number}: expected {kind} as {wrong!r}, got {row[wrong]!r:.60}")
        yield number, (text, label)


def _tfds(name: str, split: str | None, kind: str) -> Examples:
    """A TFDS data set, held in memory as raw examples: images stay encoded.

    With `ZOO_DATA_DIR` set, its folder `tfds/` is the data_dir and nothing is downloaded."""
    import tensorflow_datasets as tfds

    root = os.environ.get("ZOO_DATA_DIR")
    data_dir = os.path.join(root, "tfds") if root else None
    nowhere = (
        f"the data set {name!r} is not here: set ZOO_DATA_DIR to a folder whose tfds/ holds it, "
        "or unset it and be online for TFDS to download it"
    )
    try:
        builder = tfds.builder(name, data_dir=data_dir)
    except (tfds.core.DatasetNotFoundError, FileNotFoundError):
        known = nearest(name, ["digits", *tfds.list_builders(with_community_datasets=False)])
        raise UserError(f"{name!r} is no file, no folder and no TFDS data set{known}") from None
    if not builder.data_path.exists():
        if root:
            raise UserError(nowhere)
        if sys.stderr is None or not sys.stderr.isatty():
            tfds.disable_progress_bar()
        try:
            builder.download_and_prepare()
        except (OSError, tfds.download.DownloadError) as error:  # requests' own exceptions are OSErrors
            raise UserError(f"{nowhere} ({type(error).__name__}: {str(error).splitlines()[0][:120]})") from error
    features = builder.info.features
    wanted = tfds.features.Image if kind == "image" else tfds.features.Text
    inputs = [key for key, feature in features.items() if isinstance(feature, wanted)]
    targets = [key for key, feature in features.items() if isinstance(feature, tfds.features.ClassLabel)]
    if not inputs or not targets:
        raise UserError(f"{name}: expected features of {kind} and class label, it has {', '.join(features)}")
    decoders = {inputs[0]: tfds.decode.SkipDecoding()} if kind == "image" else None
    try:
        dataset = builder.as_dataset(split=split, decoders=decoders, shuffle_files=False)
    except ValueError as error:
        raise UserError(f"{name}: no split {split!r}{nearest(str(split), builder.info.splits)}") from error
    datasets = dataset.values() if isinstance(dataset, dict) else [dataset]
    raw, labels = [], []
    for part in datasets:
        for record in part.as_numpy_iterator():
            value = record[inputs[0]]
            raw.append(value if kind == "image" else value.decode())
            labels.append(record[targets[0]])
    return Examples(_objects(raw), np.array(labels, np.int32), tuple(features[targets[0]].names), name)


def _objects(values: Sequence | Iterator) -> np.ndarray:
    """A one-dimensional array of objects: numpy would make fixed-width strings, or look into sequences."""
    values = list(values)
    array = np.empty(len(values), object)
    array[:] = values
    return array
