"""What every task of texts does first."""

from __future__ import annotations

import unicodedata

from zoo.errors import UserError


def raw(item: str | bytes) -> bytes:
    """One text as UTF-8, its accents composed as in vocabularies; raises UserError where it is not valid UTF-8."""
    try:
        text = item if isinstance(item, str) else item.decode()
        return unicodedata.normalize("NFC", text).encode()
    except UnicodeError as error:
        raise UserError(f"not valid UTF-8 at position {error.start}") from None
