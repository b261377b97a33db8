"""TFDS builders of the plain sets: `multi30k`, `anki/spa-eng`, `anki/fra-eng`, `de_en_everyday`,
`dialogsum`.

Importing a module registers its builder, so that `tfds.load("multi30k")` works too.
"""

from __future__ import annotations

import importlib

_CLASSES = {
    "multi30k": "Multi30k",
    "anki": "Anki",
    "de_en_everyday": "DeEnEveryday",
    "dialogsum": "Dialogsum",
}


NAMES = ("multi30k", "anki/spa-eng", "anki/fra-eng", "de_en_everyday", "dialogsum")


def find(name: str):
    """The builder of a plain set, or None where the name is not one of them.

    Args:
        name: As TFDS spells it: "multi30k", "anki/spa-eng".

    Raises:
        UserError: The set has no such configuration.
    """
    module, _, config = name.partition("/")
    if module not in _CLASSES:
        return None
    builder = getattr(importlib.import_module(f"zoo.data.builders.{module}"), _CLASSES[module])
    return builder.named(config)
