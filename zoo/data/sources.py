"""Sources of examples: a TFDS name, a folder of class folders, a CSV, TSV or JSON-lines file, the embedded digits."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import numpy as np

from zoo.data import class_names, tfds_sets
from zoo.data.examples import Examples, objects
from zoo.data.images import labelled
from zoo.data.tables import headerless, reader
from zoo.data.tables.frames import Frame, framed, is_frame
from zoo.errors import UserError


def load(
    source: str | os.PathLike,
    split: str | None = None,
    *,
    kind: str,
    text_column: str | None = None,
    path_column: str | None = None,
    label_column: str | None = None,
) -> Examples:
    """Loads labelled examples.

    Args:
        source: "digits" (1,797 handwritten digits that scikit-learn brings), the name of a TFDS data set, a folder
            whose folders are the classes, or a table: .csv, .tsv, .jsonl, each also with .gz, or a data frame.
        split: Of a TFDS data set, its split ("train", "train[:1000]"). Of "digits": "train" or "test". Of a folder
            that is divided so: "train", "validation" or "test"; see `splits`. None: all there is.
        kind: "image" or "text".
        text_column: Name of a table's column of texts; None: "text".
        path_column: Name of a table's column of paths of images; None: "path" or another usual name.
        label_column: Name of a table's column of labels; None: "label".

    Raises:
        NoSplitError: A data set or a folder has no such split.
        UserError: The source is nowhere, empty, or not of the expected form.
    """
    source = framed(source)
    path = source if isinstance(source, Frame) else Path(source)
    if str(source) == "digits":
        return _digits(split)
    if isinstance(path, Path) and path.is_dir():
        if kind != "image":
            raise UserError(f"{path}: expected a table of texts ({', '.join(reader.SUFFIXES[:3])}), got a folder")
        return labelled.from_folder(path, split)
    if reader.is_table(path):
        if kind == "image":
            return labelled.from_table(path, path_column, label_column)
        return _table(path, text_column, label_column)
    if not is_data_set(source):
        expected = f"a table ({', '.join(reader.SUFFIXES[:3])})"
        if kind == "image":
            expected = f"a folder of class folders, or {expected} of paths and labels"
        raise UserError(f"{path}: {'not' if path.exists() else 'no such file;'} expected {expected}")
    return _tfds(str(source), split, kind)


def splits(source: str | os.PathLike) -> tuple[str, ...]:
    """The splits that a person's own data hold, of "train", "validation" and "test"; of all but a folder, none."""
    return labelled.splits(Path(source)) if not is_frame(source) and Path(source).is_dir() else ()


def measured_split(source: object) -> str | None:
    """The split of a person's own data to measure on: "test", else "validation"; None: all of the data."""
    there = splits(source)
    return next((name for name in ("test", "validation") if name in there), None)


def is_data_set(source: object) -> bool:
    """True of a data set's name, and not of a person's own data."""
    return not (reader.is_table(source) or os.sep in str(source) or Path(source).exists())


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


def _table(path: Path | Frame, text_column: str | None, label_column: str | None) -> Examples:
    wanted = {"text": (text_column or "text",), "label": (label_column or "label",)}
    notes: list[str] = []
    # A name that is given is the name of a column: then the first line is no example.
    first = (lambda rows: None) if text_column or label_column else headerless.labelled
    rows = reader.columns(path, [wanted], first, notes)
    for place, (text, label) in rows:
        if not isinstance(text, str):
            raise UserError(f"{path}: {place}: expected a text as {wanted['text'][0]!r}, got {text!r:.60}")
        if not isinstance(label, str | int | float):
            raise UserError(f"{path}: {place}: expected a name as {wanted['label'][0]!r}, got {label!r:.60}")
    if not rows:
        raise UserError(f"{path}: no examples found, the file is empty")
    texts = objects(unicodedata.normalize("NFC", row.values[0]) for row in rows)
    labels, names, more = class_names.counted(row.values[1] for row in rows)
    return Examples(texts, labels, names, str(path), (*notes, *(f"{path}: {note}" for note in more)))


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
