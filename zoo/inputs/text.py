"""Texts: a string or its UTF-8."""

from __future__ import annotations

import unicodedata

from zoo.errors import UserError
from zoo.inputs import containers
from zoo.inputs.base import Input

_PROBES = (
    "A great film: funny, warm and over too soon.",
    "I want these two hours of my life back.",
    "Not bad, but it isn't good either... 6/10",
    "Das war großartig! Ça alors, ÉTÉ 映画 🎬",
    "",
    "word " * 3000,
)


class Text(Input):
    """One text."""

    kind = "text"
    is_item = staticmethod(containers.is_scalar)

    def encode(self, value: str | bytes) -> bytes:
        """One text as UTF-8, its accents composed as in vocabularies.

        Raises:
            UserError: Not valid UTF-8, or no text.
        """
        if not isinstance(value, str | bytes):
            raise UserError(f"expected a text, str or UTF-8 bytes, got {containers.kind(value)}")
        try:
            text = value if isinstance(value, str) else value.decode()
            return unicodedata.normalize("NFC", text).encode()
        except UnicodeError as error:
            raise UserError(f"not valid UTF-8 at position {error.start}") from None

    def probes(self) -> list[bytes]:
        """Sentences, one of them empty and one longer than any model reads."""
        return [text.encode() for text in _PROBES]
