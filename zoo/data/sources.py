"""Sources of examples: a TFDS name, a folder of class folders, a CSV, TSV or JSON-lines file, the embedded digits."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from zoo.data import headers, tables, tfds_sets
from zoo.data.examples import Examples, objects
from zoo.errors import UserError


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
            raise UserError(f"{path}: expected a table of texts ({', '.join(tables.SUFFIXES[:3])}), got a folder")
        inner = path / split if split else path
        if not inner.is_dir() or not _subfolders(inner):
            return _folder(path)
        note = f"{path} holds a folder {split!r} of class folders: only that is taken." if split else ""
        return replace(_folder(inner), notes=(note,) if note else ())
    if str(source).endswith(tables.SUFFIXES):
        if kind != "text" and path.is_file():
            raise UserError(f"{path}: expected a folder of class folders with images, got a table")
        return _table(path, text_column, label_column)
    if path.exists() or os.sep in str(source):
        expected = "a folder of class folders" if kind == "image" else f"a table ({', '.join(tables.SUFFIXES[:3])})"
        raise UserError(f"{path}: {'not' if path.exists() else 'no such file;'} expected {expected}")
    return _tfds(str(source), split, kind)


def _digits(split: str | None) -> Examples:
    """Every fifth digit of scikit-learn's set is the test split: 1,437 and 360 images of 8 x 8 pixels."""
    import cv2
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = np.round(digits.images * (255 / 16)).astype(np.uint8)  # N 8 8, scikit-learn counts 0..16
    raw = objects(cv2.imencode(".png", image)[1].tobytes() for image in pixels)
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
    return Examples(objects(paths), np.array(labels, np.int32), tuple(c.name for c in classes), str(folder))


def _subfolders(folder: Path) -> list[Path]:
    return sorted(child for child in folder.iterdir() if child.is_dir() and not child.name.startswith("."))


def _table(path: Path, text_column: str, label_column: str) -> Examples:
    table = tables.read(path)
    texts, labels, notes = [], [], []
    for number, (text, label) in table.columns({"text": text_column, "label": label_column}, _headerless, notes):
        if not isinstance(text, str | None) or not isinstance(label, str | int | float | None):
            wrong, kind, value = (
                (text_column, "a text", text) if not isinstance(text, str | None) else (label_column, "a name", label)
            )
            raise UserError(f"{path}: line {number}: expected {kind} as {wrong!r}, got {value!r:.60}")
        if not text or not text.strip() or label is None or not str(label).strip():
            raise UserError(f"{path}: row {number} has no {'label' if text and text.strip() else 'text'}")
        texts.append(text)
        labels.append(str(label).strip())
    if not texts:
        raise UserError(f"{path}: no examples found, the file is empty")
    names = sorted(set(labels), key=lambda name: (not name.isdigit(), int(name) if name.isdigit() else 0, name))
    index = {name: i for i, name in enumerate(names)}
    return Examples(
        objects(texts), np.array([index[name] for name in labels], np.int32), tuple(names), str(path), tuple(notes)
    )


def _headerless(rows: list[list[str]]) -> tuple[int, int] | None:
    """The places of text and label in a file that begins with an example, by which of its two columns repeats itself;
    None where its first line is a header."""
    if len(rows[0]) != 2:
        return None
    columns = list(zip(*(row for row in rows if len(row) == 2), strict=True))
    text, label = (1, 0) if len(set(columns[0])) < len(set(columns[1])) else (0, 1)
    name, *labels = columns[label]
    if name not in labels and len(labels) >= 5 * len(set(labels)):  # a label that nothing else has, among few
        return None
    return text, label


def _tfds(name: str, split: str | None, kind: str) -> Examples:
    """A TFDS data set, held in memory as raw examples: images stay encoded."""
    import tensorflow_datasets as tfds

    builder = tfds_sets.open_set(name, own=("digits",))
    features = builder.info.features
    wanted = tfds.features.Image if kind == "image" else tfds.features.Text
    inputs = [key for key, feature in features.items() if isinstance(feature, wanted)]
    targets = [key for key, feature in features.items() if isinstance(feature, tfds.features.ClassLabel)]
    if not inputs or not targets:
        raise UserError(f"{name}: expected features of {kind} and class label, it has {', '.join(features)}")
    decoders = {inputs[0]: tfds.decode.SkipDecoding()} if kind == "image" else None
    raw, labels = [], []
    for record in tfds_sets.records(builder, split, decoders):
        value = record[inputs[0]]
        raw.append(value if kind == "image" else value.decode())
        labels.append(record[targets[0]])
    return Examples(objects(raw), np.array(labels, np.int32), tuple(features[targets[0]].names), name)
