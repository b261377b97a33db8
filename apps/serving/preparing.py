"""Inputs of an export of ours are prepared as the applications prepare them, before its graph sees them.

A graph decodes plain upright images and takes any bytes for a text. `zoo classify` does more: it turns a photo by its
EXIF orientation, puts transparency over white, and reads formats that TensorFlow does not. `zoo.export` names each
input's kind in `assets.extra/prepare.json`, so that a server gives the answer that the command gives.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from apps.serving.errors import invalid
from zoo.errors import UserError
from zoo.inputs import image_files, text

Prepare = Callable[[bytes], bytes]  # raises UserError
KINDS: Mapping[str, Prepare] = {"image": image_files.upright, "text": text.raw}


def declared(folder: Path) -> dict[str, Prepare]:
    """Input -> what is done to each of its items; empty for an export that says nothing.

    Args:
        folder: A version's folder.

    Raises:
        ValueError: The file names a kind that is not known.
        OSError: It cannot be read.
    """
    path = folder / "assets.extra" / "prepare.json"
    if not path.is_file():
        return {}
    kinds = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(kinds, dict) or not all(isinstance(kind, str) and kind in KINDS for kind in kinds.values()):
        raise ValueError(f"{path}: expected inputs, each with one of {', '.join(KINDS)}, got {kinds!r:.100}")
    return {name: KINDS[kind] for name, kind in kinds.items()}


def prepared(name: str, items: np.ndarray, prepare: Prepare) -> np.ndarray:
    """The items as the graph takes them.

    Args:
        name: The input's.
        items: Bytes, an array of any shape.
        prepare: One of `KINDS`.

    Raises:
        Refusal: An item is bad; the first one is named by its place.
    """
    found = np.empty(items.size, object)
    for place, item in enumerate(items.ravel()):
        try:
            found[place] = prepare(item)
        except UserError as error:
            raise invalid(f"Input {name}, item {place}: {error}") from None
    return found.reshape(items.shape)
