"""The raw form of texts, shared by every task that takes them."""

from __future__ import annotations

import unicodedata

from zoo.errors import UserError
from zoo.inputs import containers

_PROBES = (
    "A great film: funny, warm and over too soon.",
    "I want these two hours of my life back.",
    "Not bad, but it isn't good either... 6/10",
    "Das war großartig! Ça alors, ÉTÉ 映画 🎬",
    "",
    "word " * 3000,
)


def probes() -> list[bytes]:
    """Sentences, one of them empty and one longer than any model reads."""
    return [text.encode() for text in _PROBES]


is_item = containers.is_scalar


def raw(item: str | bytes) -> bytes:
    """One text as UTF-8, its accents composed as in vocabularies.

    Raises:
        UserError: Not valid UTF-8, or no text.
    """
    if not isinstance(item, str | bytes):
        raise UserError(f"expected a text, str or UTF-8 bytes, got {containers.kind(item)}")
    try:
        text = item if isinstance(item, str) else item.decode()
        return unicodedata.normalize("NFC", text).encode()
    except UnicodeError as error:
        raise UserError(f"not valid UTF-8 at position {error.start}") from None
