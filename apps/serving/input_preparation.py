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
from zoo.inputs import image_files
from zoo.inputs.audio import Audio
from zoo.inputs.text import Text

Prepare = Callable[[bytes], bytes]  # raises UserError
# Kind of an input -> its preparation; numbers need none.
KINDS: Mapping[str, Prepare | None] = {
    "image": image_files.upright,
    "text": Text("text").encode,
    "audio": Audio("audio").encode,
    "number": None,
}


def declared(folder: Path) -> dict[str, Prepare]:
    """Input -> its preparation, of those that have one; empty for an export that says nothing.

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
    return {name: prepare for name, kind in kinds.items() if (prepare := KINDS[kind]) is not None}


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
