"""Preset folders: where they are, what is in them, and how one is written whole or not at all.

    NAME/
      config.json              format, name, task, app (its application), model, arguments, preprocess, data,
                               data_terms; of a classifier labels, of a model that writes decoding, of a translation
                               languages; of a shipped preset about and limits; where answers are marked confidence
                               (see `zoo.tasks.confidence`)
      confidence.npz           what that is computed with
      weights/model.weights.h5 float16 on disk (see `zoo.weights`)
      vocabulary.txt           word presets only: UTF-8, line number = id
      tokenizer.spm            SentencePiece presets only
      trained.npy              fingerprints of the user's own training examples
      scores.json  history.csv  curve.png  card.md

A preset is data: reading one parses JSON, text and HDF5, and never runs code from it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from zoo import task_catalog
from zoo.errors import UserError, nearest

FORMAT = 1
ROOT = Path(__file__).parent / "presets"
_REQUIRED = {"name": str, "task": str, "model": str, "arguments": dict, "preprocess": dict}


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
    config = _read_json(path)
    if config.get("format") != FORMAT:
        raise UserError(
            f"{path}: preset format {config.get('format')!r} is unknown here; this version reads format {FORMAT}"
        )
    if missing := [key for key in _REQUIRED if key not in config]:
        raise UserError(f"{path}: lacks {', '.join(missing)}")
    for key, kind in _REQUIRED.items():
        if not isinstance(config[key], kind):
            expected = {str: "a text", dict: "an object", list: "a list"}[kind]
            raise UserError(f"{path}: expected {expected} as {key!r}, got {config[key]!r:.60}")
    if not isinstance(config.get("app", ""), str):
        raise UserError(f"{path}: expected a text as 'app', got {config['app']!r:.60}")
    if not config["name"] or Path(config["name"]).name != config["name"]:  # exports are written under it
        raise UserError(f"{path}: expected a name without a path, got {config['name']!r}")
    try:
        declared = task_catalog.entry(config["task"])
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    for key, count in declared.config_lists.items():
        if key not in config:
            raise UserError(f"{path}: lacks {key}")
        texts = config[key]
        if not isinstance(texts, list):
            raise UserError(f"{path}: expected a list as {key!r}, got {texts!r:.60}")
        if not texts or not all(isinstance(text, str) for text in texts) or len(set(texts)) < len(texts):
            raise UserError(f"{path}: expected different texts as {key!r}, got {texts!r:.60}")
        if count not in (None, len(texts)):
            raise UserError(f"{path}: expected {count} texts as {key!r}, got {texts!r:.60}")
    return config


def introduction(config: dict) -> str:
    """A paragraph to read before the first answer: what the preset is for, its first limit, its labels.

    Example:
        >>> introduction({"name": "pets", "task": "image-classification", "labels": ["cat", "dog"]})
        'pets: trained on data of its own. It knows 2 labels: cat, dog.'
    """
    sentences = [config.get("about") or f"trained on {config.get('data') or 'data of its own'}."]
    sentences += config.get("limits", [])[:1]
    if labels := config.get("labels"):
        more = f" and {len(labels) - 12:,} more" if len(labels) > 12 else ""
        sentences.append(f"It knows {len(labels):,} labels: {', '.join(labels[:12])}{more}.")
    if languages := config.get("languages"):
        sentences.append(f"From {languages[0]} to {languages[1]}.")
    return f"{config['name']}: {' '.join(sentences)}"


def read_scores(folder: Path) -> dict | None:
    """The parsed `scores.json`, or None where the preset has not been evaluated."""
    path = folder / "scores.json"
    return _read_json(path) if path.is_file() else None


def _read_json(path: Path) -> dict:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{path}: not valid JSON ({error})") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    if not isinstance(value, dict):
        raise UserError(f"{path}: expected a JSON object, got {type(value).__name__}")
    return value


def write_json(path: Path, value: object) -> None:
    """Writes `value` as indented UTF-8 JSON with a final newline."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def check_replaceable(folder: Path) -> None:
    """Tells before hours of work whether `replacing` could write the folder at their end.

    Raises:
        UserError: It stands where nothing can be written, or cannot be replaced.
    """
    place = Path(folder).resolve()
    if os.path.ismount(place) or Path.cwd().is_relative_to(place):
        what = "a mount point" if os.path.ismount(place) else "the working folder, or around it"
        raise UserError(f"{folder}: is {what}, which cannot be replaced; choose a folder within it")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        # Of several machines, whose workers come here at once, two may have the same process number.
        os.rmdir(tempfile.mkdtemp(prefix=f".{place.name}.partial-", dir=place.parent))
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error.strerror or error}") from error


@contextlib.contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """A folder to write into that takes the place of `folder` when the block ends without an exception.

    What stood at `folder` stays untouched until then; after a failure nothing of the new one is left behind.

    Raises:
        UserError: The place cannot be written, or the disk is full.
    """
    given, folder = folder, Path(folder).resolve()  # a link stays one
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
        raise UserError(f"cannot write {given}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
