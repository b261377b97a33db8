"""Preset folders: where they are, what is in them, and how one is written whole or not at all.

    NAME/
      config.json              format, name, task, model, arguments, preprocess, labels, data, data_terms
      weights/model.weights.h5 float16 on disk (see `zoo.weights`)
      vocabulary.txt           word presets only: UTF-8, line number = id
      scores.json  history.csv  curve.png  card.md

A preset is data: reading one parses JSON, text and HDF5, and never runs code from it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from zoo.errors import UserError, nearest

FORMAT = 1
ROOT = Path(__file__).parent / "presets"
_REQUIRED = ("name", "task", "model", "arguments", "preprocess", "labels")


def names() -> list[str]:
    """Names of the presets that are shipped with the package."""
    return sorted(path.parent.name for path in ROOT.glob("*/config.json"))


def find(preset: str | os.PathLike) -> Path:
    """The folder of a preset.

    Args:
        preset: A shipped preset's name, or a path to a preset folder.

    Raises:
        UserError: Neither is there; the nearest names are given.
    """
    if str(preset) in names():
        return ROOT / str(preset)
    folder = Path(preset)
    if (folder / "config.json").is_file():
        return folder
    if folder.is_dir():
        hint = ""
        if (folder / "training").is_dir():
            hint = "; its training has not ended: go on with `zoo train ... --resume`"
        raise UserError(f"{folder}: not a preset folder (no config.json in it){hint}")
    raise UserError(f"no preset or preset folder named {str(preset)!r}{nearest(str(preset), names())}")


def read_config(folder: Path) -> dict:
    """The parsed `config.json` of a preset folder.

    Raises:
        UserError: The file is no JSON object, lacks a field, or is of a format that this version does not know.
    """
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid JSON ({error})") from None
    if not isinstance(config, dict):
        raise UserError(f"{path}: expected a JSON object, got {type(config).__name__}")
    if config.get("format") != FORMAT:
        raise UserError(
            f"{path}: preset format {config.get('format')!r} is unknown here; this version reads format {FORMAT}"
        )
    if missing := [key for key in _REQUIRED if key not in config]:
        raise UserError(f"{path}: lacks {', '.join(missing)}")
    return config


def read_scores(folder: Path) -> dict | None:
    """The parsed `scores.json`, or None where the preset has not been evaluated."""
    path = folder / "scores.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def write_json(path: Path, value: object) -> None:
    """Writes `value` as indented UTF-8 JSON with a final newline."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


@contextlib.contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """A folder to write into that takes the place of `folder` when the block ends without an exception.

    What stood at `folder` stays untouched until then; after a failure nothing of the new one is left behind.

    Raises:
        UserError: The place cannot be written, or the disk is full.
    """
    folder = Path(folder)
    partial = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    previous = folder.with_name(f".{folder.name}.previous-{os.getpid()}")
    try:
        partial.mkdir(parents=True)
        yield partial
        if folder.exists():
            folder.rename(previous)
        partial.rename(folder)
        shutil.rmtree(previous, ignore_errors=True)
    except OSError as error:
        if previous.exists() and not folder.exists():
            previous.rename(folder)
        raise UserError(f"cannot write {folder}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
