"""Words for people in place of the short names that presets have: languages, and labels such as "neg"."""

from __future__ import annotations

from collections.abc import Mapping

from zoo.data.tables.languages import ENGLISH

LABELS = {"neg": "negative", "pos": "positive"}


def label(name: str) -> str:
    """A label as the page shows it."""
    return LABELS.get(name, name)


def spelled(config: Mapping) -> dict:
    """A preset's configuration with its labels as the page shows them."""
    return {**config, "labels": [label(name) for name in config["labels"]]} if "labels" in config else dict(config)


def names(presets: Mapping[str, Mapping]) -> dict[str, str]:
    """The page's name for each preset: "German to English", and its own name where two would be called alike."""
    called = {
        name: " to ".join(ENGLISH.get(each.lower(), each) for each in config["languages"])
        for name, config in presets.items()
        if "languages" in config
    }
    first = {title: name for name, title in reversed(called.items())}
    return {
        name: name if name not in called else called[name] + (f" ({name})" if first[called[name]] != name else "")
        for name in presets
    }
