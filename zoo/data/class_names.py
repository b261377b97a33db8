"""Names of classes: which spellings mean the same one, and the order in which they are counted."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np

_WHOLE = re.compile(r"([+-]?(?:0|[1-9]\d*))\.0+")


def counted(labels: Iterable[object]) -> tuple[np.ndarray, tuple[str, ...], list[str]]:
    """Numbers the classes of labels: numbers in their order, then names in the order of the alphabet.

    Args:
        labels: One for each example. `1` and `1.0` are one class, as are two ways to write the same letters.

    Returns:
        Indices into the names, int32; the names; sentences on labels that differ by little.
    """
    labels = [unicodedata.normalize("NFC", str(label).strip()) for label in labels]
    spelled: dict[str, set[str]] = {}
    for label in set(labels):
        spelled.setdefault(_whole(label), set()).add(label)
    names = {label: min(group, key=len) for group in spelled.values() for label in group}
    notes = [
        f"The labels {', '.join(map(repr, sorted(group, key=len)))} are the same number and are one class."
        for group in spelled.values()
        if len(group) > 1
    ]
    order = sorted(set(names.values()), key=lambda name: (not name.isdigit(), int(name) if name.isdigit() else 0, name))
    alike: dict[str, list[str]] = {}
    for name in order:
        alike.setdefault(name.casefold(), []).append(name)
    notes += [
        f"The labels {', '.join(map(repr, group))} differ in capitals alone and are {len(group)} classes."
        for group in alike.values()
        if len(group) > 1
    ]
    index = {name: place for place, name in enumerate(order)}
    return np.array([index[names[label]] for label in labels], np.int32), tuple(order), notes


def places(names: Sequence[str], known: Sequence[str]) -> list[int | None]:
    """The place of each name among those that are known: spelled alike, or else but for capitals, `1` and `1.0`, the
    composition of accents, and `_` for `/`, which no folder's name holds. None for a name that is not known.

    Example:
        >>> places(["Bag", "t-shirt_top", "hat"], ["T-shirt/top", "Bag"])
        [1, 0, None]
    """
    exact = {name: place for place, name in enumerate(known)}
    loose: dict[str, list[int]] = {}
    for place, name in enumerate(known):
        loose.setdefault(_key(name), []).append(place)
    found = []
    for name in names:
        alike = loose.get(_key(name), [])
        found.append(exact.get(name, alike[0] if len(alike) == 1 else None))
    return found


def _key(name: str) -> str:
    return _whole(unicodedata.normalize("NFC", name).casefold().replace("/", "_"))


def _whole(label: str) -> str:
    """A whole number without the zeros after its point."""
    found = _WHOLE.fullmatch(label)
    return found[1] if found else label
